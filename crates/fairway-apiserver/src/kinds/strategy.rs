//! Which part of an object a write may set, and what the server sets itself: create and update, on the object and
//! on its subresources.

mod job;
mod pod;
mod service;

use fairway_schema::Schema;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::tree::{child, fill, items, remove, text};
use crate::{Origin, Resource};

pub use pod::{NoServiceAccount, service_account};

/// Prepares a new object whose metadata (name, namespace, uid) is complete: drops the status that a client may not
/// set, sets the first generation and what else the server adds.
pub(super) fn prepare_create(resource: &Resource, object: &mut Value, now: Timestamp) {
    if has_status(resource) && keeps_no_status(resource) {
        remove(object, "status");
        if resource.origin == Origin::BuiltIn {
            fill_status(&resource.schema, object);
        }
    }
    if counts_generations(resource) {
        child(object, "metadata")["generation"] = json!(1);
    }
    match &*resource.storage {
        "core/namespaces" => new_namespace(object),
        "core/persistentvolumes" => new_volume(object, now),
        "core/persistentvolumeclaims" => child(object, "status")["phase"] = json!("Pending"),
        "core/pods" => pod::create(object),
        "batch/jobs" => job::create(object),
        "apps/daemonsets" => template_generation(object, 1),
        "autoscaling/horizontalpodautoscalers" => fill(child(object, "status"), "currentMetrics", Value::Null),
        "apiextensions.k8s.io/customresourcedefinitions" => new_definition(object),
        _ => {}
    }
}

/// Prepares an update on the object itself (`subresource` is `None`) or on `status`, `finalize` …: what the endpoint
/// may not change comes from the old object, and the generation counts changes of what is wanted.
pub(super) fn prepare_update(resource: &Resource, subresource: Option<&str>, new: &mut Value, old: &Value) {
    match subresource {
        None => main_endpoint(resource, new, old),
        Some("status") => status_endpoint(resource, new, old),
        Some("finalize") => finalize_endpoint(new, old),
        Some("binding") => keep(new, old, &["status"]),
        Some(_) => {}
    }
    generation(resource, new, old);
}

/// A kind with a `status` endpoint.
pub(super) fn has_status(resource: &Resource) -> bool {
    resource.subresources.iter().any(|it| &*it.name == "status")
}

/// A node registers itself with its status.
fn keeps_no_status(resource: &Resource) -> bool {
    &*resource.storage != "core/nodes"
}

fn fill_status(schema: &Schema, object: &mut Value) {
    let Some(status) = schema.properties.get("status") else { return };
    if let (Some(default), Some(map)) = (&status.default, object.as_object_mut()) {
        let mut value = default.clone();
        fairway_schema::default(status, &mut value);
        map.insert("status".to_owned(), value);
    }
}

/// Whether `metadata.generation` means something. Kinds without a notion of it keep what a client says.
fn counts_generations(resource: &Resource) -> bool {
    match &resource.origin {
        Origin::Custom { .. } => true,
        Origin::BuiltIn => matches!(
            &*resource.storage,
            "core/pods"
                | "core/replicationcontrollers"
                | "apps/daemonsets"
                | "apps/deployments"
                | "apps/replicasets"
                | "apps/statefulsets"
                | "batch/jobs"
                | "batch/cronjobs"
                | "networking.k8s.io/networkpolicies"
                | "networking.k8s.io/ingresses"
                | "networking.k8s.io/ingressclasses"
                | "discovery.k8s.io/endpointslices"
                | "policy/poddisruptionbudgets"
                | "scheduling.k8s.io/priorityclasses"
                | "apiextensions.k8s.io/customresourcedefinitions"
        ),
    }
}

fn main_endpoint(resource: &Resource, new: &mut Value, old: &Value) {
    if has_status(resource) {
        keep(new, old, &["status"]);
    }
    match &*resource.storage {
        "core/namespaces" => keep(child(new, "spec"), &old["spec"], &["finalizers"]),
        "core/services" => service::update(new, old),
        "core/pods" => pod::update(new, old),
        "core/serviceaccounts" => {}
        _ => {}
    }
}

fn status_endpoint(resource: &Resource, new: &mut Value, old: &Value) {
    let status = remove(new, "status");
    let mut metadata = remove(new, "metadata").unwrap_or_else(|| json!({}));
    match (&resource.origin, &*resource.storage) {
        // Nothing but the status, and who owns which field of it.
        (Origin::Custom { .. }, _) => {
            let managed = remove(&mut metadata, "managedFields");
            metadata = old["metadata"].clone();
            set(&mut metadata, "managedFields", managed);
        }
        (Origin::BuiltIn, "core/pods") => keep(&mut metadata, &old["metadata"], &["ownerReferences"]),
        (Origin::BuiltIn, "apps/deployments") => keep(&mut metadata, &old["metadata"], &["labels"]),
        _ => {}
    }
    *new = old.clone();
    set(new, "status", status);
    set(new, "metadata", Some(metadata));
}

/// `namespaces/finalize` changes the finalizers in the spec, and nothing else.
fn finalize_endpoint(new: &mut Value, old: &Value) {
    keep(new, old, &["status"]);
}

fn generation(resource: &Resource, new: &mut Value, old: &Value) {
    let before = &old["metadata"]["generation"];
    let changed = counts_generations(resource) && wanted_changed(resource, new, old);
    let next = if changed { json!(before.as_i64().unwrap_or(0) + 1) } else { before.clone() };
    let metadata = child(new, "metadata");
    set(metadata, "generation", Some(next).filter(|it| !it.is_null()));
    if &*resource.storage == "apps/daemonsets" {
        let before = text(&old["metadata"]["annotations"][TEMPLATE_GENERATION]).parse::<i64>().unwrap_or(1);
        let changed = new["spec"]["template"] != old["spec"]["template"];
        template_generation(new, if changed { before + 1 } else { before });
    }
}

/// Whether what is wanted (not metadata, not what was observed) differs.
fn wanted_changed(resource: &Resource, new: &Value, old: &Value) -> bool {
    if &*resource.storage == "discovery.k8s.io/endpointslices" && new["metadata"]["labels"] != old["metadata"]["labels"]
    {
        return true;
    }
    let status = has_status(resource);
    let wanted = |it: &Value| -> Vec<(String, Value)> {
        let fields = it.as_object().into_iter().flatten();
        let observed = |key: &str| matches!(key, "metadata" | "apiVersion" | "kind") || (key == "status" && status);
        fields.filter(|(key, _)| !observed(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    wanted(new) != wanted(old)
}

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn template_generation(object: &mut Value, generation: i64) {
    child(child(object, "metadata"), "annotations")[TEMPLATE_GENERATION] = json!(generation.to_string());
}

fn new_namespace(object: &mut Value) {
    super::defaults::namespace(object);
    let finalizers = &mut child(object, "spec")["finalizers"];
    if !items(finalizers).iter().any(|it| it == "kubernetes") {
        let mut all = items(finalizers).to_vec();
        all.push(json!("kubernetes"));
        *finalizers = Value::Array(all);
    }
    object["status"] = json!({ "phase": "Active" });
}

fn new_volume(object: &mut Value, now: Timestamp) {
    let status = child(object, "status");
    status["phase"] = json!("Pending");
    status["lastPhaseTransitionTime"] = json!(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
}

/// Nothing is accepted yet, but what will be stored is known.
fn new_definition(object: &mut Value) {
    let versions = items(&object["spec"]["versions"]);
    let stored: Vec<Value> = versions.iter().filter(|it| it["storage"] == true).map(|it| it["name"].clone()).collect();
    object["status"] =
        json!({ "conditions": null, "acceptedNames": { "plural": "", "kind": "" }, "storedVersions": stored });
}

/// Takes fields from the old object.
fn keep(new: &mut Value, old: &Value, fields: &[&str]) {
    for field in fields {
        set(new, field, old.get(*field).cloned());
    }
}

fn set(object: &mut Value, key: &str, value: Option<Value>) {
    let Some(map) = object.as_object_mut() else { return };
    match value {
        Some(value) => map.insert(key.to_owned(), value),
        None => map.remove(key),
    };
}

#[cfg(test)]
mod tests;
