//! What to do about a Job, decided from what is there. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use fairway_controller::Next;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus, UncountedTerminatedPods};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::indexes;
use super::tally::{self, Tally};
use super::verdict::{self, Verdict};
use crate::pod;

/// No more Pods than this are made in one pass.
const MOST_AT_ONCE: usize = 100;

/// What is there.
pub(super) struct Observed {
    pub(super) job: Job,
    /// Pods that its selector finds, whoever controls them.
    pub(super) pods: Vec<Pod>,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) actions: Vec<Action>,
    pub(super) status: JobStatus,
    /// Counted Pods, whose finalizer goes once the status is written.
    pub(super) release: Vec<Pod>,
    /// What is said then.
    pub(super) said: Vec<Said>,
    /// Its time after the end is over: the Job itself goes.
    pub(super) expired: bool,
    pub(super) next: Next,
}

/// One write.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Makes a Pod, of this number if the Job is Indexed.
    Create(Option<i32>),
    /// Deletes a Pod that counts as failed then.
    Delete(Box<Pod>),
    /// Deletes a Pod that never was.
    Withdraw(Box<Pod>),
}

/// An Event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) is_warning: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

/// Decides.
pub(super) fn plan(observed: &Observed, now: Timestamp) -> Plan {
    let job = &observed.job;
    let before = job.status.clone().unwrap_or_default();
    let pods: Vec<&Pod> = observed.pods.iter().filter(|it| pod::is_of(it, job)).collect();
    if let Some(ended) = verdict::ended_at(&before) {
        return after_the_end(job, before, &pods, ended, now);
    }
    let decided = verdict::noted(&before);
    let leaves = job.metadata.deletion_timestamp.is_some();
    let tally = Tally::of(job, &pods, decided.is_some() || leaves);
    let verdict = decided.or_else(|| verdict::decide(job, &tally, &pods, now));
    let suspended = job.spec.as_ref().and_then(|it| it.suspend) == Some(true);
    let mut next = Next::Settled;
    let actions = match &verdict {
        _ if leaves => Vec::new(),
        Some(_) => tally.active.iter().map(|it| Action::Delete(Box::new((*it).clone()))).collect(),
        None if suspended => withdraw(&tally.active),
        None => {
            let waits = verdict::deadline(job).map(|it| until(it, now));
            let (actions, wait) = manage(job, &tally, &pods, now);
            next = waits.into_iter().chain(wait).min().map_or(Next::Settled, Next::After);
            actions
        }
    };
    let mut draft = Draft { status: status(&before, &tally), said: Vec::new(), now };
    draft.pace(suspended, verdict.is_some());
    if let Some(verdict) = &verdict {
        draft.judge(verdict, tally.is_settled());
    }
    let release = tally.release.into_iter().cloned().collect();
    Plan { actions, status: draft.status, release, said: draft.said, expired: false, next }
}

/// Nothing is left to do but to let Pods go, and then perhaps the Job.
fn after_the_end(job: &Job, status: JobStatus, pods: &[&Pod], ended: Timestamp, now: Timestamp) -> Plan {
    let release = pods.iter().filter(|it| tally::is_tracked(it)).map(|it| (*it).clone()).collect();
    let lasts = job.spec.as_ref().and_then(|it| it.ttl_seconds_after_finished);
    let lasts = lasts.filter(|_| job.metadata.deletion_timestamp.is_none());
    let goes = lasts.and_then(|it| ended.saturating_add(SignedDuration::from_secs(it.into())).ok());
    let expired = goes.is_some_and(|it| it <= now);
    let next = goes.map_or(Next::Settled, |it| Next::After(until(it, now)));
    Plan { actions: Vec::new(), status, release, said: Vec::new(), expired, next }
}

fn withdraw(pods: &[&Pod]) -> Vec<Action> {
    pods.iter().map(|it| Action::Withdraw(Box::new((*it).clone()))).collect()
}

/// Makes what is missing, removes what is too much; with how long to wait before looking again.
fn manage(job: &Job, tally: &Tally<'_>, pods: &[&Pod], now: Timestamp) -> (Vec<Action>, Option<Duration>) {
    let spec = job.spec.clone().unwrap_or_default();
    let (mut active, doubles) = unique(job, &tally.active);
    let wanted = wanted(&spec, tally);
    active.sort_by_key(|it| pod::worth(it));
    let surplus = active.len().saturating_sub(wanted);
    let surplus: Vec<&Pod> = doubles.into_iter().chain(active.drain(..surplus)).collect();
    if !surplus.is_empty() {
        return (withdraw(&surplus), None);
    }
    let mut missing = wanted - active.len();
    if tally::replaces_ended_only(job) {
        missing = missing.saturating_sub(tally.terminating);
    }
    if missing == 0 {
        return (Vec::new(), None);
    }
    if let Some(wait) = tally::backoff(pods, now) {
        return (Vec::new(), Some(wait));
    }
    let made = missing.min(MOST_AT_ONCE);
    let wait = (made < missing).then_some(Duration::from_millis(50));
    let actions = match (&tally.completed, tally::end(job)) {
        (Some(completed), Some(end)) => {
            let taken: BTreeSet<i32> = active.iter().filter_map(|it| indexes::of(it)).collect();
            completed.missing(&taken, end, made).into_iter().map(|it| Action::Create(Some(it))).collect()
        }
        _ => (0..made).map(|_| Action::Create(None)).collect(),
    };
    (actions, wait)
}

/// How many Pods should run now.
fn wanted(spec: &JobSpec, tally: &Tally<'_>) -> usize {
    let parallelism = usize::try_from(spec.parallelism.unwrap_or(1)).unwrap_or(0);
    match spec.completions {
        // Whoever succeeded first knows that there is nothing more to do.
        None if tally.successes() > 0 => parallelism.min(tally.active.len()),
        None => parallelism,
        Some(completions) => usize::try_from(completions - tally.successes()).unwrap_or(0).min(parallelism),
    }
}

/// Those that will count, one for each number of an Indexed Job, and the others: a Pod that lost its finalizer was about
/// to be withdrawn.
fn unique<'a>(job: &Job, active: &[&'a Pod]) -> (Vec<&'a Pod>, Vec<&'a Pod>) {
    let end = tally::end(job);
    let mut seen = BTreeSet::new();
    let mut is_one = |pod: &Pod| match end {
        Some(end) => indexes::of(pod).is_some_and(|it| it < end && seen.insert(it)),
        None => true,
    };
    active.iter().partition(|it| tally::is_tracked(it) && is_one(it))
}

fn status(before: &JobStatus, tally: &Tally<'_>) -> JobStatus {
    let count = |it: usize| i32::try_from(it).unwrap_or(i32::MAX);
    let some = |it: i32| (it != 0).then_some(it);
    let noted = |it: &BTreeSet<String>| (!it.is_empty()).then(|| it.iter().cloned().collect());
    JobStatus {
        active: some(count(tally.active.len())),
        ready: Some(count(tally.ready)),
        terminating: Some(count(tally.terminating)),
        succeeded: some(tally.succeeded),
        failed: some(tally.failed),
        completed_indexes: tally.completed.as_ref().map(indexes::Indexes::text).filter(|it| !it.is_empty()),
        uncounted_terminated_pods: Some(UncountedTerminatedPods {
            succeeded: noted(&tally.noted_succeeded),
            failed: noted(&tally.noted_failed),
        }),
        ..before.clone()
    }
}

/// A status in the making.
struct Draft {
    status: JobStatus,
    said: Vec<Said>,
    now: Timestamp,
}

impl Draft {
    /// Started, suspended, resumed.
    fn pace(&mut self, suspended: bool, is_over: bool) {
        if is_over {
            self.status.start_time.get_or_insert(Time(self.now));
            return;
        }
        let was = verdict::condition(&self.status, "Suspended").is_some();
        match (suspended, was) {
            (true, false) => {
                self.set("Suspended", "True", "JobSuspended", "Job suspended");
                self.say(false, "Suspended", "Job suspended");
            }
            (false, true) => {
                self.set("Suspended", "False", "JobResumed", "Job resumed");
                self.say(false, "Resumed", "Job resumed");
                self.status.start_time = Some(Time(self.now));
            }
            (false, false) => _ = self.status.start_time.get_or_insert(Time(self.now)),
            (true, true) => {}
        }
    }

    fn judge(&mut self, verdict: &Verdict, is_settled: bool) {
        self.set(verdict.target(), "True", &verdict.reason, &verdict.message);
        if !is_settled {
            return;
        }
        self.set(verdict.end(), "True", &verdict.reason, &verdict.message);
        if verdict.succeeded {
            self.status.completion_time = Some(Time(self.now));
            self.say(false, "Completed", "Job completed");
        } else {
            self.say(true, &verdict.reason, &verdict.message);
        }
    }

    fn say(&mut self, is_warning: bool, reason: &str, message: &str) {
        self.said.push(Said { is_warning, reason: reason.to_owned(), message: message.to_owned() });
    }

    /// A condition whose times move only when it changes.
    fn set(&mut self, kind: &str, value: &str, reason: &str, message: &str) {
        let conditions = self.status.conditions.get_or_insert_default();
        if conditions.iter().any(|it| it.type_ == kind && it.status == value) {
            return;
        }
        conditions.retain(|it| it.type_ != kind);
        conditions.push(JobCondition {
            type_: kind.to_owned(),
            status: value.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_probe_time: Some(Time(self.now)),
            last_transition_time: Some(Time(self.now)),
        });
    }
}

/// How long until then, at least a moment.
fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default().max(Duration::from_millis(100))
}

#[cfg(test)]
pub(super) mod tests;
