//! What the Pods of a Job come to. Pure.
//!
//! A Pod has a finalizer until it is counted, so none is lost and none counts twice: those that ended are noted in the
//! status, then they are let go, then what is noted and gone is added to the counts.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::indexes::{self, Indexes};
use super::policy::{self, Meaning};
use crate::pod;

/// The finalizer of a Pod that is not counted yet.
pub(super) const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// No more Pods than this are noted at once.
const MOST_NOTED: usize = 500;
/// The wait after the first failure; doubled with each that follows.
const FIRST_BACKOFF: Duration = Duration::from_secs(10);
/// The longest wait.
const LAST_BACKOFF: Duration = Duration::from_secs(600);

/// The Pods, told apart and counted.
#[derive(Debug, Default)]
pub(super) struct Tally<'a> {
    pub(super) active: Vec<&'a Pod>,
    pub(super) ready: usize,
    /// On their way out, and not ended yet.
    pub(super) terminating: usize,
    /// Counted for good.
    pub(super) succeeded: i32,
    pub(super) failed: i32,
    /// Noted, by UID: to be counted once their finalizer is gone.
    pub(super) noted_succeeded: BTreeSet<String>,
    pub(super) noted_failed: BTreeSet<String>,
    /// The numbers that are done, of an Indexed Job.
    pub(super) completed: Option<Indexes>,
    /// Whose finalizer goes once the status is written.
    pub(super) release: Vec<&'a Pod>,
    /// A failure that ends the Job, and why.
    pub(super) fatal: Option<String>,
}

impl<'a> Tally<'a> {
    /// Counts. `all_leaving_failed`: whether also those Pods failed that are on their way out and may still end well.
    pub(super) fn of(job: &Job, pods: &[&'a Pod], all_leaving_failed: bool) -> Self {
        let mut tally = Self::begin(job, pods);
        for pod in pods {
            tally.tell(pod);
            if is_tracked(pod) {
                tally.count(job, pod, all_leaving_failed);
            }
        }
        if let Some(completed) = &tally.completed {
            tally.succeeded = completed.count();
        }
        tally
    }

    /// What the status says, with what was noted there and let go since.
    fn begin(job: &Job, pods: &[&'a Pod]) -> Self {
        let status = job.status.clone().unwrap_or_default();
        let noted = status.uncounted_terminated_pods.unwrap_or_default();
        let is_held = |uid: &String| pods.iter().any(|it| it.metadata.uid.as_ref() == Some(uid) && is_tracked(it));
        let split = |uids: Option<Vec<String>>| -> (BTreeSet<String>, i32) {
            let (held, gone): (BTreeSet<_>, BTreeSet<_>) = uids.into_iter().flatten().partition(is_held);
            (held, i32::try_from(gone.len()).unwrap_or(i32::MAX))
        };
        let (noted_succeeded, succeeded) = split(noted.succeeded);
        let (noted_failed, failed) = split(noted.failed);
        let end = end(job);
        Self {
            succeeded: status.succeeded.unwrap_or(0).saturating_add(succeeded),
            failed: status.failed.unwrap_or(0).saturating_add(failed),
            noted_succeeded,
            noted_failed,
            completed: end.map(|end| Indexes::read(status.completed_indexes.as_deref().unwrap_or_default(), end)),
            ..Self::default()
        }
    }

    fn tell(&mut self, pod: &'a Pod) {
        match (pod::is_finished(pod), pod.metadata.deletion_timestamp.is_some()) {
            (true, _) => {}
            (false, true) => self.terminating += 1,
            (false, false) => {
                self.active.push(pod);
                self.ready += usize::from(pod::is_ready(pod));
            }
        }
    }

    fn count(&mut self, job: &Job, pod: &'a Pod, all_leaving_failed: bool) {
        let uid = pod.uid().unwrap_or_default();
        if self.noted_succeeded.contains(&uid) || self.noted_failed.contains(&uid) {
            self.release.push(pod);
            return;
        }
        let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
        let leaving = pod.metadata.deletion_timestamp.is_some() && phase != Some("Succeeded");
        let failed = phase == Some("Failed") || (leaving && (all_leaving_failed || !replaces_ended_only(job)));
        if !(failed || phase == Some("Succeeded")) || self.noted_succeeded.len() + self.noted_failed.len() == MOST_NOTED
        {
            return;
        }
        self.release.push(pod);
        match (failed, &mut self.completed) {
            (false, Some(completed)) => {
                if let Some(index) = indexes::of(pod).filter(|it| end(job).is_some_and(|end| *it < end)) {
                    completed.insert(index);
                }
            }
            (false, None) => _ = self.noted_succeeded.insert(uid),
            (true, _) => match policy::judge(job, pod) {
                Meaning::Ignored => {}
                Meaning::Counts => _ = self.noted_failed.insert(uid),
                Meaning::Fatal(why) => {
                    self.noted_failed.insert(uid);
                    self.fatal.get_or_insert(why);
                }
            },
        }
    }

    /// How many ended well, counted or only noted.
    pub(super) fn successes(&self) -> i32 {
        self.succeeded.saturating_add(i32::try_from(self.noted_succeeded.len()).unwrap_or(i32::MAX))
    }

    /// How many failed, counted or only noted.
    pub(super) fn failures(&self) -> i32 {
        self.failed.saturating_add(i32::try_from(self.noted_failed.len()).unwrap_or(i32::MAX))
    }

    /// Whether nothing runs any more and all is counted.
    pub(super) fn is_settled(&self) -> bool {
        self.active.is_empty()
            && self.terminating == 0
            && self.release.is_empty()
            && self.noted_succeeded.is_empty()
            && self.noted_failed.is_empty()
    }
}

/// How many numbers an Indexed Job has.
pub(super) fn end(job: &Job) -> Option<i32> {
    let spec = job.spec.as_ref()?;
    (spec.completion_mode.as_deref() == Some("Indexed")).then(|| spec.completions.unwrap_or(0))
}

/// Whether a Pod is replaced only once it ended, not while it is on its way out.
pub(super) fn replaces_ended_only(job: &Job) -> bool {
    job.spec.as_ref().and_then(|it| it.pod_replacement_policy.as_deref()) == Some("Failed")
}

/// Whether it still has to be counted.
pub(super) fn is_tracked(pod: &Pod) -> bool {
    pod.finalizers().iter().any(|it| it == TRACKING)
}

/// How much longer to wait before another Pod is made, after those that failed since the last success.
pub(super) fn backoff(pods: &[&Pod], now: Timestamp) -> Option<Duration> {
    let phase = |it: &Pod| it.status.as_ref().and_then(|it| it.phase.clone()).unwrap_or_default();
    let succeeded = pods.iter().filter(|it| phase(it) == "Succeeded").map(|it| ended_at(it)).max();
    let failed = pods.iter().filter(|it| phase(it) == "Failed").map(|it| ended_at(it));
    let since: Vec<Timestamp> = failed.filter(|it| succeeded.is_none_or(|success| *it > success)).collect();
    let doublings = u32::try_from(since.len()).unwrap_or(u32::MAX).checked_sub(1)?;
    let wait = FIRST_BACKOFF.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(LAST_BACKOFF);
    // A clock that was set back must not make anybody wait longer than that.
    let until = since.into_iter().max()?.min(now).saturating_add(wait).ok()?;
    Duration::try_from(until.duration_since(now)).ok().filter(|it| !it.is_zero())
}

fn ended_at(pod: &Pod) -> Timestamp {
    let statuses = pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten());
    let ends = statuses.filter_map(|it| it.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref());
    let made = pod.creation_timestamp().map_or(Timestamp::MIN, |Time(at)| at);
    ends.map(|Time(at)| *at).max().unwrap_or(made)
}

#[cfg(test)]
mod tests;
