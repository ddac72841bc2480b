//! Merging lists, of scalars or of items with a key.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::directive::{Directive, cleaned};
use super::order::{self, key_of, text};
use super::{PatchError, merge as merge_object, merges};
use crate::{Schema, go_text};

/// Merges a list that merges into the live one. The order is that of the patch, with items that only the live list has
/// between them where they were.
pub(super) fn merge(field: Option<&Schema>, live: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, PatchError> {
    if !of_objects(&live, &patch)? {
        let mut merged = live.clone();
        merged.extend(patch.iter().cloned());
        return order::arranged(unique(merged), &patch, &live, None);
    }
    let key = merge_key(field)?;
    let Sorted { mut kept, plain, replaced } = follow_directives(live.clone(), patch, key)?;
    if replaced {
        return Ok(plain);
    }
    let mut places = BTreeMap::new();
    for (index, item) in kept.iter().enumerate() {
        places.entry(text(key_of(item, key)?)).or_insert(index);
    }
    for item in &plain {
        let own = text(key_of(item, key)?);
        match (places.get(&own), item) {
            (Some(index), Value::Object(new)) => {
                let old = kept[*index].as_object().cloned().unwrap_or_default();
                let items = field.and_then(|it| it.items.as_deref());
                kept[*index] = Value::Object(merge_object(items, old, new.clone())?);
            }
            _ => {
                places.insert(own, kept.len());
                kept.extend(cleaned(item.clone())?);
            }
        }
    }
    order::arranged(kept, &plain, &live, Some(key))
}

/// Merges a list whose order the patch gives; the patch may say nothing else about it.
pub(super) fn merge_in_order(
    schema: Option<&Schema>,
    name: &str,
    order: &[Value],
    live: &mut Map<String, Value>,
    patch: Option<Value>,
) -> Result<(), PatchError> {
    let field = super::field_of(schema, name);
    let key = field.and_then(|it| it.patch_merge_key.as_deref());
    let patch = match patch {
        None => None,
        Some(Value::Array(patch)) => Some(patch),
        Some(Value::Null) => {
            live.remove(name);
            return Ok(());
        }
        Some(_) => return Err(PatchError::BadSetOrder),
    };
    if let Some(patch) = &patch {
        order::check(patch, order, key)?;
    }
    let old = match live.get(name) {
        Some(Value::Array(items)) => Some(items.clone()),
        _ => None,
    };
    let merged = match (&old, patch) {
        (Some(old), Some(patch)) if merges(field) => merge(field, old.clone(), patch)?,
        (_, Some(patch)) => match cleaned(Value::Array(patch))? {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        (Some(old), None) => old.clone(),
        (None, None) => return Ok(()),
    };
    let arranged = order::arranged(merged, order, &old.unwrap_or_default(), key)?;
    live.insert(name.to_owned(), Value::Array(arranged));
    Ok(())
}

struct Sorted {
    /// The live items that no directive deletes.
    kept: Vec<Value>,
    /// The items of the patch without directive.
    plain: Vec<Value>,
    /// Whether the patch takes the place of the live list.
    replaced: bool,
}

fn follow_directives(live: Vec<Value>, patch: Vec<Value>, key: &str) -> Result<Sorted, PatchError> {
    let mut sorted = Sorted { kept: live, plain: Vec::new(), replaced: false };
    let mut gone = BTreeSet::new();
    for item in patch {
        let Value::Object(mut fields) = item else { continue };
        match Directive::take(&mut fields)? {
            None => sorted.plain.push(Value::Object(fields)),
            Some(Directive::Replace) => sorted.replaced = true,
            Some(Directive::Merge) => return Err(PatchError::MergeDirectiveInList),
            Some(Directive::Delete) => {
                gone.insert(text(key_of(&Value::Object(fields), key)?));
            }
        }
    }
    if !gone.is_empty() {
        let mut kept = Vec::with_capacity(sorted.kept.len());
        for item in sorted.kept {
            if !gone.contains(&text(key_of(&item, key)?)) {
                kept.push(item);
            }
        }
        sorted.kept = kept;
    }
    Ok(sorted)
}

fn merge_key(field: Option<&Schema>) -> Result<&str, PatchError> {
    field.and_then(|it| it.patch_merge_key.as_deref()).ok_or(PatchError::NoMergeKey)
}

/// Whether the items of both lists are objects. All must be of one type.
fn of_objects(live: &[Value], patch: &[Value]) -> Result<bool, PatchError> {
    let mut all = live.iter().chain(patch);
    let Some(first) = all.next() else { return Ok(false) };
    if first.is_array() || live.iter().chain(patch).any(Value::is_array) {
        return Err(PatchError::ListOfLists);
    }
    match all.find(|item| std::mem::discriminant(*item) != std::mem::discriminant(first)) {
        None => Ok(first.is_object()),
        Some(other) => {
            Err(PatchError::MixedList(format!("{} {}", go_text::type_name(first), go_text::type_name(other))))
        }
    }
}

fn unique(items: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(text(item))).collect()
}

/// Takes scalars out of a list.
pub(super) fn delete(items: &mut Vec<Value>, gone: &[Value]) {
    let gone: BTreeSet<_> = gone.iter().map(text).collect();
    items.retain(|item| !gone.contains(&text(item)));
}
