//! What may not change.

use fairway_schema::Cause;
use serde_json::Value;

use super::names::IMMUTABLE;
use super::{service, small, workloads};
use crate::Resource;

const SEALED: &str = "field is immutable when `immutable` is set";

pub(super) fn check(resource: &Resource, new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    match &*resource.storage {
        "apps/deployments" | "apps/replicasets" | "apps/daemonsets" => fixed(new, old, "/spec/selector", causes),
        "apps/statefulsets" => workloads::stateful_set_update(new, old, causes),
        "batch/jobs" => {
            for field in ["/spec/completionMode", "/spec/selector", "/spec/template"] {
                fixed(new, old, field, causes);
            }
        }
        "core/configmaps" => sealed(new, old, causes),
        "core/secrets" => {
            fixed(new, old, "/type", causes);
            sealed(new, old, causes);
        }
        "core/pods" => workloads::pod_update(new, old, causes),
        "core/services" => service::update(new, old, causes),
        "core/persistentvolumeclaims" => small::claim_update(new, old, causes),
        "discovery.k8s.io/endpointslices" => fixed(new, old, "/addressType", causes),
        "rbac.authorization.k8s.io/rolebindings" | "rbac.authorization.k8s.io/clusterrolebindings"
            if new["roleRef"] != old["roleRef"] =>
        {
            causes.push(Cause::invalid("roleRef", &new["roleRef"], "cannot change roleRef"));
        }
        "scheduling.k8s.io/priorityclasses" => {
            if new["value"] != old["value"] {
                causes.push(Cause::forbidden("value", "may not be changed in an update."));
            }
            fixed(new, old, "/preemptionPolicy", causes);
        }
        "storage.k8s.io/storageclasses" => {
            for field in ["/parameters", "/provisioner", "/reclaimPolicy", "/volumeBindingMode"] {
                if new.pointer(field) != old.pointer(field) {
                    let detail = format!("updates to {} are forbidden.", &field[1..]);
                    causes.push(Cause::forbidden(&field[1..], &detail));
                }
            }
        }
        _ => {}
    }
}

/// A field that stays what it was.
fn fixed(new: &Value, old: &Value, pointer: &str, causes: &mut Vec<Cause>) {
    let after = new.pointer(pointer).unwrap_or(&Value::Null);
    if after != old.pointer(pointer).unwrap_or(&Value::Null) {
        causes.push(Cause::invalid(pointer[1..].replace('/', "."), after, IMMUTABLE));
    }
}

/// `immutable: true` seals the data, and itself.
fn sealed(new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    if old["immutable"] != true {
        return;
    }
    if new["immutable"] != true {
        causes.push(Cause::forbidden("immutable", SEALED));
    }
    for field in ["data", "binaryData"] {
        if new[field] != old[field] {
            causes.push(Cause::forbidden(field, SEALED));
        }
    }
}
