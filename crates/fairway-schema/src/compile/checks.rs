//! What makes a schema structural: every value has one type, said outside of `allOf`, `anyOf`, `oneOf` and `not`.

use serde_json::{Map, Value, json};

use super::node::{flag, text, texts};
use crate::cause::Cause;
use crate::path::Path;

type Node = Map<String, Value>;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const LOGIC: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Where a node stands decides how a missing type is explained.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Field,
    Item,
}

/// Everything that is wrong with a schema.
pub(super) fn check(root: &Node, path: &Path<'_>) -> Vec<Cause> {
    let mut causes = Vec::new();
    walk(root, Level::Root, path, &mut causes);
    causes
}

fn walk(node: &Node, level: Level, path: &Path<'_>, causes: &mut Vec<Cause>) {
    check_type(node, level, path, causes);
    check_unsupported(node, path, causes);
    check_embedded(node, path, causes);
    if level == Level::Root || flag(node, "x-kubernetes-embedded-resource") {
        check_identity(node, path, causes);
    }
    check_list(node, path, causes);
    check_map(node, path, causes);
    check_rules(node, path, causes);
    check_logic(node, path, causes);
    let properties = Path::Field(path, "properties");
    for (name, property) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        child(property, Level::Field, &Path::Key(&properties, name), causes);
    }
    if let Some(items) = node.get("items").filter(|it| !it.is_null()) {
        child(items, Level::Item, &Path::Field(path, "items"), causes);
    }
    match node.get("additionalProperties") {
        Some(Value::Bool(_) | Value::Null) | None => {}
        Some(each) => child(each, Level::Field, &Path::Field(path, "additionalProperties"), causes),
    }
}

fn child(node: &Value, level: Level, path: &Path<'_>, causes: &mut Vec<Cause>) {
    match node {
        Value::Object(map) => walk(map, level, path, causes),
        Value::Array(_) if level == Level::Item => {
            causes.push(Cause::forbidden(path.to_string(), "items must be a schema object and not an array"));
        }
        other => causes.push(Cause::invalid(path.to_string(), other, "must be a schema object")),
    }
}

fn check_type(node: &Node, level: Level, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let at = Path::Field(path, "type").to_string();
    let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
    let free = flag(node, "x-kubernetes-int-or-string") || flag(node, "x-kubernetes-preserve-unknown-fields");
    if !kind.is_empty() && !TYPES.contains(&kind) {
        causes.push(Cause::not_supported(at, &json!(kind), &TYPES));
    } else if kind.is_empty() && flag(node, "x-kubernetes-embedded-resource") {
        causes.push(Cause::required(at, "must be object if x-kubernetes-embedded-resource is true"));
    } else if kind.is_empty() && (!free || level == Level::Root) {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        causes.push(Cause::required(at, detail));
    } else if level == Level::Root && kind != "object" {
        causes.push(Cause::invalid(at, &json!(kind), "must be object at the root"));
    } else if !kind.is_empty() && flag(node, "x-kubernetes-int-or-string") {
        let detail = "must be empty if x-kubernetes-int-or-string is true";
        causes.push(Cause::invalid(at, &json!(kind), detail));
    }
    if kind == "array" && node.get("items").is_none_or(Value::is_null) {
        causes.push(Cause::required(Path::Field(path, "items").to_string(), "must be specified"));
    }
}

fn check_unsupported(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    for key in ["$ref", "id", "patternProperties", "definitions", "dependencies", "additionalItems"] {
        let given = node.get(key).is_some_and(|it| !it.is_null() && *it != json!("") && *it != json!({}));
        if given {
            causes.push(Cause::forbidden(Path::Field(path, key).to_string(), &format!("{key} is not supported")));
        }
    }
    if flag(node, "uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        causes.push(Cause::forbidden(Path::Field(path, "uniqueItems").to_string(), detail));
    }
    let at = || Path::Field(path, "additionalProperties").to_string();
    let fields = node.get("properties").and_then(Value::as_object).is_some_and(|it| !it.is_empty());
    match node.get("additionalProperties") {
        Some(Value::Bool(false)) => {
            causes.push(Cause::forbidden(at(), "additionalProperties cannot be set to false"));
        }
        Some(Value::Bool(true) | Value::Object(_)) if fields => {
            causes.push(Cause::forbidden(at(), "additionalProperties and properties are mutual exclusive"));
        }
        _ => {}
    }
}

fn check_embedded(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    if !flag(node, "x-kubernetes-embedded-resource") {
        return;
    }
    match node.get("type").and_then(Value::as_str) {
        Some("object") | None => {}
        Some(other) => {
            let detail = "must be object if x-kubernetes-embedded-resource is true";
            causes.push(Cause::invalid(Path::Field(path, "type").to_string(), &json!(other), detail));
        }
    }
    if node.get("additionalProperties").is_some_and(|it| !it.is_null()) {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        causes.push(Cause::forbidden(Path::Field(path, "additionalProperties").to_string(), detail));
    }
    let fields = node.get("properties").and_then(Value::as_object).is_some_and(|it| !it.is_empty());
    if !fields && !flag(node, "x-kubernetes-preserve-unknown-fields") {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        causes.push(Cause::required(Path::Field(path, "properties").to_string(), detail));
    }
}

/// `apiVersion`, `kind` and `metadata` mean what they always mean.
fn check_identity(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let properties = Path::Field(path, "properties");
    let field = |name: &str| node.get("properties").and_then(|it| it.get(name)).and_then(Value::as_object);
    for name in ["apiVersion", "kind"] {
        let kind = field(name).and_then(|it| it.get("type")).and_then(Value::as_str);
        if kind.is_some_and(|it| it != "string") {
            let at = Path::Key(&properties, name);
            causes.push(Cause::invalid(Path::Field(&at, "type").to_string(), &json!(kind), "must be string"));
        }
    }
    let Some(metadata) = field("metadata") else { return };
    let at = Path::Key(&properties, "metadata");
    let kind = metadata.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != "object" && !kind.is_empty() {
        causes.push(Cause::invalid(Path::Field(&at, "type").to_string(), &json!(kind), "must be object"));
    }
    let names = metadata.get("properties").and_then(Value::as_object).into_iter().flatten();
    let foreign = names.map(|(name, _)| name.as_str()).any(|it| it != "name" && it != "generateName");
    let limits = ["required", "enum", "additionalProperties", "default", "x-kubernetes-preserve-unknown-fields"];
    if foreign || limits.iter().any(|it| metadata.contains_key(*it)) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        causes.push(Cause::forbidden(at.to_string(), detail));
    }
}

fn check_list(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
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

fn check_map(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
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

fn check_rules(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    for key in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"] {
        let Some(value) = node.get(key).filter(|it| !it.is_null() && it.as_u64().is_none()) else { continue };
        causes.push(Cause::invalid(Path::Field(path, key).to_string(), value, "must be greater than or equal to 0"));
    }
}

/// Nested value validations may only narrow what the structure around them allows.
fn check_logic(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let int_or_string = flag(node, "x-kubernetes-int-or-string");
    for key in LOGIC {
        let at = Path::Field(path, key);
        for (index, nested) in node.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
            // `anyOf: [{type: integer}, {type: string}]` is how generators say x-kubernetes-int-or-string.
            let spelled_out = int_or_string && key != "oneOf" && is_int_or_string(nested);
            if let (Value::Object(nested), false) = (nested, spelled_out) {
                check_nested(nested, node, &Path::Index(&at, index), causes);
            }
        }
    }
    if let Some(Value::Object(nested)) = node.get("not") {
        check_nested(nested, node, &Path::Field(path, "not"), causes);
    }
}

fn is_int_or_string(nested: &Value) -> bool {
    let only_type = |it: &Value| it.as_object().is_some_and(|it| it.len() == 1 && it.contains_key("type"));
    only_type(nested) && (nested["type"] == "integer" || nested["type"] == "string")
        || nested["anyOf"].as_array().is_some_and(|it| it.iter().all(is_int_or_string))
}

fn check_nested(nested: &Node, outer: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let at = |key: &str| Path::Field(path, key).to_string();
    for (key, detail) in [
        ("type", "must be empty to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("default", "must be undefined to be structural"),
        ("additionalProperties", "must be undefined to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
    ] {
        if nested.get(key).is_some_and(|it| !it.is_null() && *it != Value::Bool(false) && *it != json!("")) {
            causes.push(Cause::forbidden(at(key), detail));
        }
    }
    check_rules(nested, path, causes);
    let known = outer.get("properties").and_then(Value::as_object);
    let properties_at = Path::Field(path, "properties");
    for (name, property) in nested.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let Value::Object(property) = property else { continue };
        let each = outer.get("additionalProperties").filter(|it| it.is_object());
        if let Some(structure) = known.and_then(|it| it.get(name)).or(each).and_then(Value::as_object) {
            check_nested(property, structure, &Path::Key(&properties_at, name), causes);
            continue;
        }
        let because = format!("because it is defined in {}", Path::Key(&properties_at, name));
        causes.push(Cause::required(format!("{}.properties[{name}]", parent(path)), &because));
    }
    if let (Some(Value::Object(items)), Some(Value::Object(structure))) = (nested.get("items"), outer.get("items")) {
        check_nested(items, structure, &Path::Field(path, "items"), causes);
    }
    check_logic_inside(nested, outer, path, causes);
}

fn check_logic_inside(nested: &Node, outer: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    for key in LOGIC {
        let at = Path::Field(path, key);
        for (index, deeper) in nested.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
            if let Value::Object(deeper) = deeper {
                check_nested(deeper, outer, &Path::Index(&at, index), causes);
            }
        }
    }
    if let Some(Value::Object(deeper)) = nested.get("not") {
        check_nested(deeper, outer, &Path::Field(path, "not"), causes);
    }
}

/// The structure a nested validation belongs to: its path without the last `allOf[0]` or `not`.
fn parent(path: &Path<'_>) -> String {
    match path {
        Path::Index(Path::Field(parent, _), _) | Path::Field(parent, _) => parent.to_string(),
        other => other.to_string(),
    }
}
