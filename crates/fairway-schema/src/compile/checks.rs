//! What makes a schema structural: every value has one type, said outside of `allOf`, `anyOf`, `oneOf` and `not`.

mod logic;
mod merging;

use serde_json::{Map, Value, json};

use super::node::flag;
use crate::cause::Cause;
use crate::path::Path;

type Node = Map<String, Value>;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

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
    merging::check_list(node, path, causes);
    merging::check_map(node, path, causes);
    check_rules(node, path, causes);
    logic::check_logic(node, path, causes);
    check_validations(node, path, causes);
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

fn check_rules(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    for key in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"] {
        let Some(value) = node.get(key).filter(|it| !it.is_null() && it.as_u64().is_none()) else { continue };
        causes.push(Cause::invalid(Path::Field(path, key).to_string(), value, "must be greater than or equal to 0"));
    }
}

/// Rules in CEL are not evaluated here, but one that is no rule at all is a mistake worth telling.
fn check_validations(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let at = Path::Field(path, "x-kubernetes-validations");
    for (index, rule) in
        node.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        if rule.get("rule").and_then(Value::as_str).is_none_or(|it| it.trim().is_empty()) {
            let place = Path::Index(&at, index);
            causes.push(Cause::required(Path::Field(&place, "rule").to_string(), "rule is not specified"));
        }
    }
}
