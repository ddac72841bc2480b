//! The schemas of the built-in kinds, compiled one by one when first needed: a server that never sees an Ingress
//! never pays for its schema.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use fairway_schema::{Additional, Link, ListType, MapType, Schema, Type};
use serde_json::Value;

/// `name<TAB>schema` per line, sorted by name.
static TABLE: &str = include_str!("../../data/builtin-schemas.tsv");

static TEXTS: LazyLock<BTreeMap<&'static str, &'static str>> =
    LazyLock::new(|| TABLE.lines().filter_map(|it| it.split_once('\t')).collect());

static LINKS: LazyLock<BTreeMap<&'static str, Link>> =
    LazyLock::new(|| TEXTS.iter().map(|(name, text)| (*name, Link::lazy(move || named(name, text)))).collect());

/// The compiled schema of that name: `io.k8s.api.core.v1.Pod`.
pub fn component(name: &str) -> Option<Link> {
    LINKS.get(name).cloned()
}

/// The schema of that name as OpenAPI v3 text, for documents about it.
pub fn component_text(name: &str) -> Option<&'static str> {
    TEXTS.get(name).copied()
}

/// The names of these schemas and of everything they refer to, sorted: what an OpenAPI document about them holds.
pub fn component_names<'a>(roots: impl IntoIterator<Item = &'a str>) -> Vec<&'static str> {
    let known = |name: &str| TEXTS.get_key_value(name).map(|(name, text)| (*name, *text));
    let mut open: Vec<(&'static str, &'static str)> = roots.into_iter().filter_map(known).collect();
    let mut found = BTreeSet::new();
    while let Some((name, text)) = open.pop() {
        if found.insert(name) {
            open.extend(references(text).filter_map(known));
        }
    }
    found.into_iter().collect()
}

const REFERENCE: &str = "#/components/schemas/";

fn references(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(REFERENCE).skip(1).filter_map(|it| it.split('"').next())
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("`xtask gen` writes valid JSON, and a test parses every line")
}

fn named(name: &str, text: &str) -> Schema {
    Schema { name: Some(name.into()), ..compile(&parse(text)) }
}

/// Compiles one captured node. The captured documents use only a part of OpenAPI: no rules, no unions, and `allOf`
/// only to put a default or a merge hint beside a reference.
fn compile(node: &Value) -> Schema {
    let mut schema = match reference(node) {
        Some(target) => (*target).clone(),
        None => structure(node),
    };
    annotate(&mut schema, node);
    schema
}

/// A way to a node below: straight to a component where nothing is said beside the reference.
fn link(node: &Value) -> Link {
    if let Some(target) = reference(node)
        && node.as_object().is_some_and(|it| it.len() == 1)
    {
        return target;
    }
    let node = Arc::new(node.clone());
    if node.get("allOf").is_some() {
        return Link::lazy(move || compile(&node));
    }
    Link::new(compile(&node))
}

fn reference(node: &Value) -> Option<Link> {
    let name = node["$ref"].as_str().or_else(|| node["allOf"][0]["$ref"].as_str())?;
    component(name.strip_prefix(REFERENCE)?)
}

fn structure(node: &Value) -> Schema {
    let mut schema = Schema::default();
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        schema.properties.insert(name.as_str().into(), link(property));
    }
    schema.required = texts(&node["required"]);
    schema.items = node.get("items").map(link);
    schema.enumeration = node["enum"].as_array().cloned().unwrap_or_default();
    schema.format = node["format"].as_str().map(Into::into);
    schema.r#type = match node["type"].as_str() {
        Some("object") => Type::Object,
        Some("array") => Type::Array,
        Some("string") => Type::String,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        _ => Type::Any,
    };
    match (&node["additionalProperties"], schema.r#type) {
        (Value::Object(_), _) => schema.additional = Additional::Of(link(&node["additionalProperties"])),
        // RawExtension, FieldsV1, JSON: whatever the writer says.
        (_, Type::Object) if node.get("properties").is_none() => preserve(&mut schema),
        (_, Type::Any) if node.get("oneOf").is_none() => preserve(&mut schema),
        _ => {}
    }
    if let Some(choices) = node["oneOf"].as_array() {
        one_of(&mut schema, choices);
    }
    schema
}

fn preserve(schema: &mut Schema) {
    schema.preserve_unknown = true;
    schema.additional = Additional::Anything;
}

/// There are two: IntOrString, which says its format, and Quantity, which does not.
fn one_of(schema: &mut Schema, choices: &[Value]) {
    if schema.format.as_deref() == Some("int-or-string") {
        schema.r#type = Type::IntOrString;
    } else if choices.iter().any(|it| it["type"] == "number") {
        schema.format = Some("quantity".into());
    }
}

/// What may stand beside a reference too.
fn annotate(schema: &mut Schema, node: &Value) {
    if let Some(default) = node.get("default") {
        schema.default = Some(default.clone());
    }
    match node["x-kubernetes-list-type"].as_str() {
        Some("set") => schema.list_type = ListType::Set,
        Some("map") => schema.list_type = ListType::Map,
        _ => {}
    }
    if node["x-kubernetes-map-type"] == "atomic" {
        schema.map_type = MapType::Atomic;
    }
    if node.get("x-kubernetes-list-map-keys").is_some() {
        schema.list_map_keys = texts(&node["x-kubernetes-list-map-keys"]);
    }
    if let Some(strategy) = node["x-kubernetes-patch-strategy"].as_str() {
        schema.patch_strategy = strategy.split(',').map(Into::into).collect();
    }
    if let Some(key) = node["x-kubernetes-patch-merge-key"].as_str() {
        schema.patch_merge_key = Some(key.into());
    }
}

fn texts(value: &Value) -> Vec<Box<str>> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}
