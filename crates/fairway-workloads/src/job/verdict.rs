//! Whether a Job is over, and how. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::indexes;
use super::tally::{Tally, end};

/// How it is over. Said at once in one condition, and in another when all its Pods have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) succeeded: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Verdict {
    fn failed(reason: &str, message: impl Into<String>) -> Self {
        Self { succeeded: false, reason: reason.to_owned(), message: message.into() }
    }

    /// The condition that says so while Pods still end.
    pub(super) fn target(&self) -> &'static str {
        if self.succeeded { "SuccessCriteriaMet" } else { "FailureTarget" }
    }

    /// The condition that says so for good.
    pub(super) fn end(&self) -> &'static str {
        if self.succeeded { "Complete" } else { "Failed" }
    }
}

/// What was decided in an earlier pass.
pub(super) fn noted(status: &JobStatus) -> Option<Verdict> {
    let of = |kind: &str, succeeded: bool| {
        let it = condition(status, kind)?;
        let (reason, message) = (it.reason.clone().unwrap_or_default(), it.message.clone().unwrap_or_default());
        Some(Verdict { succeeded, reason, message })
    };
    of("SuccessCriteriaMet", true).or_else(|| of("FailureTarget", false))
}

/// Since when it is over for good.
pub(crate) fn ended_at(status: &JobStatus) -> Option<Timestamp> {
    let it = condition(status, "Complete").or_else(|| condition(status, "Failed"))?;
    Some(it.last_transition_time.as_ref().map_or(Timestamp::MIN, |Time(at)| *at))
}

/// A condition that holds.
pub(crate) fn condition<'a>(status: &'a JobStatus, kind: &str) -> Option<&'a JobCondition> {
    status.conditions.iter().flatten().find(|it| it.type_ == kind && it.status == "True")
}

/// Decides.
pub(super) fn decide(job: &Job, tally: &Tally<'_>, pods: &[&Pod], now: Timestamp) -> Option<Verdict> {
    let spec = job.spec.clone().unwrap_or_default();
    if let Some(why) = unsupported(job) {
        return Some(Verdict::failed("NotSupported", why));
    }
    if let Some(why) = &tally.fatal {
        return Some(Verdict::failed("PodFailurePolicy", why));
    }
    let limit = spec.backoff_limit.unwrap_or(6);
    if tally.failures() > limit || restarts_exceed(job, pods, limit) {
        return Some(Verdict::failed("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    if deadline(job).is_some_and(|it| it <= now) {
        return Some(Verdict::failed("DeadlineExceeded", "Job was active longer than specified deadline"));
    }
    let complete = match spec.completions {
        Some(wanted) => tally.successes() >= wanted,
        None => tally.successes() > 0 && tally.active.is_empty(),
    };
    let message = "Reached expected number of succeeded pods".to_owned();
    complete.then(|| Verdict { succeeded: true, reason: "CompletionsReached".to_owned(), message })
}

/// When it runs out of time.
pub(super) fn deadline(job: &Job) -> Option<Timestamp> {
    let spec = job.spec.as_ref()?;
    let seconds = spec.active_deadline_seconds.filter(|_| spec.suspend != Some(true))?;
    let Time(start) = job.status.as_ref()?.start_time.as_ref()?;
    start.saturating_add(SignedDuration::from_secs(seconds)).ok()
}

/// Containers that are restarted in their Pod count too.
fn restarts_exceed(job: &Job, pods: &[&Pod], limit: i32) -> bool {
    let template = job.spec.as_ref().and_then(|it| it.template.spec.as_ref());
    if template.and_then(|it| it.restart_policy.as_deref()) != Some("OnFailure") {
        return false;
    }
    let alive = pods.iter().filter_map(|it| it.status.as_ref());
    let alive = alive.filter(|it| matches!(it.phase.as_deref(), Some("Pending" | "Running")));
    let containers = alive.flat_map(|it| it.container_statuses.iter().chain(&it.init_container_statuses).flatten());
    let restarts: i64 = containers.map(|it| i64::from(it.restart_count)).sum();
    restarts > 0 && restarts >= i64::from(limit)
}

/// What is asked for and not known here: said, rather than done wrongly.
fn unsupported(job: &Job) -> Option<String> {
    let spec = job.spec.as_ref()?;
    let field = if spec.success_policy.is_some() {
        "spec.successPolicy"
    } else if spec.backoff_limit_per_index.is_some() {
        "spec.backoffLimitPerIndex"
    } else if spec.max_failed_indexes.is_some() {
        "spec.maxFailedIndexes"
    } else if end(job).is_some() && spec.completions.is_none_or(|it| it > indexes::MOST) {
        return Some(format!("spec.completions: an Indexed Job must say how many, at most {}", indexes::MOST));
    } else {
        return None;
    };
    Some(format!("{field} is not supported in this cluster; remove the field"))
}

#[cfg(test)]
mod tests;
