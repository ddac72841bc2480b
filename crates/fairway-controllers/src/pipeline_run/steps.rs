//! How the steps of a run stand: what the status said before, with what their Pods say now. Pure.

use std::collections::BTreeMap;

use fairway_api::v1alpha1::{PipelineRun, PipelineStep, StepReason, StepState};
use fairway_plan::pipeline::file::{Pipeline, Step};
use fairway_plan::pipeline::plan::Standing;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

/// What a run has come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Progress {
    pub(super) steps: Vec<PipelineStep>,
    pub(super) release_name: Option<String>,
    pub(super) delivered_to: Vec<String>,
}

/// The same, as the planner is told.
pub(super) struct Seen {
    pub(super) progress: Progress,
    pub(super) standings: BTreeMap<String, Standing>,
    /// A step has ended, and its log is not copied yet.
    pub(super) logs_missing: bool,
}

/// What the status said.
pub(super) fn reported(run: &PipelineRun) -> Progress {
    let status = run.status.clone().unwrap_or_default();
    Progress { steps: status.steps, release_name: status.release_name, delivered_to: status.delivered_to }
}

/// Puts what the Pods say over what the status said. `is_whole` tells whether a step's log is.
pub(super) fn see(
    run: &PipelineRun,
    pipeline: &Pipeline,
    keys: &BTreeMap<String, String>,
    pods: &BTreeMap<String, Pod>,
    is_whole: impl Fn(&str) -> bool,
) -> Seen {
    let mut progress = reported(run);
    progress.steps = pipeline.steps.iter().map(|it| known(&progress.steps, it, keys)).collect();
    let mut seen = Seen { progress, standings: BTreeMap::new(), logs_missing: false };
    for step in &mut seen.progress.steps {
        let pod = pods.get(&step.name);
        let over = pod.is_some_and(has_ended);
        let missing = over && pod.is_some_and(|it| container(it).is_some_and(has_begun)) && !is_whole(&step.name);
        let standing = match (standing(step), pod) {
            (standing, _) if standing.ended() => standing,
            (Standing::Waiting, None) => Standing::Waiting,
            (_, None) => Standing::Lost,
            (_, Some(pod)) => {
                take_over(step, pod);
                match (over && !missing, phase(pod)) {
                    (true, "Succeeded") => Standing::Exited,
                    (true, _) => {
                        fail(step, pod, pipeline.step(&step.name));
                        Standing::Failed
                    }
                    (false, _) => Standing::Running,
                }
            }
        };
        seen.logs_missing |= missing;
        seen.standings.insert(step.name.clone(), standing);
    }
    seen
}

/// What was said of a step, or that it waits.
fn known(before: &[PipelineStep], step: &Step, keys: &BTreeMap<String, String>) -> PipelineStep {
    let known = before.iter().find(|it| it.name == step.name).cloned();
    let mut known = known.unwrap_or_else(|| PipelineStep { name: step.name.clone(), ..PipelineStep::default() });
    if !known.state.ended() {
        known.key = keys.get(&step.name).cloned();
    }
    known
}

fn standing(step: &PipelineStep) -> Standing {
    match step.state {
        StepState::Waiting => Standing::Waiting,
        StepState::Running => Standing::Running,
        StepState::Succeeded => Standing::Succeeded,
        StepState::Failed => Standing::Failed,
        StepState::Cancelled => Standing::Cancelled,
        StepState::Skipped if step.reason.as_deref() == Some(StepReason::Unchanged.as_str()) => Standing::Unchanged,
        StepState::Skipped => Standing::Blocked,
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|it| it.phase.as_deref()).unwrap_or_default()
}

/// Whether a Pod will do nothing more.
pub(super) fn has_ended(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

fn container(pod: &Pod) -> Option<&ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.first()
}

/// Whether a container has printed, or can have.
fn has_begun(container: &ContainerStatus) -> bool {
    container.state.as_ref().is_some_and(|it| it.running.is_some() || began(it.terminated.as_ref()))
}

fn began(terminated: Option<&ContainerStateTerminated>) -> bool {
    terminated.is_some_and(|it| it.started_at.is_some())
}

/// Whether there is a log of a Pod to be read.
pub(super) fn has_log(pod: &Pod) -> bool {
    container(pod).is_some_and(has_begun)
}

fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    container(pod)?.state.as_ref()?.terminated.as_ref()
}

fn take_over(step: &mut PipelineStep, pod: &Pod) {
    step.state = StepState::Running;
    step.pod_name = Some(pod.name_any());
    let state = container(pod).and_then(|it| it.state.as_ref());
    let running = state.and_then(|it| it.running.as_ref()?.started_at.clone());
    let ended = terminated(pod);
    step.start_time =
        running.or_else(|| ended.and_then(|it| it.started_at.clone())).or_else(|| step.start_time.clone());
    step.completion_time = ended.and_then(|it| it.finished_at.clone());
    step.exit_code = ended.map(|it| it.exit_code);
}

/// Says why a step failed.
fn fail(step: &mut PipelineStep, pod: &Pod, definition: Option<&Step>) {
    let status = pod.status.clone().unwrap_or_default();
    let said = || status.message.clone().unwrap_or_default();
    let ended = terminated(pod);
    let (reason, message) = match (status.reason.as_deref(), ended) {
        (Some("DeadlineExceeded"), _) => {
            let seconds = definition.map(|it| it.timeout).unwrap_or_default();
            let message = format!("it took longer than {seconds} s; give it more with \"timeout\"");
            (StepReason::DeadlineExceeded, and(message, noted(ended)))
        }
        (Some("Evicted"), _) => (StepReason::Evicted, format!("the node stopped it: {}", said())),
        (_, Some(it)) if it.reason.as_deref() == Some("OOMKilled") => {
            (StepReason::OOMKilled, "it needed more memory than it may have; give it more with \"memory\"".to_owned())
        }
        (_, Some(it)) if it.started_at.is_some() => {
            (StepReason::ExitCode, and(format!("its command ended with code {}", it.exit_code), noted(Some(it))))
        }
        (_, ended) => {
            let why = ended.and_then(|it| it.message.clone()).filter(|it| !it.is_empty()).unwrap_or_else(said);
            (StepReason::NotStarted, format!("it never began: {why}"))
        }
    };
    end(step, StepState::Failed, reason, message);
}

/// What the node noted of a container's end.
fn noted(ended: Option<&ContainerStateTerminated>) -> Option<&str> {
    ended?.message.as_deref().filter(|it| !it.is_empty())
}

fn and(message: String, note: Option<&str>) -> String {
    note.map_or_else(|| message.clone(), |it| format!("{message}; {it}"))
}

/// Puts a step at its end.
pub(super) fn end(step: &mut PipelineStep, state: StepState, reason: StepReason, message: impl Into<String>) {
    step.state = state;
    step.reason = Some(reason.as_str().to_owned());
    step.message = Some(message.into());
}

impl Progress {
    pub(super) fn step(&mut self, name: &str) -> Option<&mut PipelineStep> {
        self.steps.iter_mut().find(|it| it.name == name)
    }

    /// Whatever has not ended is stopped.
    pub(super) fn cancel(&mut self, why: &str) {
        for step in self.steps.iter_mut().filter(|it| !it.state.ended()) {
            end(step, StepState::Cancelled, StepReason::RunCancelled, why);
        }
    }

    /// When the first step began.
    pub(super) fn start_time(&self) -> Option<Time> {
        self.steps.iter().filter_map(|it| it.start_time.clone()).min()
    }
}

#[cfg(test)]
mod tests;
