//! What Kubernetes sets where a writer said nothing, beyond the defaults that OpenAPI marks: one small function per
//! kind, in the order of the groups.

mod autoscaling;
mod batch;
mod pod;
mod service;
mod workloads;

use serde_json::{Value, json};

use super::tree::{blank, child, entries, fill, items, items_mut, remove, text};
use crate::Resource;

/// Sets the defaults of a built-in kind; of one it does not know, none. Doing it twice changes nothing.
pub(super) fn default(resource: &Resource, object: &mut Value) {
    match &*resource.storage {
        "core/events" => event(resource, object),
        "core/endpoints" => endpoints(object),
        "core/limitranges" => limit_range(object),
        "core/namespaces" => namespace(object),
        "core/persistentvolumeclaims" => claim(object),
        "core/persistentvolumes" => volume(object),
        "core/pods" => pod::pod(object),
        "core/podtemplates" => pod::template(&mut object["template"]),
        "core/replicationcontrollers" => workloads::replication_controller(object),
        "core/secrets" => secret(object),
        "core/services" => service::service(object),
        "apps/daemonsets" => workloads::daemon_set(object),
        "apps/deployments" => workloads::deployment(object),
        "apps/replicasets" => workloads::replica_set(object),
        "apps/statefulsets" => workloads::stateful_set(object),
        "autoscaling/horizontalpodautoscalers" => autoscaling::horizontal_pod_autoscaler(object),
        "batch/cronjobs" => batch::cron_job(object),
        "batch/jobs" => batch::job(object),
        "discovery.k8s.io/endpointslices" => endpoint_slice(object),
        "networking.k8s.io/networkpolicies" => network_policy(object),
        "rbac.authorization.k8s.io/rolebindings" | "rbac.authorization.k8s.io/clusterrolebindings" => binding(object),
        "scheduling.k8s.io/priorityclasses" => fill(object, "preemptionPolicy", "PreemptLowerPriority"),
        "storage.k8s.io/storageclasses" => {
            fill(object, "reclaimPolicy", "Delete");
            fill(object, "volumeBindingMode", "Immediate");
        }
        "apiextensions.k8s.io/customresourcedefinitions" => custom_resource_definition(object),
        _ => {}
    }
}

/// Times that are not given are written as `null`: Go leaves no time out here.
fn event(resource: &Resource, object: &mut Value) {
    fill(object, "eventTime", Value::Null);
    if resource.group.is_empty() {
        fill(object, "firstTimestamp", Value::Null);
        fill(object, "lastTimestamp", Value::Null);
    } else {
        fill(object, "deprecatedFirstTimestamp", Value::Null);
        fill(object, "deprecatedLastTimestamp", Value::Null);
    }
}

fn endpoints(object: &mut Value) {
    for subset in items_mut(object.get_mut("subsets")) {
        for port in items_mut(subset.get_mut("ports")) {
            fill(port, "protocol", "TCP");
        }
    }
}

/// A container's limit is its default, and its default is its default request.
fn limit_range(object: &mut Value) {
    for limit in items_mut(object["spec"].get_mut("limits")) {
        if limit["type"] != "Container" {
            continue;
        }
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            let given: Vec<(String, Value)> = entries(&limit[from]).map(|(k, v)| (k.clone(), v.clone())).collect();
            for (name, quantity) in given {
                fill(child(limit, to), &name, quantity);
            }
        }
    }
}

/// The label by which NetworkPolicies find a namespace by name.
pub(super) fn namespace(object: &mut Value) {
    let name = text(&object["metadata"]["name"]).to_owned();
    if !name.is_empty() {
        child(child(object, "metadata"), "labels")["kubernetes.io/metadata.name"] = json!(name);
    }
    fill(child(object, "status"), "phase", "Active");
}

fn claim(object: &mut Value) {
    claim_spec(child(object, "spec"));
    fill(child(object, "status"), "phase", "Pending");
}

fn claim_spec(spec: &mut Value) {
    fill(spec, "volumeMode", "Filesystem");
}

fn volume(object: &mut Value) {
    fill(child(object, "status"), "phase", "Pending");
    let spec = child(object, "spec");
    fill(spec, "persistentVolumeReclaimPolicy", "Retain");
    fill(spec, "volumeMode", "Filesystem");
    if let Some(path) = spec.get_mut("hostPath") {
        fill(path, "type", "");
    }
}

/// `stringData` is for writing only.
fn secret(object: &mut Value) {
    use base64::Engine as _;
    if let Some(Value::Object(plain)) = remove(object, "stringData") {
        let data = child(object, "data");
        for (key, value) in plain {
            data[key] = json!(base64::engine::general_purpose::STANDARD.encode(text(&value)));
        }
    }
    if blank(&object["type"]) {
        object["type"] = json!("Opaque");
    }
}

fn endpoint_slice(object: &mut Value) {
    for port in items_mut(object.get_mut("ports")) {
        fill(port, "name", "");
        fill(port, "protocol", "TCP");
    }
}

fn network_policy(object: &mut Value) {
    let spec = child(object, "spec");
    for side in ["ingress", "egress"] {
        for rule in items_mut(spec.get_mut(side)) {
            for port in items_mut(rule.get_mut("ports")) {
                fill(port, "protocol", "TCP");
            }
        }
    }
    let types = if items(&spec["egress"]).is_empty() { json!(["Ingress"]) } else { json!(["Ingress", "Egress"]) };
    fill(spec, "policyTypes", types);
}

const RBAC: &str = "rbac.authorization.k8s.io";

fn binding(object: &mut Value) {
    if blank(&object["roleRef"]["apiGroup"]) {
        child(object, "roleRef")["apiGroup"] = json!(RBAC);
    }
    for subject in items_mut(object.get_mut("subjects")) {
        if blank(&subject["apiGroup"]) && (subject["kind"] == "User" || subject["kind"] == "Group") {
            subject["apiGroup"] = json!(RBAC);
        }
    }
}

fn custom_resource_definition(object: &mut Value) {
    let spec = child(object, "spec");
    fill(child(spec, "conversion"), "strategy", "None");
    let kind = text(&spec["names"]["kind"]).to_owned();
    let names = child(spec, "names");
    if blank(&names["singular"]) {
        names["singular"] = json!(kind.to_lowercase());
    }
    if blank(&names["listKind"]) {
        names["listKind"] = json!(format!("{kind}List"));
    }
}
