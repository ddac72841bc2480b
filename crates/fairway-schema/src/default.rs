//! Defaults: the value of a field that was not given.

use serde_json::Value;

use crate::decode::{DecodeBody, MAX_DEPTH, MAX_VALUES, count_within};
use crate::model::{Additional, Schema};

/// Sets every default below `value` and drops the nulls of fields that cannot be null, as Kubernetes does on every
/// write and, for custom resources, on every read. Stops where [`default_within`] says there is too much.
pub fn default(schema: &Schema, value: &mut Value) {
    fill(schema, value, &mut { MAX_VALUES });
}

/// The same for objects that nobody has judged yet: a list of empty items can grow a thousandfold by its defaults.
pub fn default_within(schema: &Schema, value: &mut Value) -> Result<(), DecodeBody> {
    let mut left = MAX_VALUES;
    fill(schema, value, &mut left);
    if left == 0 {
        return Err(DecodeBody::KeepBudget { what: "values set by default", limit: MAX_VALUES });
    }
    Ok(())
}

/// What one default costs: its values, and the room its object makes for it.
fn charge(given: &Value, left: &mut usize) -> bool {
    let cost = count_within(given, MAX_DEPTH).map_or(MAX_VALUES, |it| it.saturating_mul(6));
    *left = left.saturating_sub(cost);
    *left > 0
}

fn fill(schema: &Schema, value: &mut Value, left: &mut usize) {
    match value {
        Value::Object(object) => {
            object.retain(|name, value| !value.is_null() || stays_null(schema, name));
            for (name, property) in &schema.properties {
                if let Some(given) = &property.default
                    && object.get(&**name).is_none_or(|it| it.is_null() && !property.nullable)
                    && charge(given, left)
                {
                    object.insert(name.to_string(), given.clone());
                }
            }
            for (name, value) in object.iter_mut() {
                match (schema.properties.get(name.as_str()), &schema.additional) {
                    (Some(property), _) => fill(property, value, left),
                    (None, Additional::Of(each)) => {
                        replace_null(each, value, left);
                        fill(each, value, left);
                    }
                    (None, _) => {}
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = &schema.items else { return };
            for value in list {
                replace_null(items, value, left);
                fill(items, value, left);
            }
        }
        _ => {}
    }
}

/// A null survives where it is a value, where a default will replace it, and where nothing is known.
fn stays_null(schema: &Schema, name: &str) -> bool {
    match (schema.properties.get(name), &schema.additional) {
        (Some(property), _) => property.nullable || property.default.is_some(),
        (None, Additional::Of(each)) => each.nullable || each.default.is_some(),
        (None, _) => true,
    }
}

fn replace_null(schema: &Schema, value: &mut Value, left: &mut usize) {
    if value.is_null()
        && !schema.nullable
        && let Some(given) = &schema.default
        && charge(given, left)
    {
        *value = given.clone();
    }
}

#[cfg(test)]
mod tests;
