//! OpenAPI v2: the same paths and schemas in the older spelling, which knows neither alternatives nor null.

use serde_json::{Map, Value, json};

use super::Parts;
use crate::kinds;

const V3: &str = "#/components/schemas/";
const V2: &str = "#/definitions/";
/// What schemas of version 2 cannot say.
const UNKNOWN: &[&str] = &["oneOf", "anyOf", "not", "nullable"];

/// One document of all parts.
pub(super) fn document(all: impl Iterator<Item = Parts>, version: &str) -> Value {
    let (mut paths, mut definitions, mut roots) = (Map::new(), Map::new(), Vec::new());
    for parts in all {
        paths.extend(parts.paths.into_iter().map(|(path, it)| (path, path_item(it))));
        definitions.extend(parts.own.into_iter().map(|(name, it)| (name, schema(it))));
        roots.extend(parts.roots);
    }
    for name in kinds::component_names(roots) {
        if let Some(text) = kinds::component_text(name)
            && !definitions.contains_key(name)
        {
            definitions.insert(name.to_owned(), schema(serde_json::from_str(text).unwrap_or_default()));
        }
    }
    json!({
        "swagger": "2.0", "info": { "title": "Kubernetes", "version": version },
        "paths": paths, "definitions": definitions,
    })
}

fn path_item(item: Value) -> Value {
    let Value::Object(item) = item else { return item };
    let converted = item.into_iter().map(|(name, it)| {
        let it = if name == "parameters" { parameters(it) } else { operation(it) };
        (name, it)
    });
    Value::Object(converted.collect())
}

fn operation(mut operation: Value) -> Value {
    let mut given = match parameters(operation["parameters"].take()) {
        Value::Array(given) => given,
        _ => Vec::new(),
    };
    if let Some(mut body) = operation.as_object_mut().and_then(|it| it.remove("requestBody")) {
        let content = body["content"].as_object_mut().map(std::mem::take).unwrap_or_default();
        let types: Vec<&String> = content.keys().collect();
        operation["consumes"] = json!(types);
        let shape = content.into_iter().next().map(|mut it| it.1["schema"].take()).unwrap_or_default();
        given.push(json!({ "name": "body", "in": "body", "required": true, "schema": schema(shape) }));
    }
    operation["parameters"] = Value::Array(given);
    operation["produces"] = json!(["application/json", "application/yaml"]);
    for response in operation["responses"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let shape = response["content"]["application/json"]["schema"].take();
        *response = json!({ "description": response["description"], "schema": schema(shape) });
    }
    operation
}

/// The schema of a parameter stands in the parameter itself.
fn parameters(list: Value) -> Value {
    let Value::Array(list) = list else { return Value::Array(Vec::new()) };
    let flat = list.into_iter().map(|mut it| {
        let shape = it.as_object_mut().and_then(|it| it.remove("schema"));
        if let (Some(it), Some(Value::Object(shape))) = (it.as_object_mut(), shape) {
            it.extend(shape);
        }
        it
    });
    Value::Array(flat.collect())
}

fn schema(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut converted = Map::new();
            for (name, it) in object {
                match name.as_str() {
                    "$ref" => {
                        converted.insert(name, it.as_str().unwrap_or_default().replace(V3, V2).into());
                    }
                    _ if UNKNOWN.contains(&name.as_str()) => {}
                    "properties" | "patternProperties" => {
                        converted.insert(name, properties(it));
                    }
                    "default" | "enum" | "example" => {
                        converted.insert(name, it);
                    }
                    _ => {
                        converted.insert(name, schema(it));
                    }
                }
            }
            reference_alone(converted)
        }
        Value::Array(list) => list.into_iter().map(schema).collect(),
        plain => plain,
    }
}

/// The names of properties are no words of the language.
fn properties(value: Value) -> Value {
    let Value::Object(properties) = value else { return value };
    Value::Object(properties.into_iter().map(|(name, it)| (name, schema(it))).collect())
}

/// `allOf` of one reference is how version 3 says something about a reference; version 2 says it beside.
fn reference_alone(mut object: Map<String, Value>) -> Value {
    let alone = object.get("allOf").and_then(Value::as_array).filter(|it| it.len() == 1);
    if let Some(reference) = alone.and_then(|it| it[0].get("$ref")).cloned() {
        object.retain(|name, _| name == "description");
        object.insert("$ref".to_owned(), reference);
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests;
