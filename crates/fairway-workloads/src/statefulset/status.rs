//! What a StatefulSet says of itself. Pure.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::Pod;

use super::revision::{self, Revisions};

/// The status that follows from its Pods, and from whether each counts as ready and as available.
pub(super) fn status(
    set: &StatefulSet,
    pods: &[&Pod],
    revisions: &Revisions,
    is_ready: impl Fn(&Pod) -> bool,
    is_available: impl Fn(&Pod) -> bool,
) -> StatefulSetStatus {
    let count = |of: &dyn Fn(&Pod) -> bool| i32::try_from(pods.iter().filter(|it| of(it)).count()).unwrap_or(i32::MAX);
    let some = |it: i32| (it != 0).then_some(it);
    let from = |name: &str| count(&|it| it.metadata.deletion_timestamp.is_none() && revision::of(it) == name);
    let mut status = StatefulSetStatus {
        observed_generation: set.metadata.generation,
        replicas: count(&|_| true),
        ready_replicas: some(count(&is_ready)),
        available_replicas: Some(count(&is_available)),
        current_replicas: some(from(&revisions.current.name)),
        updated_replicas: some(from(&revisions.update.name)),
        current_revision: Some(revisions.current.name.clone()),
        update_revision: Some(revisions.update.name.clone()),
        collision_count: Some(set.status.as_ref().and_then(|it| it.collision_count).unwrap_or(0)),
        conditions: set.status.as_ref().and_then(|it| it.conditions.clone()),
    };
    let spec = set.spec.clone().unwrap_or_default();
    let rolls = spec.update_strategy.and_then(|it| it.type_).is_none_or(|it| it == "RollingUpdate");
    let wanted = spec.replicas.unwrap_or(1);
    let all = |it: Option<i32>| it.unwrap_or(0) == wanted;
    if rolls && status.replicas == wanted && all(status.updated_replicas) && all(status.ready_replicas) {
        status.current_replicas = status.updated_replicas;
        status.current_revision.clone_from(&status.update_revision);
    }
    status
}
