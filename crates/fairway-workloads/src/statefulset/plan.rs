//! What to do about a StatefulSet, decided from what is there. Pure.
//!
//! The revisions of its template, the status, and a [`walk`](super::walk) over its Pods come to one plan.

use std::time::Duration;

use fairway_controller::Next;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::walk::Walk;
use super::{identity, revision, status};
use crate::pod;

/// What is there.
pub(super) struct Observed {
    pub(super) set: StatefulSet,
    /// Pods that its selector finds, whoever controls them.
    pub(super) pods: Vec<Pod>,
    /// Its own.
    pub(super) revisions: Vec<ControllerRevision>,
    /// Those of its namespace.
    pub(super) claims: Vec<PersistentVolumeClaim>,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// Before anything else.
    pub(super) revise: Option<revision::Write>,
    pub(super) actions: Vec<Action>,
    pub(super) status: StatefulSetStatus,
    pub(super) next: Next,
}

/// One write.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Adopt(Box<Pod>),
    /// Gives a Pod the labels that tell it from its fellows.
    Name(Box<Pod>, i64),
    Claim(Box<PersistentVolumeClaim>),
    OwnClaim(Box<PersistentVolumeClaim>, Vec<OwnerReference>),
    Create(Box<Pod>),
    Delete(Box<Pod>, Why),
    Forget(String),
}

/// Why a Pod is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Surplus,
    Outdated,
    /// It ended, which a Pod of a StatefulSet never should.
    Failed,
    Succeeded,
}

/// Decides.
pub(super) fn plan(observed: &Observed, now: Timestamp) -> Plan {
    let set = &observed.set;
    let orphans: Vec<&Pod> = adoptable(observed).collect();
    let mine = observed.pods.iter().filter(|it| pod::is_of(it, set));
    let pods: Vec<&Pod> =
        mine.chain(orphans.iter().copied()).filter(|it| identity::ordinal(set, it).is_some()).collect();
    let revisions = revision::choose(set, &observed.revisions, &pods);
    let min_ready = min_ready(set);
    let is_available = |it: &Pod| is_ready(it) && pod::is_available(it, min_ready, now);
    let status = status::status(set, &pods, &revisions, is_ready, is_available);
    let mut walk = Walk::new(observed, &revisions, &pods, now);
    if set.metadata.deletion_timestamp.is_none() {
        walk.actions.extend(orphans.into_iter().map(|it| Action::Adopt(Box::new(it.clone()))));
        walk.whole();
        walk.actions.extend(revisions.surplus.iter().cloned().map(Action::Forget));
    }
    let Walk { actions, next, .. } = walk;
    Plan { revise: revisions.write, actions, status, next }
}

/// Pods of the right name and labels that nobody controls.
fn adoptable(observed: &Observed) -> impl Iterator<Item = &Pod> {
    let set = &observed.set;
    let selector = set.spec.as_ref().map(|it| &it.selector);
    observed.pods.iter().filter(move |it| {
        pod::is_orphan(it)
            && it.metadata.deletion_timestamp.is_none()
            && set.metadata.deletion_timestamp.is_none()
            && selector.is_some_and(|selector| pod::is_selected(it, selector))
            && identity::ordinal(set, it).is_some()
    })
}

pub(super) fn min_ready(set: &StatefulSet) -> Duration {
    let seconds = set.spec.as_ref().and_then(|it| it.min_ready_seconds).unwrap_or(0);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

pub(super) fn is_ready(pod: &Pod) -> bool {
    let runs = pod.status.as_ref().and_then(|it| it.phase.as_deref()) == Some("Running");
    runs && pod::is_ready(pod)
}

pub(super) fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

#[cfg(test)]
pub(super) mod tests;
