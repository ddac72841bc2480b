//! JSON merge patch, RFC 7386.

use serde_json::{Map, Value};

use crate::decode::{DecodeBody, check_depth};

/// Applies `patch` to `target`: objects are merged, null removes, everything else replaces.
pub fn merge_patch(target: &Value, patch: &Value) -> Result<Value, DecodeBody> {
    let mut result = target.clone();
    merge(&mut result, patch);
    check_depth(&result)?;
    Ok(result)
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name.as_str()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests;
