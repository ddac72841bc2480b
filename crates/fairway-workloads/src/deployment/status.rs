//! What a Deployment says of itself, and when it must be looked at again.

use fairway_controller::Next;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::plan::until;
use super::rollout::Limits;

/// The status that follows from the ReplicaSets, and when progress is next in question.
pub(super) fn status(
    deployment: &Deployment,
    newest: Option<&ReplicaSet>,
    old: &[&ReplicaSet],
    now: Timestamp,
) -> (DeploymentStatus, Next) {
    let before = deployment.status.clone().unwrap_or_default();
    let spec = deployment.spec.clone().unwrap_or_default();
    let desired = spec.replicas.unwrap_or(1);
    let sets = || newest.into_iter().chain(old.iter().copied());
    let sum = |part: fn(&ReplicaSet) -> i32| sets().map(part).sum::<i32>();
    let total = sum(|it| it.status.as_ref().map_or(0, |it| it.replicas));
    let available = sum(|it| it.status.as_ref().and_then(|it| it.available_replicas).unwrap_or(0));
    let ready = sum(|it| it.status.as_ref().and_then(|it| it.ready_replicas).unwrap_or(0));
    let updated = newest.and_then(|it| it.status.as_ref()).map_or(0, |it| it.replicas);
    let some = |it: i32| (it != 0).then_some(it);
    let mut status = DeploymentStatus {
        observed_generation: deployment.metadata.generation,
        replicas: some(total),
        updated_replicas: some(updated),
        ready_replicas: some(ready),
        available_replicas: some(available),
        unavailable_replicas: some((desired.max(total) - available).max(0)),
        collision_count: before.collision_count,
        conditions: None,
        ..DeploymentStatus::default()
    };
    let rolling = spec.strategy.and_then(|it| it.rolling_update).unwrap_or_default();
    let limits = Limits::of(desired, rolling.max_surge.as_ref(), rolling.max_unavailable.as_ref());
    let enough = available >= desired - limits.unavailable;
    let complete = updated == desired && total == desired && available == desired && newest.is_some();
    let moved = before.updated_replicas != status.updated_replicas
        || before.available_replicas.unwrap_or(0) < available
        || before.ready_replicas.unwrap_or(0) < ready
        || before.replicas.unwrap_or(0) > total
        || before.observed_generation != status.observed_generation;
    let deadline = i64::from(spec.progress_deadline_seconds.unwrap_or(600));
    let set = newest.map(ResourceExt::name_any).unwrap_or_default();
    let (progressing, next) = progressing(&before, complete, moved, deadline, &set, now);
    let mut conditions = vec![progressing];
    conditions.push(if enough {
        condition(&before, now, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        let message = "Deployment does not have minimum availability.";
        condition(&before, now, "Available", "False", "MinimumReplicasUnavailable", message)
    });
    conditions.extend(newest.into_iter().chain(old.iter().copied()).find_map(|it| failure(&before, it, now)));
    conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    status.conditions = Some(conditions);
    (status, next)
}

/// Whether the rollout gets on. It has until `deadline` seconds after it last did.
fn progressing(
    before: &DeploymentStatus,
    complete: bool,
    moved: bool,
    deadline: i64,
    set: &str,
    now: Timestamp,
) -> (DeploymentCondition, Next) {
    let kind = "Progressing";
    if complete {
        let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
        return (condition(before, now, kind, "True", "NewReplicaSetAvailable", &message), Next::Settled);
    }
    let previous = before.conditions.iter().flatten().find(|it| it.type_ == kind);
    let since = previous
        .filter(|it| it.reason.as_deref() != Some("NewReplicaSetAvailable"))
        .and_then(|it| it.last_update_time.as_ref())
        .map_or(now, |Time(at)| *at);
    // The API keeps whole seconds: what it remembers may have been almost one later.
    let ends = since.saturating_add(SignedDuration::from_secs(deadline + 1)).unwrap_or(Timestamp::MAX);
    // Once it has timed out it stays so until something moves: the condition's own change is no progress.
    let timed_out = previous.is_some_and(|it| it.reason.as_deref() == Some("ProgressDeadlineExceeded"));
    if !moved && (timed_out || ends <= now) {
        let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
        return (condition(before, now, kind, "False", "ProgressDeadlineExceeded", &message), Next::Settled);
    }
    let message = format!("ReplicaSet \"{set}\" is progressing.");
    let mut it = condition(before, now, kind, "True", "ReplicaSetUpdated", &message);
    if moved {
        it.last_update_time = Some(Time(now));
    }
    let ends = if moved { now.saturating_add(SignedDuration::from_secs(deadline + 1)).unwrap_or(ends) } else { ends };
    (it, Next::After(until(ends, now)))
}

/// That a ReplicaSet cannot make its Pods is a condition of its Deployment too.
fn failure(before: &DeploymentStatus, set: &ReplicaSet, now: Timestamp) -> Option<DeploymentCondition> {
    let conditions = set.status.as_ref()?.conditions.as_ref()?;
    let it = conditions.iter().find(|it| it.type_ == "ReplicaFailure" && it.status == "True")?;
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    Some(condition(before, now, "ReplicaFailure", "True", &text(&it.reason), &text(&it.message)))
}

/// A condition whose times move only when it changes.
fn condition(
    before: &DeploymentStatus,
    now: Timestamp,
    r#type: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> DeploymentCondition {
    let previous = before.conditions.iter().flatten().find(|it| it.type_ == r#type);
    let same = previous.filter(|it| it.status == status && it.reason.as_deref() == Some(reason));
    let flipped = previous.filter(|it| it.status == status).and_then(|it| it.last_transition_time.clone());
    DeploymentCondition {
        type_: r#type.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_update_time: Some(same.and_then(|it| it.last_update_time.clone()).unwrap_or(Time(now))),
        last_transition_time: Some(flipped.unwrap_or(Time(now))),
    }
}
