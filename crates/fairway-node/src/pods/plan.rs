//! What to do next for a pod: a pure function of what it should be, what was seen, and the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

use crate::runner::{ContainerState, Finished, PodState};

/// The first wait before a container that failed twice is started again; doubled each time.
const FIRST_BACKOFF: Duration = Duration::from_secs(10);
/// The longest wait.
const LAST_BACKOFF: Duration = Duration::from_secs(300);
/// A container that ran this long begins anew.
const GOOD_RUN: SignedDuration = SignedDuration::from_secs(600);

/// How the pod ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every container ended well.
    Succeeded,
    /// Some did not, and none is started again.
    Failed,
}

/// What was seen.
pub(crate) struct Facts<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) state: &'a PodState,
    /// Failures in a row, by container.
    pub(crate) failures: &'a BTreeMap<String, u32>,
    /// Runs whose liveness or startup probe says that they must end.
    pub(crate) unhealthy: &'a BTreeSet<(String, u32)>,
    pub(crate) now: Timestamp,
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) name: String,
    pub(crate) attempt: u32,
}

/// What to do now, and when to look again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) start: Vec<Start>,
    /// Runs to end gracefully.
    pub(crate) stop: Vec<(String, u32)>,
    /// Containers that wait for their back-off, and how long it is.
    pub(crate) backing_off: BTreeMap<String, Duration>,
    /// When the first of these is over.
    pub(crate) look_again: Option<Timestamp>,
    pub(crate) ended: Option<Ending>,
    /// All init containers are done.
    pub(crate) initialized: bool,
}

/// Decides.
pub(crate) fn plan(facts: &Facts<'_>) -> Plan {
    let mut plan = Plan::default();
    let Some(spec) = &facts.pod.spec else { return plan };
    for container in spec.init_containers.iter().flatten() {
        match judge(facts, spec, container, true) {
            Verdict::Done => {}
            Verdict::Lost => {
                plan.ended = Some(Ending::Failed);
                return plan;
            }
            verdict => {
                carry_out(&mut plan, facts, container, verdict);
                return plan;
            }
        }
    }
    plan.initialized = true;
    let verdicts: Vec<_> = spec.containers.iter().map(|it| (it, judge(facts, spec, it, false))).collect();
    if verdicts.iter().all(|(_, it)| matches!(it, Verdict::Done | Verdict::Lost)) {
        let lost = verdicts.iter().any(|(_, it)| matches!(it, Verdict::Lost));
        plan.ended = Some(if lost { Ending::Failed } else { Ending::Succeeded });
    }
    for (container, verdict) in verdicts {
        carry_out(&mut plan, facts, container, verdict);
    }
    plan
}

enum Verdict {
    /// It runs as it should.
    Fine,
    /// It ended well and stays so.
    Done,
    /// It ended badly and stays so.
    Lost,
    /// It is to be started, not before this time.
    Start { attempt: u32, not_before: Timestamp, wait: Duration },
    /// It is to be ended.
    Stop(u32),
}

fn judge(facts: &Facts<'_>, spec: &PodSpec, container: &Container, is_init: bool) -> Verdict {
    let Some(latest) = facts.state.latest(&container.name) else {
        return Verdict::Start { attempt: 0, not_before: Timestamp::MIN, wait: Duration::ZERO };
    };
    let Some(finished) = &latest.finished else {
        let key = (container.name.clone(), latest.attempt);
        return if facts.unhealthy.contains(&key) { Verdict::Stop(latest.attempt) } else { Verdict::Fine };
    };
    let ended_well = finished.exit_code == 0;
    if is_init && ended_well {
        return Verdict::Done;
    }
    match spec.restart_policy.as_deref() {
        Some("Never") if ended_well => Verdict::Done,
        Some("Never") => Verdict::Lost,
        Some("OnFailure") if ended_well => Verdict::Done,
        _ => {
            let wait = backoff(facts.failures.get(&container.name).copied().unwrap_or(1));
            let not_before = finished.at.saturating_add(wait).unwrap_or(facts.now);
            // A clock that was set back must not make anybody wait longer than the back-off.
            let not_before = not_before.min(facts.now.saturating_add(wait).unwrap_or(facts.now));
            Verdict::Start { attempt: latest.attempt + 1, not_before, wait }
        }
    }
}

fn carry_out(plan: &mut Plan, facts: &Facts<'_>, container: &Container, verdict: Verdict) {
    match verdict {
        Verdict::Fine | Verdict::Done | Verdict::Lost => {}
        Verdict::Stop(attempt) => plan.stop.push((container.name.clone(), attempt)),
        Verdict::Start { attempt, not_before, .. } if not_before <= facts.now => {
            plan.start.push(Start { name: container.name.clone(), attempt });
        }
        Verdict::Start { not_before, wait, .. } => {
            plan.backing_off.insert(container.name.clone(), wait);
            plan.look_again = Some(plan.look_again.map_or(not_before, |it| it.min(not_before)));
        }
    }
}

/// How long a container waits that ended this many times in a row: at first not at all.
pub(crate) fn backoff(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(2) else { return Duration::ZERO };
    FIRST_BACKOFF.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(LAST_BACKOFF)
}

/// Failures in a row after one more run has ended.
pub(crate) fn count(before: u32, run: &ContainerState, finished: &Finished) -> u32 {
    if finished.at.duration_since(run.started_at) >= GOOD_RUN { 1 } else { before.saturating_add(1) }
}

#[cfg(test)]
mod tests;
