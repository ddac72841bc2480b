//! Whether a value is what its schema asks for, in the words that clients of custom resources match.

mod formats;
mod logic;
mod scalar;
mod uniqueness;

use serde_json::{Value, json};

use crate::cause::Cause;
use crate::go_text;
use crate::model::{Rules, Schema, Type};
use crate::path::Path;
use crate::prune::{Known, known};

/// How many causes are reported for one object.
const MAX_CAUSES: usize = 100;

/// Everything that is wrong with a value. `path` is where it stands in the object; empty for the object itself.
pub fn validate(schema: &Schema, value: &Value, path: &str) -> Vec<Cause> {
    let at = Path::Root(path);
    let mut causes = Vec::new();
    walk(schema, value, &at, &mut causes);
    if causes.is_empty() {
        uniqueness::check(schema, value, &at, &mut causes);
    }
    causes.truncate(MAX_CAUSES);
    causes
}

fn walk(schema: &Schema, value: &Value, path: &Path<'_>, causes: &mut Vec<Cause>) {
    if causes.len() > MAX_CAUSES || (value.is_null() && (schema.nullable || is_free(schema))) {
        return;
    }
    if !has_type(schema, value) {
        causes.push(wrong_type(schema, value, path));
        return;
    }
    check_enumeration(schema, value, path, causes);
    match value {
        Value::String(text) => {
            formats::check_text(schema, text, path, causes);
            scalar::check_text(schema.rules.as_deref(), text, path, causes);
        }
        Value::Number(number) => {
            formats::check_number(schema, number, path, causes);
            scalar::check_number(schema.rules.as_deref(), number, path, causes);
        }
        Value::Array(list) => check_list(schema, value, list, path, causes),
        Value::Object(object) => {
            check_object(schema, object, path, causes);
            check_count(schema.rules.as_deref(), value, object.len() as u64, path, causes);
        }
        Value::Null | Value::Bool(_) => {}
    }
    if let Some(rules) = &schema.rules {
        logic::check(rules, value, path, causes);
    }
}

/// A schema that says nothing about the type allows null as it allows everything.
fn is_free(schema: &Schema) -> bool {
    schema.r#type == Type::Any
}

fn has_type(schema: &Schema, value: &Value) -> bool {
    match schema.r#type {
        Type::Any => true,
        Type::Object => value.is_object(),
        Type::Array => value.is_array(),
        Type::String => value.is_string(),
        Type::Integer => is_integer(value),
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::IntOrString => is_integer(value) || value.is_string(),
    }
}

/// `3.0` is an integer.
fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|it| it.fract() == 0.0)
}

fn wrong_type(schema: &Schema, value: &Value, path: &Path<'_>) -> Cause {
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if is_integer(value) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let wanted = match schema.r#type {
        Type::Object => "object",
        Type::Array => "array",
        Type::String => "string",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::Boolean => "boolean",
        Type::IntOrString | Type::Any => "integer,string",
    };
    type_cause(path, given, wanted)
}

/// What the API says of a type or a format: the value shown is the given one twice.
fn type_cause(path: &Path<'_>, given: &str, wanted: &str) -> Cause {
    let field = path.to_string();
    let detail = format!("{field} in body must be of type {wanted}: {}", go_text::quoted(given));
    Cause::wrong_type(named(field), &json!(given), &detail)
}

/// A broken rule: `path in body should …`.
fn rule_cause(path: &Path<'_>, value: &Value, rule: &str) -> Cause {
    let field = path.to_string();
    let detail = format!("{field} in body {rule}");
    Cause::invalid(named(field), value, &detail)
}

/// What is wrong with the object as a whole has no field.
fn named(field: String) -> String {
    if field.is_empty() { "<nil>".to_owned() } else { field }
}

fn check_enumeration(schema: &Schema, value: &Value, path: &Path<'_>, causes: &mut Vec<Cause>) {
    if schema.enumeration.is_empty() || schema.enumeration.contains(value) {
        return;
    }
    let allowed = schema.enumeration.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), ToOwned::to_owned));
    let allowed: Vec<String> = allowed.collect();
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    causes.push(Cause::not_supported(named(path.to_string()), value, &allowed));
}

fn check_list(schema: &Schema, value: &Value, list: &[Value], path: &Path<'_>, causes: &mut Vec<Cause>) {
    if let Some(items) = &schema.items {
        for (index, item) in list.iter().enumerate() {
            walk(items, item, &Path::Index(path, index), causes);
        }
    }
    let Some(rules) = &schema.rules else { return };
    let count = list.len() as u64;
    if let Some(limit) = rules.min_items.filter(|it| count < *it) {
        causes.push(rule_cause(path, value, &format!("should have at least {limit} items")));
    }
    if let Some(limit) = rules.max_items.filter(|it| count > *it) {
        causes.push(Cause::too_many(named(path.to_string()), count, limit));
    }
    if rules.unique_items && uniqueness::first_repeated(list).is_some() {
        causes.push(rule_cause(path, value, "shouldn't contain duplicates"));
    }
}

fn check_object(schema: &Schema, object: &serde_json::Map<String, Value>, path: &Path<'_>, causes: &mut Vec<Cause>) {
    for name in &schema.required {
        if !object.contains_key(&**name) {
            causes.push(Cause::required(Path::Field(path, name).to_string(), ""));
        }
    }
    for (name, value) in object {
        if let Known::As(schema) = known(schema, name) {
            walk(schema, value, &Path::Field(path, name), causes);
        }
    }
    if schema.embedded_resource {
        check_embedded(object, path, causes);
    }
}

fn check_count(rules: Option<&Rules>, value: &Value, count: u64, path: &Path<'_>, causes: &mut Vec<Cause>) {
    let Some(rules) = rules else { return };
    if let Some(limit) = rules.min_properties.filter(|it| count < *it) {
        causes.push(rule_cause(path, value, &format!("should have at least {limit} properties")));
    }
    if let Some(limit) = rules.max_properties.filter(|it| count > *it) {
        causes.push(Cause::too_many(named(path.to_string()), count, limit));
    }
}

/// An object inside an object says what it is.
fn check_embedded(object: &serde_json::Map<String, Value>, path: &Path<'_>, causes: &mut Vec<Cause>) {
    for name in ["apiVersion", "kind"] {
        if object.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
            causes.push(Cause::required(Path::Field(path, name).to_string(), "must not be empty"));
        }
    }
}

#[cfg(test)]
mod tests;
