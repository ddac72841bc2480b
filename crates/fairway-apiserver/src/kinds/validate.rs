//! What is wrong with an object, in the words of kube-apiserver: rules that schemas do not carry.

mod configuration;
mod container;
mod metadata;
mod names;
mod network;
mod pod;
mod rbac;
mod service;
mod small;
mod update;
mod volumes;
mod workloads;

use fairway_schema::Cause;
use serde_json::Value;

use crate::{Origin, Resource};

/// Everything that is wrong with a new object. Custom resources are checked for their metadata only.
pub(super) fn create(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    metadata::check(resource, object, &mut causes);
    if resource.origin == Origin::BuiltIn {
        kind(resource, object, &mut causes);
    }
    causes
}

/// Everything that is wrong with a change of an object.
pub(super) fn update(resource: &Resource, subresource: Option<&str>, new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    metadata::check_update(resource, new, old, &mut causes);
    if resource.origin == Origin::BuiltIn && subresource.is_none() {
        kind(resource, new, &mut causes);
        update::check(resource, new, old, &mut causes);
    }
    causes
}

fn kind(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    match &*resource.storage {
        "core/configmaps" => configuration::config_map(object, causes),
        "core/endpoints" => small::endpoints(object, causes),
        "core/events" => small::event(resource, object, causes),
        "core/persistentvolumeclaims" => small::claim(object, causes),
        "core/pods" => pod::pod(object, causes),
        "core/podtemplates" => pod::template(&object["template"], "template", causes),
        "core/replicationcontrollers" => workloads::replication_controller(object, causes),
        "core/secrets" => configuration::secret(object, causes),
        "core/services" => service::service(object, causes),
        "apps/daemonsets" => workloads::daemon_set(object, causes),
        "apps/deployments" => workloads::deployment(object, causes),
        "apps/replicasets" => workloads::replica_set(object, causes),
        "apps/statefulsets" => workloads::stateful_set(object, causes),
        "batch/cronjobs" => workloads::cron_job(object, causes),
        "batch/jobs" => workloads::job(&object["spec"], "spec", causes),
        "coordination.k8s.io/leases" => small::lease(object, causes),
        "discovery.k8s.io/endpointslices" => network::endpoint_slice(object, causes),
        "networking.k8s.io/networkpolicies" => network::network_policy(object, causes),
        "networking.k8s.io/ingresses" => network::ingress(object, causes),
        "rbac.authorization.k8s.io/roles" => rbac::rules(object, true, causes),
        "rbac.authorization.k8s.io/clusterroles" => rbac::rules(object, false, causes),
        "rbac.authorization.k8s.io/rolebindings" => rbac::binding(object, true, causes),
        "rbac.authorization.k8s.io/clusterrolebindings" => rbac::binding(object, false, causes),
        "policy/poddisruptionbudgets" => small::disruption_budget(object, causes),
        "storage.k8s.io/storageclasses" => small::storage_class(object, causes),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
