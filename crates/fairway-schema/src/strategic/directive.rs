//! The directives that a patch may carry between its fields.

use serde_json::{Map, Value};

use super::{PatchError, unknown};
use crate::go_text;

const PATCH: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
pub(super) const SET_ORDER: &str = "$setElementOrder/";
pub(super) const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// What `$patch` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Replace,
    Delete,
    Merge,
}

impl Directive {
    /// Takes the directive out of a patch, if it has one.
    pub(super) fn take(patch: &mut Map<String, Value>) -> Result<Option<Self>, PatchError> {
        let directive = match patch.get(PATCH) {
            None => return Ok(None),
            Some(Value::String(text)) if text == "replace" => Self::Replace,
            Some(Value::String(text)) if text == "delete" => Self::Delete,
            Some(Value::String(text)) if text == "merge" => Self::Merge,
            Some(other) => return Err(unknown(&go_text::plain(other), patch)),
        };
        patch.remove(PATCH);
        Ok(Some(directive))
    }
}

/// A value that the live object does not have yet, without directives and nulls: they are about something that is not
/// there. None if the value was only about deleting.
pub(super) fn cleaned(value: Value) -> Result<Option<Value>, PatchError> {
    Ok(Some(match value {
        Value::Object(mut fields) => {
            if Directive::take(&mut fields)? == Some(Directive::Delete) {
                return Ok(None);
            }
            let mut kept = Map::new();
            for (name, value) in fields {
                let is_directive = name == RETAIN_KEYS || name.starts_with(SET_ORDER) || name.starts_with(DELETE_FROM);
                if !is_directive && !value.is_null() {
                    kept.extend(cleaned(value)?.map(|value| (name, value)));
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                kept.extend(cleaned_item(item)?);
            }
            Value::Array(kept)
        }
        other => other,
    }))
}

/// `[{"$patch": "replace"}, …]` marks the list, not an item of it.
fn cleaned_item(item: Value) -> Result<Option<Value>, PatchError> {
    let marks = |fields: &Map<String, Value>| fields.len() == 1 && fields.contains_key(PATCH);
    match &item {
        Value::Object(fields) if marks(fields) => Directive::take(&mut fields.clone()).map(|_| None),
        _ => cleaned(item),
    }
}
