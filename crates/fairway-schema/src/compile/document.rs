//! A schema as an OpenAPI v3 document again, for `/openapi/v3` and `kubectl explain`.

use serde_json::{Map, Value, json};

use crate::model::{Additional, Link, ListType, MapType, Rules, Schema, Type};

/// The document of a schema. A named schema below it (a type of its own, such as ObjectMeta) is referred to as
/// `#/components/schemas/<name>`; the schema itself is written out.
pub fn to_openapi(schema: &Schema) -> Value {
    let mut node = Map::new();
    write_type(schema, &mut node);
    let mut set = |key: &str, value: Value| node.insert(key.to_owned(), value);
    if schema.nullable {
        set("nullable", json!(true));
    }
    if !schema.properties.is_empty() {
        let properties = schema.properties.iter().map(|(name, link)| (name.to_string(), child(link)));
        set("properties", Value::Object(properties.collect()));
    }
    if !schema.required.is_empty() {
        set("required", json!(schema.required));
    }
    match &schema.additional {
        Additional::Denied => {}
        Additional::Anything => drop(set("additionalProperties", json!(true))),
        Additional::Of(each) => drop(set("additionalProperties", child(each))),
    }
    if let Some(items) = &schema.items {
        set("items", child(items));
    }
    if !schema.enumeration.is_empty() {
        set("enum", json!(schema.enumeration));
    }
    if !schema.validations.is_empty() {
        set("x-kubernetes-validations", json!(schema.validations));
    }
    if schema.preserve_unknown && schema.name.is_none() {
        set("x-kubernetes-preserve-unknown-fields", json!(true));
    }
    if schema.embedded_resource {
        set("x-kubernetes-embedded-resource", json!(true));
    }
    if let Some(rules) = &schema.rules {
        write_rules(rules, &mut node);
    }
    write_annotations(schema, &mut node);
    Value::Object(node)
}

fn child(link: &Link) -> Value {
    let Some(name) = &link.name else { return to_openapi(link) };
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut node = Map::new();
    write_annotations(link, &mut node);
    node.insert("allOf".into(), json!([reference]));
    Value::Object(node)
}

fn write_type(schema: &Schema, node: &mut Map<String, Value>) {
    let name = match schema.r#type {
        Type::Any => "",
        Type::Object => "object",
        Type::Array => "array",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::IntOrString => {
            node.insert("x-kubernetes-int-or-string".into(), json!(true));
            ""
        }
    };
    if !name.is_empty() {
        node.insert("type".into(), json!(name));
    }
    match schema.format.as_deref() {
        Some("quantity") | None => {}
        Some(format) => drop(node.insert("format".into(), json!(format))),
    }
}

fn write_rules(rules: &Rules, node: &mut Map<String, Value>) {
    let mut set = |key: &str, value: Value| node.insert(key.to_owned(), value);
    for (key, value) in [("minimum", rules.minimum), ("maximum", rules.maximum), ("multipleOf", rules.multiple_of)] {
        value.map(|it| set(key, number(it)));
    }
    for (key, value) in [
        ("minLength", rules.min_length),
        ("maxLength", rules.max_length),
        ("minItems", rules.min_items),
        ("maxItems", rules.max_items),
        ("minProperties", rules.min_properties),
        ("maxProperties", rules.max_properties),
    ] {
        value.map(|it| set(key, json!(it)));
    }
    for (key, value) in [
        ("exclusiveMinimum", rules.exclusive_minimum),
        ("exclusiveMaximum", rules.exclusive_maximum),
        ("uniqueItems", rules.unique_items),
    ] {
        value.then(|| set(key, json!(true)));
    }
    for (key, links) in [("allOf", &rules.all_of), ("anyOf", &rules.any_of), ("oneOf", &rules.one_of)] {
        (!links.is_empty()).then(|| set(key, links.iter().map(child).collect()));
    }
    rules.pattern.as_ref().map(|it| set("pattern", json!(it.as_str())));
    rules.not.as_ref().map(|it| set("not", child(it)));
}

/// Whole numbers are written as such.
#[expect(clippy::cast_possible_truncation, reason = "only numbers that are whole and small are cast")]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

/// What may stand beside a reference.
fn write_annotations(schema: &Schema, node: &mut Map<String, Value>) {
    let mut set = |key: &str, value: Value| node.insert(key.to_owned(), value);
    schema.description.as_ref().map(|it| set("description", json!(it)));
    schema.default.as_ref().map(|it| set("default", it.clone()));
    match schema.list_type {
        ListType::Atomic => None,
        ListType::Set => set("x-kubernetes-list-type", json!("set")),
        ListType::Map => set("x-kubernetes-list-type", json!("map")),
    };
    if !schema.list_map_keys.is_empty() {
        set("x-kubernetes-list-map-keys", json!(schema.list_map_keys));
    }
    if schema.map_type == MapType::Atomic {
        set("x-kubernetes-map-type", json!("atomic"));
    }
    if !schema.patch_strategy.is_empty() {
        set("x-kubernetes-patch-strategy", json!(schema.patch_strategy.join(",")));
    }
    schema.patch_merge_key.as_ref().map(|it| set("x-kubernetes-patch-merge-key", json!(it)));
}
