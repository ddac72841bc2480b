//! What was refused to a pod, told as Events on it: the same refusal once with a count, and never more than a few writes for
//! each pod and minute, however hard its program tries.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fairway_controller::Events;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use tokio::sync::Notify;

use super::Shared;

/// What one pod's Events may cost: this many writes at once, and one more for each [`EVERY`].
const AT_ONCE: u32 = 3;
const EVERY: Duration = Duration::from_secs(20);
/// Different refusals of one pod that wait to be told; what is beyond is told together.
const DIFFERENT: usize = 16;
const BEYOND: &str = "more connections of this pod are refused than are told one by one";
/// Pods with something to tell.
const PODS: usize = 1024;
/// A burst is one Event with a count, rather than one Event and then its count.
const GATHER: Duration = Duration::from_millis(100);

/// A refusal as its Event says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// An Event to write: of which pod, what, and how often it happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Due {
    pub(super) pod: Pod,
    pub(super) refusal: Refusal,
    pub(super) times: u32,
}

/// The refusals that wait to be told.
#[derive(Default)]
pub(super) struct Refusals {
    pods: Mutex<HashMap<String, OfPod>>,
    news: Notify,
}

struct OfPod {
    pod: Pod,
    waiting: VecDeque<(Refusal, u32)>,
    /// Writes it may still cause, as of the time beside it.
    writes: u32,
    since: Duration,
}

impl OfPod {
    /// Hands out one write, if there is one.
    fn spend(&mut self, now: Duration) -> bool {
        let earned = now.saturating_sub(self.since).as_secs() / EVERY.as_secs();
        if let Ok(earned @ 1..) = u32::try_from(earned) {
            self.since += EVERY * earned;
            self.writes = self.writes.saturating_add(earned);
        }
        if self.writes >= AT_ONCE {
            (self.writes, self.since) = (AT_ONCE, now);
        }
        let spent = self.writes > 0;
        self.writes = self.writes.saturating_sub(1);
        spent
    }
}

impl Refusals {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, OfPod>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a refusal until it can be told. `pod` needs no more than its names.
    pub(super) fn note(&self, pod: &Pod, refusal: Refusal, now: Duration) {
        let mut pods = self.lock();
        let uid = pod.uid().unwrap_or_default();
        if pods.len() >= PODS && !pods.contains_key(&uid) {
            return;
        }
        let new = || OfPod { pod: pod.clone(), waiting: VecDeque::new(), writes: AT_ONCE, since: now };
        let waiting = &mut pods.entry(uid).or_insert_with(new).waiting;
        if let Some((_, times)) = waiting.iter_mut().find(|(it, _)| *it == refusal) {
            *times = times.saturating_add(1);
        } else if waiting.len() < DIFFERENT {
            waiting.push_back((refusal, 1));
        } else if let Some((rest, times)) = waiting.back_mut() {
            *rest = Refusal { message: BEYOND.to_owned(), ..refusal };
            *times = times.saturating_add(1);
        }
        drop(pods);
        self.news.notify_one();
    }

    /// What may be told now. A pod that has been quiet and has all its writes back is forgotten.
    pub(super) fn due(&self, now: Duration) -> Vec<Due> {
        let mut due = Vec::new();
        self.lock().retain(|_, it| {
            while !it.waiting.is_empty() && it.spend(now) {
                let next = it.waiting.pop_front();
                due.extend(next.map(|(refusal, times)| Due { pod: it.pod.clone(), refusal, times }));
            }
            !it.waiting.is_empty() || now.saturating_sub(it.since) < EVERY * AT_ONCE
        });
        due
    }

    fn has_some(&self) -> bool {
        self.lock().values().any(|it| !it.waiting.is_empty())
    }
}

/// Tells what there is to tell, until dropped.
pub(super) async fn tell(shared: &Shared, events: &Events) {
    let refusals = &shared.refusals;
    loop {
        let patience = if refusals.has_some() { EVERY / 4 } else { Duration::MAX };
        // Whether there is news or only time has passed makes no difference.
        let _ = tokio::time::timeout(patience, refusals.news.notified()).await;
        tokio::time::sleep(GATHER).await;
        for Due { pod, refusal, times } in refusals.due(shared.settings.world.clock.monotonic()) {
            events.warning_again(&pod, refusal.reason, &refusal.message, times).await;
        }
    }
}

#[cfg(test)]
mod tests;
