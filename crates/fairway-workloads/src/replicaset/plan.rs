//! How many Pods to make, and which to remove. Pure.

use std::time::Duration;

use fairway_controller::Next;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::pod::{base, from_template, is_active, is_available, is_of, is_ready, is_selected, ready_since, worth};

/// No more Pods than this are made in one pass: a mistyped number must not flood the API before it can be mended.
const MOST_AT_ONCE: usize = 100;

/// The condition that says that Pods cannot be made.
const FAILURE: &str = "ReplicaFailure";

/// What is there.
pub(super) struct Observed {
    pub(super) set: ReplicaSet,
    /// Pods whose labels may match.
    pub(super) pods: Vec<Pod>,
}

/// What to do.
pub(super) struct Plan {
    pub(super) adopt: Vec<Pod>,
    pub(super) create: usize,
    pub(super) delete: Vec<Pod>,
    pub(super) next: Next,
}

/// Decides.
pub(super) fn plan(observed: &Observed, now: Timestamp) -> Plan {
    let wanted = usize::try_from(desired(&observed.set)).unwrap_or(0);
    let adopt: Vec<Pod> =
        selected(observed).filter(|it| is_active(it) && it.owner_references().is_empty()).cloned().collect();
    let mut active: Vec<&Pod> = mine(observed).filter(|it| is_active(it)).collect();
    let there = active.len() + adopt.len();
    active.sort_by_key(|it| worth(it));
    let surplus = there.saturating_sub(wanted);
    let delete = active.iter().take(surplus).map(|it| (*it).clone()).collect();
    let missing = wanted.saturating_sub(there);
    let next =
        if missing > MOST_AT_ONCE { Next::After(Duration::from_millis(50)) } else { next_available(observed, now) };
    Plan { adopt, create: missing.min(MOST_AT_ONCE), delete, next }
}

/// When the next ready Pod will have been ready long enough.
fn next_available(observed: &Observed, now: Timestamp) -> Next {
    let min_ready = min_ready(&observed.set);
    let waiting = mine(observed).filter(|it| is_active(it) && is_ready(it) && !is_available(it, min_ready, now));
    let soonest = waiting.filter_map(|it| ready_since(it)?.saturating_add(min_ready).ok()).min();
    match soonest {
        None => Next::Settled,
        Some(at) => {
            Next::After(Duration::try_from(at.duration_since(now)).unwrap_or_default().max(Duration::from_millis(10)))
        }
    }
}

/// The status that follows from the Pods.
pub(super) fn status(observed: &Observed, failure: Option<String>, now: Timestamp) -> ReplicaSetStatus {
    let before = observed.set.status.clone().unwrap_or_default();
    let min_ready = min_ready(&observed.set);
    let active = || mine(observed).filter(|it| is_active(it));
    let count = |it: usize| i32::try_from(it).unwrap_or(i32::MAX);
    let some = |it: usize| (it != 0).then(|| count(it));
    let labels = observed.set.spec.as_ref().and_then(|it| it.template.as_ref()).and_then(|it| it.metadata.as_ref());
    let labels = labels.and_then(|it| it.labels.clone()).unwrap_or_default();
    let full = |pod: &&Pod| labels.iter().all(|(key, value)| pod.labels().get(key) == Some(value));
    // One that is there stays as it is: each try names another Pod, and to write that would be a reason to try again.
    let known = before.conditions.iter().flatten().find(|it| it.type_ == FAILURE && it.status == "True").cloned();
    let conditions = failure.map(|message| {
        vec![known.unwrap_or_else(|| ReplicaSetCondition {
            type_: FAILURE.to_owned(),
            status: "True".to_owned(),
            reason: Some("FailedCreate".to_owned()),
            message: Some(message),
            last_transition_time: Some(Time(now)),
        })]
    });
    ReplicaSetStatus {
        replicas: count(active().count()),
        fully_labeled_replicas: some(active().filter(full).count()),
        ready_replicas: some(active().filter(|it| is_ready(it)).count()),
        available_replicas: some(active().filter(|it| is_available(it, min_ready, now)).count()),
        observed_generation: observed.set.metadata.generation,
        conditions,
        ..ReplicaSetStatus::default()
    }
}

/// A Pod of this ReplicaSet.
pub(super) fn pod(set: &ReplicaSet, suffix: &str) -> Pod {
    let template = set.spec.as_ref().and_then(|it| it.template.clone()).unwrap_or_default();
    let mut pod = from_template(&template, set);
    pod.metadata.name = Some(format!("{}-{suffix}", base(set)));
    pod
}

fn desired(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1)
}

fn min_ready(set: &ReplicaSet) -> Duration {
    let seconds = set.spec.as_ref().and_then(|it| it.min_ready_seconds).unwrap_or(0);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn selected(observed: &Observed) -> impl Iterator<Item = &Pod> {
    let selector = observed.set.spec.as_ref().map(|it| &it.selector);
    observed.pods.iter().filter(move |pod| selector.is_some_and(|it| is_selected(pod, it)))
}

fn mine(observed: &Observed) -> impl Iterator<Item = &Pod> {
    observed.pods.iter().filter(|it| is_of(it, &observed.set))
}

#[cfg(test)]
mod tests;
