//! A walk over the Pods of a StatefulSet: missing ones are made from the lowest number up, surplus ones go from the
//! highest down, then those of an old template, one at a time. `OrderedReady` stops at the first that is not ready yet.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fairway_controller::Next;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::StatefulSetUpdateStrategy;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;

use super::identity;
use super::plan::{Action, Observed, Why, is_leaving, is_ready, min_ready};
use super::revision::{self, Revision, Revisions};
use crate::pod;

/// No more Pods than this are made in one pass: a mistyped number must not flood the API before it can be mended.
pub(super) const MOST_AT_ONCE: usize = 100;
/// How soon to look again when something is on its way out whose end this controller is not told of.
pub(super) const GOING: Duration = Duration::from_millis(250);

/// A Pod that ends sooner than this is not replaced before: one that cannot run here must not come and go without end.
const SHORTEST_LIFE: SignedDuration = SignedDuration::from_secs(5);

/// Whether the walk goes on after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    /// What comes after has to wait.
    Stop,
}

pub(super) struct Walk<'a> {
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
    pub(super) actions: Vec<Action>,
    pub(super) next: Next,
}

impl<'a> Walk<'a> {
    pub(super) fn new(observed: &'a Observed, revisions: &'a Revisions, pods: &[&'a Pod], now: Timestamp) -> Self {
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

    /// Decides everything about its Pods and their claims.
    pub(super) fn whole(&mut self) {
        self.claims();
        if self.keep() == Go::On && self.shrink() == Go::On {
            self.update();
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
            let made = pod.creation_timestamp().and_then(|it| it.0.saturating_add(SHORTEST_LIFE).ok());
            if let Some(replaced) = made.filter(|it| *it > self.now) {
                self.wait(Duration::try_from(replaced.duration_since(self.now)).unwrap_or(GOING));
                return self.pause();
            }
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
        if !self.on_delete() && ordinal < self.start + self.partition() {
            return &self.revisions.current;
        }
        &self.revisions.update
    }

    /// Whether nothing is deleted for the sake of a new template.
    fn on_delete(&self) -> bool {
        self.strategy().type_.as_deref() == Some("OnDelete")
    }

    fn strategy(&self) -> StatefulSetUpdateStrategy {
        self.observed.set.spec.as_ref().and_then(|it| it.update_strategy.clone()).unwrap_or_default()
    }

    fn partition(&self) -> i64 {
        self.strategy().rolling_update.and_then(|it| it.partition).map_or(0, i64::from)
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
        if self.on_delete() {
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
