//! Rules about `metadata`, the same for every kind but for how its names look.

use fairway_schema::{Cause, names};
use serde_json::{Value, json};

use super::names::{IMMUTABLE, labels, say};
use crate::kinds::tree::{entries, items, text};
use crate::{Origin, Resource};

const ANNOTATIONS_LIMIT: usize = 256 * 1024;
/// Finalizers without a domain that Kubernetes itself uses.
const STANDARD_FINALIZERS: &[&str] = &["kubernetes", "orphan", "foregroundDeletion"];

pub(super) fn check(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    let metadata = &object["metadata"];
    name(resource, object, causes);
    namespace(resource, &metadata["namespace"], causes);
    common(resource, metadata, causes);
}

/// A change keeps who the object is, and adds no finalizer to what is being deleted.
pub(super) fn check_update(resource: &Resource, new: &Value, old: &Value, causes: &mut Vec<Cause>) {
    let (new, old) = (&new["metadata"], &old["metadata"]);
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if new[field] != old[field] {
            causes.push(Cause::invalid(format!("metadata.{field}"), &new[field], IMMUTABLE));
        }
    }
    if old["deletionTimestamp"].is_string() {
        let known = items(&old["finalizers"]);
        let added: Vec<String> = items(&new["finalizers"])
            .iter()
            .filter(|it| !known.contains(it))
            .map(|it| format!("{:?}", text(it)))
            .collect();
        if !added.is_empty() {
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", &detail));
        }
    }
    common(resource, new, causes);
}

fn common(resource: &Resource, metadata: &Value, causes: &mut Vec<Cause>) {
    if metadata["generation"].as_i64().is_some_and(|it| it < 0) {
        causes.push(Cause::invalid("metadata.generation", &metadata["generation"], super::names::NOT_NEGATIVE));
    }
    labels("metadata.labels", &metadata["labels"], causes);
    annotations(&metadata["annotations"], causes);
    owners(&metadata["ownerReferences"], causes);
    finalizers(resource, &metadata["finalizers"], causes);
}

fn name(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    let metadata = &object["metadata"];
    let rule = rule_of(resource);
    let prefix = text(&metadata["generateName"]);
    if !prefix.is_empty() {
        // The last character may be anything that another one may follow.
        let masked = if prefix.len() > 1 && prefix.ends_with('-') {
            format!("{}a", &prefix[..prefix.len() - 1])
        } else {
            prefix.to_owned()
        };
        say("metadata.generateName", &metadata["generateName"], rule(&masked), causes);
    }
    match text(&metadata["name"]) {
        "" if prefix.is_empty() => {
            causes.push(Cause::required("metadata.name", "name or generateName is required"));
        }
        "" => {}
        name => say("metadata.name", &metadata["name"], rule(name), causes),
    }
}

/// How the names of a kind look.
fn rule_of(resource: &Resource) -> fn(&str) -> Vec<String> {
    match &*resource.storage {
        "core/namespaces" => names::dns_label,
        "core/services" => names::dns_1035_label,
        _ if &*resource.group == "rbac.authorization.k8s.io" => names::path_segment,
        _ => names::dns_subdomain,
    }
}

fn namespace(resource: &Resource, namespace: &Value, causes: &mut Vec<Cause>) {
    let name = text(namespace);
    if resource.namespaced {
        match name {
            "" => causes.push(Cause::required("metadata.namespace", "")),
            name => say("metadata.namespace", namespace, names::dns_label(name), causes),
        }
    } else if !name.is_empty() {
        causes.push(Cause::forbidden("metadata.namespace", "not allowed on this type"));
    }
}

fn annotations(annotations: &Value, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for (key, value) in entries(annotations) {
        // Annotation keys may have upper case in their domain; nothing else differs from labels.
        say("metadata.annotations", &json!(key), names::qualified_name(&key.to_lowercase()), causes);
        size += key.len() + text(value).len();
    }
    if size > ANNOTATIONS_LIMIT {
        causes.push(Cause::too_long("metadata.annotations", ANNOTATIONS_LIMIT as u64));
    }
}

fn owners(owners: &Value, causes: &mut Vec<Cause>) {
    let mut controller: Option<&str> = None;
    for it in items(owners) {
        let at = |field: &str| format!("metadata.ownerReferences.{field}");
        let api_version = text(&it["apiVersion"]);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if version.is_empty() {
            causes.push(Cause::invalid(at("apiVersion"), &json!(api_version), "version must not be empty"));
        }
        for field in ["kind", "name", "uid"] {
            if text(&it[field]).is_empty() {
                causes.push(Cause::invalid(at(field), &json!(""), "must not be empty"));
            }
        }
        if it["kind"] == "Event" && (group.is_empty() || group == "events.k8s.io") {
            let detail = format!("{api_version}, Kind=Event is disallowed from being an owner");
            causes.push(Cause::invalid("metadata.ownerReferences", it, &detail));
        }
        if it["controller"] == true {
            if let Some(first) = controller {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {}",
                    text(&it["name"])
                );
                causes.push(Cause::invalid("metadata.ownerReferences", owners, &detail));
            }
            controller = controller.or(Some(text(&it["name"])));
        }
    }
}

fn finalizers(resource: &Resource, finalizers: &Value, causes: &mut Vec<Cause>) {
    let list = items(finalizers);
    for (index, it) in list.iter().enumerate() {
        let name = text(it);
        let at = format!("metadata.finalizers[{index}]");
        say(&at, it, names::qualified_name(name), causes);
        let plain = !name.contains('/') && !STANDARD_FINALIZERS.contains(&name);
        if plain && resource.origin == Origin::BuiltIn {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(at, it, detail));
        }
    }
    if list.iter().any(|it| it == "orphan") && list.iter().any(|it| it == "foregroundDeletion") {
        let detail = "finalizers orphan and foregroundDeletion cannot be both set";
        causes.push(Cause::invalid("metadata.finalizers", finalizers, detail));
    }
}
