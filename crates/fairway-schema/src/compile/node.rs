//! One node of a schema document.

use serde_json::{Map, Value};

use crate::model::{Additional, Link, ListType, MapType, Rules, Schema, Type};
use crate::pattern::Pattern;

/// How the children of a node are found: by reference in OpenAPI, in place in a CustomResourceDefinition.
pub(super) trait Children {
    /// Why a child cannot be compiled.
    type Error;
    /// The link to the schema a child node describes.
    fn child(&mut self, node: &Value) -> Result<Link, Self::Error>;
    /// A pattern of the document, which may stand there many times.
    fn pattern(&mut self, text: &str) -> Pattern {
        Pattern::new(text)
    }
}

/// Compiles a node whose children are found by `children`. Anything it does not understand is left out: what must
/// be refused has been refused before.
pub(super) fn compile<C: Children>(node: &Map<String, Value>, children: &mut C) -> Result<Schema, C::Error> {
    let mut schema = Schema {
        r#type: type_of(node),
        format: text(node, "format"),
        nullable: flag(node, "nullable"),
        required: texts(node, "required"),
        enumeration: node.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
        preserve_unknown: flag(node, "x-kubernetes-preserve-unknown-fields"),
        embedded_resource: flag(node, "x-kubernetes-embedded-resource"),
        validations: node.get("x-kubernetes-validations").and_then(Value::as_array).cloned().unwrap_or_default(),
        ..Schema::default()
    };
    for (name, property) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        schema.properties.insert(name.as_str().into(), children.child(property)?);
    }
    schema.additional = match node.get("additionalProperties") {
        Some(Value::Bool(true)) => Additional::Anything,
        Some(value @ Value::Object(_)) => Additional::Of(children.child(value)?),
        _ => Additional::Denied,
    };
    if let Some(items @ Value::Object(_)) = node.get("items") {
        schema.items = Some(children.child(items)?);
    }
    schema.rules = rules(node, children)?.map(Box::new);
    annotate(&mut schema, node);
    Ok(schema)
}

/// Sets what may also stand beside a reference.
pub(super) fn annotate(schema: &mut Schema, node: &Map<String, Value>) {
    if let Some(description) = text(node, "description") {
        schema.description = Some(description);
    }
    if let Some(default) = node.get("default") {
        schema.default = Some(default.clone());
    }
    match node.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => schema.list_type = ListType::Set,
        Some("map") => schema.list_type = ListType::Map,
        Some("atomic") => schema.list_type = ListType::Atomic,
        _ => {}
    }
    if node.contains_key("x-kubernetes-list-map-keys") {
        schema.list_map_keys = texts(node, "x-kubernetes-list-map-keys");
    }
    match node.get("x-kubernetes-map-type").and_then(Value::as_str) {
        Some("atomic") => schema.map_type = MapType::Atomic,
        Some("granular") => schema.map_type = MapType::Granular,
        _ => {}
    }
    if let Some(strategy) = node.get("x-kubernetes-patch-strategy").and_then(Value::as_str) {
        schema.patch_strategy = strategy.split(',').filter(|it| !it.is_empty()).map(Into::into).collect();
    }
    if let Some(key) = text(node, "x-kubernetes-patch-merge-key") {
        schema.patch_merge_key = Some(key);
    }
}

fn rules<C: Children>(node: &Map<String, Value>, children: &mut C) -> Result<Option<Rules>, C::Error> {
    const KEYS: [&str; 17] = [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
    ];
    if !KEYS.iter().any(|it| node.contains_key(*it)) {
        return Ok(None);
    }
    let number = |key: &str| node.get(key).and_then(Value::as_f64);
    let count = |key: &str| node.get(key).and_then(Value::as_u64);
    let mut all = |key: &str| -> Result<Vec<Link>, C::Error> {
        node.get(key).and_then(Value::as_array).into_iter().flatten().map(|it| children.child(it)).collect()
    };
    let (all_of, any_of, one_of) = (all("allOf")?, all("anyOf")?, all("oneOf")?);
    let pattern = node.get("pattern").and_then(Value::as_str).filter(|it| !it.is_empty());
    Ok(Some(Rules {
        minimum: number("minimum"),
        maximum: number("maximum"),
        exclusive_minimum: flag(node, "exclusiveMinimum"),
        exclusive_maximum: flag(node, "exclusiveMaximum"),
        multiple_of: number("multipleOf"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        pattern: pattern.map(|it| children.pattern(it)),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        unique_items: flag(node, "uniqueItems"),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
        all_of,
        any_of,
        one_of,
        not: match node.get("not") {
            Some(value @ Value::Object(_)) => Some(children.child(value)?),
            _ => None,
        },
    }))
}

fn type_of(node: &Map<String, Value>) -> Type {
    let int_or_string =
        flag(node, "x-kubernetes-int-or-string") || node.get("format").and_then(Value::as_str) == Some("int-or-string");
    match node.get("type").and_then(Value::as_str) {
        _ if int_or_string => Type::IntOrString,
        Some("object") => Type::Object,
        Some("array") => Type::Array,
        Some("string") => Type::String,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        _ => Type::Any,
    }
}

pub(super) fn flag(node: &Map<String, Value>, key: &str) -> bool {
    node.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub(super) fn text(node: &Map<String, Value>, key: &str) -> Option<Box<str>> {
    node.get(key).and_then(Value::as_str).map(Into::into)
}

pub(super) fn texts(node: &Map<String, Value>, key: &str) -> Vec<Box<str>> {
    let list = node.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}
