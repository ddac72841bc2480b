//! What to do about a Deployment, decided from what is there. Pure.

use std::time::Duration;

use fairway_controller::Next;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet};
use kube::ResourceExt;

use super::replicas;
use super::revision;
use super::rollout::{self, Limits, Size};
use super::status;

/// What is there.
pub(super) struct Observed {
    pub(super) deployment: Deployment,
    /// The ReplicaSets it controls.
    pub(super) sets: Vec<ReplicaSet>,
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) actions: Vec<Action>,
    /// The Deployment's new number, if it changed.
    pub(super) revision: Option<String>,
    pub(super) status: DeploymentStatus,
    pub(super) next: Next,
}

/// One write of one ReplicaSet.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Create(Box<ReplicaSet>),
    Scale { name: String, from: i32, to: i32, revision: String },
    Delete(String),
}

/// Decides.
pub(super) fn plan(observed: &Observed, now: Timestamp) -> Plan {
    let spec = observed.deployment.spec.clone().unwrap_or_default();
    let newest = revision::newest(&observed.deployment, &observed.sets);
    let old: Vec<&ReplicaSet> = observed
        .sets
        .iter()
        .filter(|it| newest.is_none_or(|new| new.uid() != it.uid()) && it.metadata.deletion_timestamp.is_none())
        .collect();
    let highest_old = old.iter().map(|it| revision::number(it)).max().unwrap_or(0);
    let number = newest.map_or(highest_old + 1, |it| revision::number(it).max(highest_old + 1));
    let paused = spec.paused.unwrap_or(false);
    let mut actions = Vec::new();
    if !paused {
        actions.extend(sizes(observed, newest, &old, number));
        actions.extend(clean_up(&old, spec.revision_history_limit.unwrap_or(10)));
    } else if let Some(new) = newest {
        // Paused: no rollout, but scaling what is the only one running is still obeyed.
        let desired = spec.replicas.unwrap_or(1);
        if old.iter().all(|it| replicas(it) == 0) && replicas(new) != desired {
            actions.push(scale(new, desired, number));
        }
    }
    let revision = (newest.is_some() || !paused).then(|| number.to_string());
    let current = observed.deployment.annotations().get(revision::ANNOTATION);
    let (status, next) = status::status(&observed.deployment, newest, &old, now);
    Plan { actions, revision: revision.filter(|it| Some(it) != current), status, next }
}

/// The sizes that all ReplicaSets should have now.
fn sizes(observed: &Observed, newest: Option<&ReplicaSet>, old: &[&ReplicaSet], number: i64) -> Vec<Action> {
    let spec = observed.deployment.spec.clone().unwrap_or_default();
    let desired = spec.replicas.unwrap_or(1);
    let strategy = spec.strategy.unwrap_or_default();
    let mut ordered: Vec<&ReplicaSet> = old.to_vec();
    ordered.sort_by_key(|it| (it.creation_timestamp(), it.name_any()));
    let old_sizes: Vec<Size> = ordered.iter().map(|it| size(it)).collect();
    let none = Size { name: String::new(), replicas: 0, available: 0 };
    let new_size = newest.map_or(none, size);
    let (wanted_new, wanted_old) = if strategy.type_.as_deref() == Some("Recreate") {
        let gone = ordered.iter().all(|it| there(it) == 0);
        let nothing = old_sizes.iter().map(|it| (it.name.clone(), 0)).collect();
        (if gone { desired } else { new_size.replicas.min(desired) }, nothing)
    } else {
        let rolling = strategy.rolling_update.unwrap_or_default();
        let limits = Limits::of(desired, rolling.max_surge.as_ref(), rolling.max_unavailable.as_ref());
        (rollout::grow(limits, &new_size, &old_sizes), rollout::shrink(limits, &new_size, &old_sizes))
    };
    let mut actions = Vec::new();
    match newest {
        None => actions.push(Action::Create(Box::new(revision::make(&observed.deployment, wanted_new, number)))),
        Some(new) if replicas(new) != wanted_new || revision::number(new) != number => {
            actions.push(scale(new, wanted_new, number));
        }
        Some(_) => {}
    }
    for (set, (_, to)) in ordered.iter().zip(wanted_old) {
        if replicas(set) != to {
            actions.push(scale(set, to, revision::number(set)));
        }
    }
    actions
}

fn scale(set: &ReplicaSet, to: i32, revision: i64) -> Action {
    Action::Scale { name: set.name_any(), from: replicas(set), to, revision: revision.to_string() }
}

fn size(set: &ReplicaSet) -> Size {
    let available = set.status.as_ref().and_then(|it| it.available_replicas).unwrap_or(0);
    // A status that speaks of an older size cannot vouch for more than is asked for now.
    Size { name: set.name_any(), replicas: replicas(set), available: available.min(replicas(set)) }
}

/// How many Pods it still has, whatever is asked for.
fn there(set: &ReplicaSet) -> i32 {
    set.status.as_ref().map_or(0, |it| it.replicas).max(replicas(set))
}

/// The empty old ReplicaSets beyond those kept for a rollback.
fn clean_up(old: &[&ReplicaSet], keep: i32) -> Vec<Action> {
    let mut empty: Vec<&&ReplicaSet> = old.iter().filter(|it| there(it) == 0).collect();
    empty.sort_by_key(|it| revision::number(it));
    let surplus = empty.len().saturating_sub(usize::try_from(keep).unwrap_or(0));
    empty.into_iter().take(surplus).map(|it| Action::Delete(it.name_any())).collect()
}

/// How long until `deadline`, at least a moment.
pub(super) fn until(deadline: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(now)).unwrap_or_default().max(Duration::from_millis(100))
}

#[cfg(test)]
mod tests;
