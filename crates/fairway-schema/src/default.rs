//! Defaults: the value of a field that was not given.

use serde_json::Value;

use crate::model::{Additional, Schema};

/// Sets every default below `value` and drops the nulls of fields that cannot be null, as Kubernetes does on every
/// write and, for custom resources, on every read.
pub fn default(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, value| !value.is_null() || stays_null(schema, name));
            for (name, property) in &schema.properties {
                if let Some(given) = &property.default
                    && object.get(&**name).is_none_or(|it| it.is_null() && !property.nullable)
                {
                    object.insert(name.to_string(), given.clone());
                }
            }
            for (name, value) in object.iter_mut() {
                match (schema.properties.get(name.as_str()), &schema.additional) {
                    (Some(property), _) => default(property, value),
                    (None, Additional::Of(each)) => {
                        replace_null(each, value);
                        default(each, value);
                    }
                    (None, _) => {}
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = &schema.items else { return };
            for value in list {
                replace_null(items, value);
                default(items, value);
            }
        }
        _ => {}
    }
}

/// A null survives where it is a value, where a default will replace it, and where nothing is known.
fn stays_null(schema: &Schema, name: &str) -> bool {
    match (schema.properties.get(name), &schema.additional) {
        (Some(property), _) => property.nullable || property.default.is_some() || is_free(property),
        (None, Additional::Of(each)) => each.nullable || each.default.is_some() || is_free(each),
        (None, _) => true,
    }
}

/// A field that may hold any JSON may hold null.
fn is_free(schema: &Schema) -> bool {
    schema.r#type == crate::Type::Any && schema.preserve_unknown
}

fn replace_null(schema: &Schema, value: &mut Value) {
    if value.is_null()
        && !schema.nullable
        && let Some(given) = &schema.default
    {
        *value = given.clone();
    }
}

#[cfg(test)]
mod tests;
