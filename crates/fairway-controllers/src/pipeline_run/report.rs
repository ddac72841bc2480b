//! What a run says of itself. Pure but for the logs, which are read for the name of a failed test.

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::v1alpha1::{Explanation, PipelineRun, PipelineRunReason, PipelineRunStatus, SUCCEEDED, StepState};
use fairway_plan::pipeline::{failed_packages, failed_test};
use fairway_plan::release::version;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::observe::Observed;
use super::steps::{Progress, reported};
use super::{Ended, Outcome};
use crate::Error;
use crate::hosting::RunLogs;

/// How much of a log is looked through for a failed test.
const TAIL: u64 = 4 << 20;

/// Whether a run is over.
pub(super) fn has_ended(run: &PipelineRun) -> bool {
    run.status.as_ref().is_some_and(|it| it.completion_time.is_some())
}

/// Whether it waits for its turn.
pub(super) fn is_queued(run: &PipelineRun) -> bool {
    let conditions = run.status.iter().flat_map(|it| &it.conditions);
    conditions.into_iter().any(|it| it.type_ == SUCCEEDED && it.reason == PipelineRunReason::Queued.as_str())
}

/// The status after a pass.
pub(super) fn status(run: &PipelineRun, outcome: &Outcome, now: Timestamp) -> PipelineRunStatus {
    let progress = &outcome.progress;
    match &outcome.ended {
        Some(ended) => over(run, progress, ended, now),
        None => {
            let (reason, message) = going_on(progress, outcome.queued);
            open(run, progress, reason, message, now)
        }
    }
}

/// The status after a pass that failed.
pub(super) fn trouble(run: &PipelineRun, error: &Error, now: Timestamp) -> PipelineRunStatus {
    let message = format!("the platform could not {error}; it tries again");
    open(run, &reported(run), PipelineRunReason::ApplyFailed, message, now)
}

fn going_on(progress: &Progress, queued: bool) -> (PipelineRunReason, String) {
    let of = |state: StepState| -> Vec<&str> {
        progress.steps.iter().filter(|it| it.state == state).map(|it| it.name.as_str()).collect()
    };
    let (running, waiting) = (of(StepState::Running), of(StepState::Waiting));
    let verb = |names: &[&str], one: &str, more: &str| {
        format!("{} {}", names.join(", "), if names.len() == 1 { one } else { more })
    };
    let pending = |it: &&fairway_api::v1alpha1::PipelineStep| !it.state.ended() && it.message.is_some();
    if let Some(step) = progress.steps.iter().find(pending) {
        let message = step.message.clone().unwrap_or_default();
        return (PipelineRunReason::Running, format!("step {}: {message}", step.name));
    }
    match (running.is_empty(), waiting.is_empty()) {
        (false, true) => (PipelineRunReason::Running, verb(&running, "is running", "are running")),
        (false, false) => {
            let (running, waiting) = (verb(&running, "is running", "are running"), verb(&waiting, "waits", "wait"));
            (PipelineRunReason::Running, format!("{running}; {waiting}"))
        }
        (true, false) if queued => {
            let message = format!("{} for a free place", verb(&waiting, "waits", "wait"));
            (PipelineRunReason::Queued, message)
        }
        (true, false) => (PipelineRunReason::Running, format!("{} to be started", verb(&waiting, "is", "are"))),
        (true, true) if progress.release_name.is_some() => {
            (PipelineRunReason::Running, "its release is being delivered".to_owned())
        }
        (true, true) => (PipelineRunReason::Running, "its steps are done".to_owned()),
    }
}

fn open(
    run: &PipelineRun,
    progress: &Progress,
    reason: PipelineRunReason,
    message: String,
    now: Timestamp,
) -> PipelineRunStatus {
    let word = reason.as_str();
    let wanted = [
        Wanted::unknown(READY, word, message.clone()),
        Wanted::unknown(SUCCEEDED, word, message.clone()),
        Wanted::no(STALLED, word, "nothing keeps it"),
    ];
    let fixed_by = (reason == PipelineRunReason::ApplyFailed).then(|| "the platform team".to_owned());
    let next_step = Some(format!("platform pipeline logs {} --follow", run.name_any()));
    make(run, progress, Explanation { summary: message, fixed_by, next_step }, &wanted, None, now)
}

fn over(run: &PipelineRun, progress: &Progress, ended: &Ended, now: Timestamp) -> PipelineRunStatus {
    let word = ended.reason.as_str();
    let message = &ended.message;
    let well = ended.reason == PipelineRunReason::Succeeded;
    let result = |of| if well { Wanted::yes(of, word, message.clone()) } else { Wanted::no(of, word, message.clone()) };
    let stalled = if well {
        Wanted::no(STALLED, word, "nothing keeps it")
    } else {
        Wanted::yes(STALLED, word, "a run does not change; push again, or run it again")
    };
    let name = run.name_any();
    let component = &run.spec.component_name;
    let (fixed_by, next_step) = match ended.reason {
        PipelineRunReason::Succeeded => {
            (None, progress.delivered_to.first().map(|it| format!("platform status {component} --env={it}")))
        }
        PipelineRunReason::StepFailed => (Some("its team"), Some(format!("platform pipeline logs {name}"))),
        PipelineRunReason::DeliveryForbidden => {
            (Some("somebody who may deliver there"), Some(format!("platform status {component}")))
        }
        PipelineRunReason::Superseded => (None, Some("platform pipeline runs".to_owned())),
        PipelineRunReason::Cancelled => (None, Some(format!("platform pipeline rerun {name}"))),
        PipelineRunReason::PipelineNotFound | PipelineRunReason::InvalidPipeline => {
            (Some("its team"), Some("platform pipeline lint".to_owned()))
        }
        _ => (Some("its team"), Some(format!("platform pipeline rerun {name}"))),
    };
    let explanation = Explanation { summary: message.clone(), fixed_by: fixed_by.map(str::to_owned), next_step };
    make(run, progress, explanation, &[result(READY), result(SUCCEEDED), stalled], Some(Time(now)), now)
}

fn make(
    run: &PipelineRun,
    progress: &Progress,
    explanation: Explanation,
    wanted: &[Wanted],
    completion_time: Option<Time>,
    now: Timestamp,
) -> PipelineRunStatus {
    let before = run.status.clone().unwrap_or_default();
    let generation = run.metadata.generation;
    PipelineRunStatus {
        explanation,
        start_time: before.start_time.or_else(|| progress.start_time()),
        steps: progress.steps.clone(),
        release_name: progress.release_name.clone(),
        delivered_to: progress.delivered_to.clone(),
        completion_time,
        observed_generation: generation,
        conditions: merge(&before.conditions, wanted, generation, now),
    }
}

/// What a run that ended well has come to.
pub(super) fn success(observed: &Observed, progress: &Progress) -> String {
    let all = progress.steps.len();
    let skipped = progress.steps.iter().filter(|it| it.state == StepState::Skipped).count();
    let steps = match (all, skipped) {
        (1, 0) => "its step succeeded".to_owned(),
        (all, 0) => format!("all {all} steps succeeded"),
        (all, skipped) if all == skipped => "nothing changed, so no step was run".to_owned(),
        (all, skipped) => format!("{} of {all} steps succeeded, the others did not change", all - skipped),
    };
    let Some(release) = &observed.release else { return steps };
    let version = version(release);
    match progress.delivered_to.as_slice() {
        [] => format!("{steps}; release {version} is made"),
        places => format!("{steps}; release {version} is on its way to {}", places.join(" and ")),
    }
}

/// Where a Release that was made is not delivered to, and why.
pub(super) fn forbidden(names: &[String], observed: &Observed, progress: &Progress) -> String {
    let version = observed.release.as_ref().map(version).unwrap_or_default();
    let why =
        |it: &String| format!("not delivered to {it}: {}", observed.forbidden.get(it).cloned().unwrap_or_default());
    let refused: Vec<String> = names.iter().map(why).collect();
    let refused = refused.join("; and ");
    match progress.delivered_to.as_slice() {
        [] => format!("release {version} is made, and {refused}"),
        places => format!("release {version} is on its way to {}, and {refused}", places.join(" and ")),
    }
}

/// What went wrong, with the first failed test, or why packages did not come, where the log shows it.
pub(super) fn failure(run: &PipelineRun, names: &[String], progress: &Progress, logs: &RunLogs) -> String {
    let Some(first) = names.first() else { return "a step did not succeed".to_owned() };
    let step = progress.steps.iter().find(|it| it.name == *first);
    let why = step.and_then(|it| it.message.clone()).unwrap_or_default();
    let log = logs.tail(&run.namespace().unwrap_or_default(), &run.name_any(), first, TAIL).unwrap_or_default();
    let more = match names.len() {
        1 => String::new(),
        2 => format!(" (step {} failed too)", names[1]),
        _ => format!(" (steps {} failed too)", names[1..].join(", ")),
    };
    let named = || failed_test::first(&log).map(|test| format!("test {test} failed"));
    let why = named().or_else(|| failed_packages::why(&log)).unwrap_or(why);
    format!("step {first} failed: {why}{more}")
}

#[cfg(test)]
mod tests;
