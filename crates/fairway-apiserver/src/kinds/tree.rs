//! Short ways through JSON trees. Missing things read as `null`; writing into something that is not an object does
//! nothing, because what has the wrong type was refused before.

use serde_json::{Map, Value};

/// The items of a list; none if it is not one.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The items of a list, to change.
pub(super) fn items_mut(value: Option<&mut Value>) -> &mut [Value] {
    value.and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

/// The text of a string; empty if it is not one.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The entries of an object; none if it is not one.
pub(super) fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The object under `key`, made if it is missing (or is something else, which was refused before).
pub(super) fn child<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let slot = &mut value[key];
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot
}

/// Sets `key` where it is missing.
pub(super) fn fill(value: &mut Value, key: &str, default: impl Into<Value>) {
    if let Some(map) = value.as_object_mut()
        && !map.contains_key(key)
    {
        map.insert(key.to_owned(), default.into());
    }
}

/// Removes `key`.
pub(super) fn remove(value: &mut Value, key: &str) -> Option<Value> {
    value.as_object_mut()?.remove(key)
}

/// Whether a string is missing or empty.
pub(super) fn blank(value: &Value) -> bool {
    text(value).is_empty()
}
