//! Strategic merge patch: a merge patch that knows which lists are keyed, and carries directives for what a plain one
//! cannot say.
//!
//! Which lists merge, and by which key, the schema says; a part that it does not describe is merged as JSON merge patch
//! does. The directives: `$patch: replace | delete`, `$retainKeys`, `$setElementOrder/<list>`,
//! `$deleteFromPrimitiveList/<list>`.

mod directive;
mod list;
mod order;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::{Additional, Schema, go_text};

use directive::{DELETE_FROM, Directive, RETAIN_KEYS, SET_ORDER, cleaned};

/// Why a patch cannot be applied. The texts are those that clients know.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum PatchError {
    #[error("invalid JSON document")]
    NotAnObject,
    #[error("unknown patch type: {kind} in map: {map}")]
    UnknownDirective { kind: String, map: String },
    #[error("merging lists cannot yet be specified in the patch")]
    MergeDirectiveInList,
    #[error("map: {map} does not contain declared merge key: {key}")]
    MissingMergeKey { map: String, key: String },
    #[error("lists of lists are not supported")]
    ListOfLists,
    #[error("list element types are not identical: [{0}]")]
    MixedList(String),
    #[error("cannot merge lists without merge key")]
    NoMergeKey,
    #[error("invalid patch format of primitive list")]
    BadDeleteList,
    #[error("invalid patch format of retainKeys")]
    BadRetainKeys,
    #[error("invalid patch format of setElementOrder list")]
    BadSetOrder,
    #[error("The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n")]
    OrderMismatch { patch: String, order: String },
}

/// The live object with the patch applied.
pub fn patch(schema: &Schema, live: &Value, patch: &Value) -> Result<Value, PatchError> {
    let (Value::Object(live), Value::Object(patch)) = (live, patch) else { return Err(PatchError::NotAnObject) };
    merge(Some(schema), live.clone(), patch.clone()).map(Value::Object)
}

/// Merges a patch into an object. `schema` is that of the object, where it is known.
fn merge(
    schema: Option<&Schema>,
    mut live: Map<String, Value>,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>, PatchError> {
    match Directive::take(&mut patch)? {
        Some(Directive::Replace) => return Ok(patch),
        Some(Directive::Delete) => return Ok(Map::new()),
        Some(Directive::Merge) => return Err(unknown("merge", &patch)),
        None => {}
    }
    retain_keys(&mut live, &mut patch)?;
    let (special, plain): (Map<_, _>, Map<_, _>) = patch.into_iter().partition(|(name, _)| name.starts_with('$'));
    let mut patch = plain;
    for (name, order) in &special {
        if let Some(name) = name.strip_prefix(SET_ORDER) {
            let order = order.as_array().ok_or(PatchError::BadSetOrder)?;
            list::merge_in_order(schema, name, order, &mut live, patch.remove(name))?;
        }
    }
    for (name, gone) in &special {
        if let Some(name) = name.strip_prefix(DELETE_FROM) {
            let gone = gone.as_array().ok_or(PatchError::BadDeleteList)?;
            if let Some(Value::Array(items)) = live.get_mut(name) {
                list::delete(items, gone);
            }
        }
    }
    for (name, value) in patch {
        merge_field(schema, &name, &mut live, value)?;
    }
    Ok(live)
}

fn merge_field(
    schema: Option<&Schema>,
    name: &str,
    live: &mut Map<String, Value>,
    value: Value,
) -> Result<(), PatchError> {
    let field = field_of(schema, name);
    let merged = match (live.remove(name), value) {
        (_, Value::Null) => None,
        (Some(Value::Object(old)), Value::Object(new)) if !is_replaced(field) => {
            Some(Value::Object(merge(field, old, new)?))
        }
        (Some(Value::Array(old)), Value::Array(new)) if merges(field) => {
            Some(Value::Array(list::merge(field, old, new)?))
        }
        (_, new) => cleaned(new)?,
    };
    if let Some(merged) = merged {
        live.insert(name.to_owned(), merged);
    }
    Ok(())
}

/// Drops from the live object what the patch does not name among the keys to retain.
fn retain_keys(live: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), PatchError> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Value::Array(keys) = keys else { return Err(PatchError::BadRetainKeys) };
    let is_kept = |name: &str| keys.iter().any(|key| key.as_str() == Some(name));
    if patch.iter().any(|(name, value)| !value.is_null() && !name.starts_with('$') && !is_kept(name)) {
        return Err(PatchError::BadRetainKeys);
    }
    live.retain(|name, _| is_kept(name));
    Ok(())
}

fn field_of<'s>(schema: Option<&'s Schema>, name: &str) -> Option<&'s Schema> {
    let schema = schema?;
    match (schema.properties.get(name), &schema.additional) {
        (Some(field), _) | (None, Additional::Of(field)) => Some(field),
        _ => None,
    }
}

/// Whether a list is merged item by item.
fn merges(field: Option<&Schema>) -> bool {
    has_strategy(field, "merge")
}

/// Whether an object is replaced whole.
fn is_replaced(field: Option<&Schema>) -> bool {
    has_strategy(field, "replace")
}

fn has_strategy(field: Option<&Schema>, strategy: &str) -> bool {
    field.is_some_and(|it| it.patch_strategy.iter().any(|own| &**own == strategy))
}

fn unknown(kind: &str, map: &Map<String, Value>) -> PatchError {
    PatchError::UnknownDirective { kind: kind.to_owned(), map: go_text::plain(&Value::Object(map.clone())) }
}
