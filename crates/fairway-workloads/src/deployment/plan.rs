//! What to do about a Deployment, decided from what is there. Pure.

use std::time::Duration;

use fairway_controller::Next;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStatus, ReplicaSet};
use kube::ResourceExt;

use super::replicas;
use super::revision::{self, Notes};
use super::rollout::{self, Limits, Share, Size};
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
    Scale { name: String, from: i32, to: i32, notes: Notes },
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
    let limits = limits(&spec);
    let mut actions = Vec::new();
    // Paused: no rollout, but what runs is scaled.
    if paused || is_scaled(limits, newest, &old) {
        actions.extend(scaled(observed, limits, newest, &old, number));
    } else {
        actions.extend(sizes(observed, limits, newest, &old, number));
    }
    if !paused {
        actions.extend(clean_up(&old, spec.revision_history_limit.unwrap_or(10)));
    }
    let revision = (newest.is_some() || !paused).then(|| number.to_string());
    let current = observed.deployment.annotations().get(revision::ANNOTATION);
    let (status, next) = status::status(&observed.deployment, newest, &old, now);
    Plan { actions, revision: revision.filter(|it| Some(it) != current), status, next }
}

/// What a rollout is held to.
fn limits(spec: &DeploymentSpec) -> Limits {
    let desired = spec.replicas.unwrap_or(1);
    let strategy = spec.strategy.clone().unwrap_or_default();
    if strategy.type_.as_deref() == Some("Recreate") {
        return Limits { desired, surge: 0, unavailable: 0 };
    }
    let rolling = strategy.rolling_update.unwrap_or_default();
    Limits::of(desired, rolling.max_surge.as_ref(), rolling.max_unavailable.as_ref())
}

/// Those that have Pods.
fn running<'a>(newest: Option<&'a ReplicaSet>, old: &[&'a ReplicaSet]) -> Vec<&'a ReplicaSet> {
    newest.into_iter().chain(old.iter().copied()).filter(|it| replicas(it) > 0).collect()
}

/// Whether somebody scaled the Deployment since its ReplicaSets got their sizes.
fn is_scaled(limits: Limits, newest: Option<&ReplicaSet>, old: &[&ReplicaSet]) -> bool {
    let noted = |it: &&ReplicaSet| revision::noted(it, revision::DESIRED);
    running(newest, old).iter().filter_map(noted).any(|it| it != limits.desired)
}

/// The sizes after a scaling: that of the only one that has Pods, or each its part. The rollout goes on after that.
fn scaled(
    observed: &Observed,
    limits: Limits,
    newest: Option<&ReplicaSet>,
    old: &[&ReplicaSet],
    number: i64,
) -> Vec<Action> {
    let mut sets = running(newest, old);
    let latest = newest.or_else(|| old.iter().copied().max_by_key(|it| it.creation_timestamp()));
    if sets.len() <= 1 {
        sets = sets.first().copied().or(latest).into_iter().collect();
    }
    let total = i64::from(sets.iter().map(|it| replicas(it)).sum::<i32>());
    let grows = total < i64::from(limits.desired) + i64::from(limits.surge);
    // The largest first; of equals the newest when there are to be more, the oldest when fewer.
    sets.sort_by_key(|it| {
        let age = it.creation_timestamp().map_or(0, |it| it.0.as_second());
        (-replicas(it), if grows { -age } else { age })
    });
    let of_status = observed.deployment.status.as_ref().and_then(|it| it.replicas).unwrap_or(0);
    let most = |it: &ReplicaSet| revision::noted(it, revision::MOST).filter(|it| *it > 0).unwrap_or(of_status);
    let share = |it: &&ReplicaSet| Share { replicas: replicas(it), most: most(it) };
    let sizes = match sets.as_slice() {
        [_] => vec![limits.desired],
        several => rollout::proportions(limits, &several.iter().map(share).collect::<Vec<_>>()),
    };
    let turn = |it: &ReplicaSet| {
        let is_newest = newest.is_some_and(|new| new.uid() == it.uid());
        if is_newest { number } else { revision::number(it) }
    };
    let changes = sets
        .into_iter()
        .zip(sizes)
        .filter(|(set, to)| replicas(set) != *to || revision::noted(set, revision::DESIRED) != Some(limits.desired));
    changes.map(|(set, to)| scale(set, to, turn(set), limits)).collect()
}

/// The sizes that all ReplicaSets should have now.
fn sizes(
    observed: &Observed,
    limits: Limits,
    newest: Option<&ReplicaSet>,
    old: &[&ReplicaSet],
    number: i64,
) -> Vec<Action> {
    let strategy = observed.deployment.spec.as_ref().and_then(|it| it.strategy.clone()).unwrap_or_default();
    let mut ordered: Vec<&ReplicaSet> = old.to_vec();
    ordered.sort_by_key(|it| (it.creation_timestamp(), it.name_any()));
    let old_sizes: Vec<Size> = ordered.iter().map(|it| size(it)).collect();
    let none = Size { name: String::new(), replicas: 0, available: 0 };
    let new_size = newest.map_or(none, size);
    let (wanted_new, wanted_old) = if strategy.type_.as_deref() == Some("Recreate") {
        let gone = ordered.iter().all(|it| there(it) == 0);
        let nothing = old_sizes.iter().map(|it| (it.name.clone(), 0)).collect();
        (if gone { limits.desired } else { new_size.replicas.min(limits.desired) }, nothing)
    } else {
        (rollout::grow(limits, &new_size, &old_sizes), rollout::shrink(limits, &new_size, &old_sizes))
    };
    let mut actions = Vec::new();
    match newest {
        None => {
            let made = revision::make(&observed.deployment, wanted_new, &notes(number, limits));
            actions.push(Action::Create(Box::new(made)));
        }
        Some(new) if replicas(new) != wanted_new || revision::number(new) != number => {
            actions.push(scale(new, wanted_new, number, limits));
        }
        Some(_) => {}
    }
    for (set, (_, to)) in ordered.iter().zip(wanted_old) {
        if replicas(set) != to {
            actions.push(scale(set, to, revision::number(set), limits));
        }
    }
    actions
}

fn scale(set: &ReplicaSet, to: i32, revision: i64, limits: Limits) -> Action {
    Action::Scale { name: set.name_any(), from: replicas(set), to, notes: notes(revision, limits) }
}

fn notes(revision: i64, limits: Limits) -> Notes {
    Notes { revision, desired: limits.desired, most: limits.desired + limits.surge }
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
