//! What to do about a StatefulSet, decided from what is there. Pure.
//!
//! A walk over its Pods: missing ones are made from the lowest number up, surplus ones go from the highest down, then
//! those of an old template, one at a time. `OrderedReady` stops at the first that is not ready yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fairway_controller::Next;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt;

use super::revision::{self, Revision, Revisions};
use super::{identity, status};
use crate::pod;

/// No more Pods than this are made in one pass: a mistyped number must not flood the API before it can be mended.
const MOST_AT_ONCE: usize = 100;
/// How soon to look again when something is on its way out whose end this controller is not told of.
const GOING: Duration = Duration::from_millis(250);

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
        walk.claims();
        if walk.keep() == Go::On && walk.shrink() == Go::On {
            walk.update();
        }
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

fn min_ready(set: &StatefulSet) -> Duration {
    let seconds = set.spec.as_ref().and_then(|it| it.min_ready_seconds).unwrap_or(0);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn is_ready(pod: &Pod) -> bool {
    let runs = pod.status.as_ref().and_then(|it| it.phase.as_deref()) == Some("Running");
    runs && pod::is_ready(pod)
}

fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether the walk goes on after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    /// What comes after has to wait.
    Stop,
}

struct Walk<'a> {
    observed: &'a Observed,
    revisions: &'a Revisions,
    /// By number.
    pods: BTreeMap<i64, &'a Pod>,
    /// Names that somebody else's Pods have.
    taken: BTreeSet<String>,
    claims: BTreeMap<String, &'a PersistentVolumeClaim>,
    /// The first number, and how many.
    start: i64,
    replicas: i64,
    /// One after the other, and none before the last is ready.
    ordered: bool,
    now: Timestamp,
    made: usize,
    actions: Vec<Action>,
    next: Next,
}

impl<'a> Walk<'a> {
    fn new(observed: &'a Observed, revisions: &'a Revisions, pods: &[&'a Pod], now: Timestamp) -> Self {
        let set = &observed.set;
        let spec = set.spec.clone().unwrap_or_default();
        let numbered = |it: &&'a Pod| Some((identity::ordinal(set, it)?, *it));
        let is_mine = |it: &Pod| pods.iter().any(|mine| mine.uid() == it.uid());
        Self {
            observed,
            revisions,
            pods: pods.iter().filter_map(numbered).collect(),
            taken: observed.pods.iter().filter(|it| !is_mine(it)).map(ResourceExt::name_any).collect(),
            claims: observed.claims.iter().map(|it| (it.name_any(), it)).collect(),
            start: spec.ordinals.and_then(|it| it.start).map_or(0, i64::from),
            replicas: spec.replicas.map_or(1, i64::from),
            ordered: spec.pod_management_policy.as_deref() != Some("Parallel"),
            now,
            made: 0,
            actions: Vec::new(),
            next: Next::Settled,
        }
    }

    fn wanted(&self) -> std::ops::Range<i64> {
        self.start..self.start.saturating_add(self.replicas)
    }

    fn wait(&mut self, time: Duration) {
        self.next = match self.next {
            Next::After(before) => Next::After(before.min(time)),
            Next::Settled => Next::After(time),
        };
    }

    /// What an ordered walk waits for.
    fn pause(&self) -> Go {
        if self.ordered { Go::Stop } else { Go::On }
    }

    /// Every Pod that should be there is, and is well.
    fn keep(&mut self) -> Go {
        for ordinal in self.wanted() {
            let go = match self.pods.get(&ordinal).copied() {
                None => self.make(ordinal),
                Some(pod) => self.look_after(pod, ordinal),
            };
            if go == Go::Stop {
                return Go::Stop;
            }
        }
        Go::On
    }

    fn look_after(&mut self, pod: &Pod, ordinal: i64) -> Go {
        if is_leaving(pod) {
            return self.pause();
        }
        if pod::is_finished(pod) {
            let failed = pod.status.as_ref().and_then(|it| it.phase.as_deref()) == Some("Failed");
            let why = if failed { Why::Failed } else { Why::Succeeded };
            self.actions.push(Action::Delete(Box::new(pod.clone()), why));
            return self.pause();
        }
        let set = &self.observed.set;
        if !identity::labels(set, ordinal).iter().all(|(key, value)| pod.labels().get(key) == Some(value)) {
            self.actions.push(Action::Name(Box::new(pod.clone()), ordinal));
        }
        if !is_ready(pod) {
            // Somebody may have deleted a claim before the Pod got it.
            let _wait_or_not = self.claim_all(ordinal, Some(pod));
            return self.pause();
        }
        let min_ready = min_ready(set);
        if !pod::is_available(pod, min_ready, self.now) {
            let available = pod::ready_since(pod).and_then(|it| it.saturating_add(min_ready).ok());
            let left = available.map(|it| Duration::try_from(it.duration_since(self.now)).unwrap_or_default());
            self.wait(left.unwrap_or_default().max(Duration::from_millis(10)));
            return self.pause();
        }
        Go::On
    }

    fn make(&mut self, ordinal: i64) -> Go {
        if self.made == MOST_AT_ONCE {
            self.wait(Duration::from_millis(50));
            return Go::Stop;
        }
        let set = &self.observed.set;
        // Most often one of a set of the same name that is on its way out.
        if self.taken.contains(&identity::name(set, ordinal)) || self.claim_all(ordinal, None) == Go::Stop {
            self.wait(GOING);
            return self.pause();
        }
        let pod = identity::pod(set, ordinal, self.revision(ordinal));
        self.actions.push(Action::Create(Box::new(pod)));
        self.made += 1;
        self.pause()
    }

    /// Which template a Pod of this number is made from: below the partition the one before.
    fn revision(&self, ordinal: i64) -> &'a Revision {
        let strategy = self.observed.set.spec.as_ref().and_then(|it| it.update_strategy.clone()).unwrap_or_default();
        let on_delete = strategy.type_.as_deref() == Some("OnDelete");
        if !on_delete && ordinal < self.start + self.partition() {
            return &self.revisions.current;
        }
        &self.revisions.update
    }

    fn partition(&self) -> i64 {
        let strategy = self.observed.set.spec.as_ref().and_then(|it| it.update_strategy.clone()).unwrap_or_default();
        strategy.rolling_update.and_then(|it| it.partition).map_or(0, i64::from)
    }

    /// Makes the claims of a Pod that are missing. Stops where one must go before it can be made anew.
    fn claim_all(&mut self, ordinal: i64, pod: Option<&Pod>) -> Go {
        let set = &self.observed.set;
        for template in identity::templates(set) {
            match self.claims.get(&identity::claim_name(set, template, ordinal)) {
                Some(claim) if identity::is_going(claim, pod) => return Go::Stop,
                Some(_) => {}
                None => self.actions.push(Action::Claim(Box::new(identity::claim(set, template, ordinal)))),
            }
        }
        Go::On
    }

    /// Claims go with whom the set says.
    fn claims(&mut self) {
        let set = &self.observed.set;
        let retained = identity::retained(set);
        for (ordinal, pod) in &self.pods {
            let condemned = (!self.wanted().contains(ordinal)).then_some(*pod);
            for template in identity::templates(set) {
                let Some(claim) = self.claims.get(&identity::claim_name(set, template, *ordinal)) else { continue };
                let Some(owners) = retained.owners(set, condemned, claim.owner_references()) else { continue };
                if claim.metadata.deletion_timestamp.is_none() && owners != claim.owner_references() {
                    self.actions.push(Action::OwnClaim(Box::new((*claim).clone()), owners));
                }
            }
        }
    }

    /// No Pod is there that should not be; the highest goes first.
    fn shrink(&mut self) -> Go {
        let wanted = self.wanted();
        let surplus: Vec<&Pod> = self.pods.iter().rev().filter(|it| !wanted.contains(it.0)).map(|it| *it.1).collect();
        for pod in surplus {
            if !is_leaving(pod) {
                self.actions.push(Action::Delete(Box::new(pod.clone()), Why::Surplus));
            }
            if self.ordered {
                return Go::Stop;
            }
        }
        Go::On
    }

    /// The highest Pod of an old template goes, once all above it are well.
    fn update(&mut self) {
        let strategy = self.observed.set.spec.as_ref().and_then(|it| it.update_strategy.clone()).unwrap_or_default();
        if strategy.type_.as_deref() == Some("OnDelete") {
            return;
        }
        let from = self.start.saturating_add(self.partition());
        for ordinal in self.wanted().rev().take_while(|it| *it >= from) {
            let Some(pod) = self.pods.get(&ordinal).copied() else { return };
            if revision::of(pod) != self.revisions.update.name && !is_leaving(pod) {
                if !pod::is_finished(pod) {
                    self.actions.push(Action::Delete(Box::new(pod.clone()), Why::Outdated));
                }
                return;
            }
            if is_leaving(pod) || !is_ready(pod) {
                return;
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
