//! `allOf`, `anyOf`, `oneOf` and `not`: what stands in there may ask more of a value, but not say what it is.

use serde_json::{Value, json};

use super::{Node, check_rules};
use crate::cause::Cause;
use crate::compile::node::flag;
use crate::path::Path;

const LOGIC: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Nested value validations may only narrow what the structure around them allows.
pub(super) fn check_logic(node: &Node, path: &Path<'_>, causes: &mut Vec<Cause>) {
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
