//! Schemas for the tests of this file, made from a captured OpenAPI document.

use std::collections::BTreeMap;

use fairway_schema::{Additional, Link, ListType, MapType, Schema, Type};
use serde_json::Value;

/// The schemas of a captured document, by kind.
pub(crate) struct Document {
    kinds: BTreeMap<(String, String), String>,
    schemas: BTreeMap<String, Link>,
}

impl Document {
    pub(crate) fn captured() -> Self {
        let document: Value = serde_json::from_str(include_str!("../data/openapi-subset.json")).unwrap();
        let raw = document["schemas"].as_object().unwrap();
        let schemas: BTreeMap<_, _> = raw.keys().map(|name| (name.clone(), Link::empty())).collect();
        let mut kinds = BTreeMap::new();
        for (name, value) in raw {
            schemas[name].fill(compiled(value, &schemas));
            for kind in value["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let (group, version) = (kind["group"].as_str().unwrap(), kind["version"].as_str().unwrap());
                let api_version = format!("{group}/{version}").trim_start_matches('/').to_owned();
                kinds.insert((api_version, kind["kind"].as_str().unwrap().to_owned()), name.clone());
            }
        }
        Self { kinds, schemas }
    }

    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> &Schema {
        &self.schemas[&self.kinds[&(api_version.to_owned(), kind.to_owned())]]
    }
}

/// A schema from its OpenAPI form.
pub(crate) fn compiled(raw: &Value, named: &BTreeMap<String, Link>) -> Schema {
    let reference = raw["$ref"].as_str().or_else(|| raw["allOf"][0]["$ref"].as_str());
    let base = reference.map(|it| (*named[it.rsplit('/').next().unwrap()]).clone());
    let texts = |name: &str| -> Vec<Box<str>> {
        raw[name].as_array().into_iter().flatten().map(|it| it.as_str().unwrap().into()).collect()
    };
    let mut schema = base.unwrap_or_else(|| Schema {
        r#type: match raw["type"].as_str() {
            Some("object") => Type::Object,
            Some("array") => Type::Array,
            Some("string") => Type::String,
            Some("integer") => Type::Integer,
            Some("number") => Type::Number,
            Some("boolean") => Type::Boolean,
            _ if raw.get("oneOf").is_some() => Type::IntOrString,
            _ => Type::Any,
        },
        required: texts("required"),
        additional: match &raw["additionalProperties"] {
            Value::Object(_) => Additional::Of(Link::new(compiled(&raw["additionalProperties"], named))),
            _ => Additional::Denied,
        },
        items: raw.get("items").map(|it| Link::new(compiled(it, named))),
        list_map_keys: texts("x-kubernetes-list-map-keys"),
        preserve_unknown: raw["x-kubernetes-preserve-unknown-fields"] == true,
        ..Schema::default()
    });
    for (name, field) in raw["properties"].as_object().into_iter().flatten() {
        schema.properties.insert(name.as_str().into(), link(field, named));
    }
    match raw["x-kubernetes-list-type"].as_str() {
        Some("map") => schema.list_type = ListType::Map,
        Some("set") => schema.list_type = ListType::Set,
        _ => {}
    }
    if raw["x-kubernetes-map-type"] == "atomic" {
        schema.map_type = MapType::Atomic;
    }
    if let Some(default) = raw.get("default") {
        schema.default = Some(default.clone());
    }
    schema
}

/// A field that only refers to a schema is that schema, made when it is looked at: some contain themselves.
fn link(raw: &Value, named: &BTreeMap<String, Link>) -> Link {
    let (raw, named) = (raw.clone(), named.clone());
    Link::lazy(move || compiled(&raw, &named))
}
