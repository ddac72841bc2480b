//! `x-kubernetes-list-type`, `-list-map-keys` and `-map-type`: how two versions of a value are merged.

use serde_json::{Value, json};

use super::Node;
use crate::cause::Cause;
use crate::compile::node::{text, texts};
use crate::path::Path;

/// What is wrong with how a list is merged.
pub(super) fn check_list(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let at = |key: &str| Path::Field(path, key).to_string();
    let keys = texts(node, "x-kubernetes-list-map-keys");
    let Some(kind) = text(node, "x-kubernetes-list-type") else {
        if !keys.is_empty() {
            causes.push(Cause::required(
                at("x-kubernetes-list-type"),
                "must be map if x-kubernetes-list-map-keys is non-empty",
            ));
        }
        return;
    };
    if !["atomic", "set", "map"].contains(&&*kind) {
        causes.push(Cause::not_supported(at("x-kubernetes-list-type"), &json!(kind), &["atomic", "set", "map"]));
    }
    match node.get("type").and_then(Value::as_str) {
        Some("array") => {}
        Some(other) => {
            causes.push(Cause::invalid(
                at("type"),
                &json!(other),
                "must be array if x-kubernetes-list-type is specified",
            ));
        }
        None => causes.push(Cause::required(at("type"), "must be array if x-kubernetes-list-type is specified")),
    }
    let Some(items) = node.get("items").and_then(Value::as_object) else { return };
    match &*kind {
        "map" => check_list_map(items, &keys, path, causes),
        "set" => check_list_set(items, path, causes),
        _ => {}
    }
}

/// An item of a set is compared as a whole, so it must also be merged as a whole.
fn check_list_set(items: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let key = match items.get("type").and_then(Value::as_str) {
        Some("array") => "x-kubernetes-list-type",
        Some("object") => "x-kubernetes-map-type",
        _ => return,
    };
    let given = text(items, key);
    let atomic_by_default = key == "x-kubernetes-list-type";
    if given.as_deref() == Some("atomic") || (given.is_none() && atomic_by_default) {
        return;
    }
    let at = Path::Field(path, "items");
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    causes.push(Cause::invalid(Path::Field(&at, key).to_string(), &json!(given), detail));
}

fn check_list_map(items: &Node, keys: &[Box<str>], path: &Path<'_>, causes: &mut Vec<Cause>) {
    let at = |key: &str| Path::Field(path, key).to_string();
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        causes.push(Cause::required(at("x-kubernetes-list-map-keys"), detail));
    }
    let items_at = Path::Field(path, "items");
    match items.get("type").and_then(Value::as_str) {
        Some("object") => {}
        other => {
            let detail = "must be object if parent array's x-kubernetes-list-type is map";
            causes.push(Cause::invalid(Path::Field(&items_at, "type").to_string(), &json!(other), detail));
        }
    }
    let required = texts(items, "required");
    let properties_at = Path::Field(&items_at, "properties");
    for (index, key) in keys.iter().enumerate() {
        if keys[..index].contains(key) {
            let keys_at = Path::Field(path, "x-kubernetes-list-map-keys");
            causes.push(Cause::duplicate(Path::Index(&keys_at, index).to_string(), &json!(key)));
        }
        let Some(property) = items.get("properties").and_then(|it| it.get(&**key)).and_then(Value::as_object) else {
            let detail = "entries must all be names of item properties";
            causes.push(Cause::invalid(at("x-kubernetes-list-map-keys"), &json!(keys), detail));
            continue;
        };
        let key_at = Path::Key(&properties_at, key);
        if matches!(property.get("type").and_then(Value::as_str), Some("object" | "array")) {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            causes.push(Cause::invalid(Path::Field(&key_at, "type").to_string(), &property["type"], detail));
        }
        if !required.contains(key) && property.get("default").is_none_or(Value::is_null) {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                          property";
            causes.push(Cause::required(Path::Field(&key_at, "default").to_string(), detail));
        }
    }
}

/// What is wrong with how an object is merged.
pub(super) fn check_map(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let Some(kind) = text(node, "x-kubernetes-map-type") else { return };
    if !["atomic", "granular"].contains(&&*kind) {
        let at = Path::Field(path, "x-kubernetes-map-type").to_string();
        causes.push(Cause::not_supported(at, &json!(kind), &["atomic", "granular"]));
    }
    match node.get("type").and_then(Value::as_str) {
        Some("object") => {}
        other => {
            let detail = "must be object if x-kubernetes-map-type is specified";
            causes.push(Cause::invalid(Path::Field(path, "type").to_string(), &json!(other), detail));
        }
    }
}
