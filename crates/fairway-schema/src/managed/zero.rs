//! The fresh object of a built-in kind.

use serde_json::{Map, Value};

use crate::{Schema, Type};

/// The object that a create of a built-in kind starts from. Fields that always stand in such an object, set or not,
/// are marked in the schema by a default that is their zero value, or by being required. They have no owner until
/// someone gives them another value; that is why a create owns `spec.replicas` but not `spec`.
/// A null in the new object is such a field too: times that were never set are marked in no other way.
pub(super) fn fresh_for(schema: &Schema, new: &Value) -> Value {
    let mut object = fresh(schema);
    add_nulls(&mut object, new);
    object
}

fn add_nulls(object: &mut Value, new: &Value) {
    let (Value::Object(fields), Value::Object(new)) = (object, new) else { return };
    for (name, value) in new {
        match fields.get_mut(name) {
            Some(field) => add_nulls(field, value),
            None if value.is_null() => {
                fields.insert(name.clone(), Value::Null);
            }
            None => {}
        }
    }
}

fn fresh(schema: &Schema) -> Value {
    let mut fields = Map::new();
    for (name, field) in &schema.properties {
        let is_required = schema.required.contains(name);
        if let Some(value) = fresh_field(field, is_required) {
            fields.insert(name.to_string(), value);
        }
    }
    Value::Object(fields)
}

fn fresh_field(field: &Schema, is_required: bool) -> Option<Value> {
    match (&field.default, field.r#type) {
        (Some(Value::Object(default)), Type::Object) if default.is_empty() => Some(fresh(field)),
        // A time, which is an object in Go and a string in JSON, and null where it was never set.
        (Some(Value::Object(default)), _) if default.is_empty() => Some(Value::Null),
        (Some(default), _) => is_zero(default).then(|| default.clone()),
        (None, _) => is_required.then_some(Value::Null),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}
