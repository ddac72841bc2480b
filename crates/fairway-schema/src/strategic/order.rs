//! The order in which a merged list comes out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::PatchError;
use crate::go_text;

/// Arranges a merged list: items that `wanted` names come in its order; the others keep their order, each before the
/// first named item that stood behind it in the live list.
pub(super) fn arranged(
    merged: Vec<Value>,
    wanted: &[Value],
    live: &[Value],
    key: Option<&str>,
) -> Result<Vec<Value>, PatchError> {
    let (wanted, live) = (ranks(wanted, key)?, ranks(live, key)?);
    let mut named = Vec::new();
    let mut others = Vec::new();
    for item in merged {
        let own = text(identity(&item, key)?);
        let in_live = live.get(&own).copied();
        match wanted.get(&own) {
            Some(rank) => named.push((*rank, in_live, item)),
            None => others.push((in_live.unwrap_or(usize::MAX), in_live, item)),
        }
    }
    named.sort_by_key(|(rank, ..)| *rank);
    others.sort_by_key(|(rank, ..)| *rank);
    let mut others = others.into_iter().peekable();
    let mut arranged = Vec::new();
    for (_, in_live, item) in named {
        while let Some((_, Some(other), _)) = others.peek()
            && in_live.is_some_and(|mine| *other < mine)
        {
            arranged.extend(others.next().map(|(.., item)| item));
        }
        arranged.push(item);
    }
    arranged.extend(others.map(|(.., item)| item));
    Ok(arranged)
}

/// Whether the items of a patch stand in the order that it gives itself.
pub(super) fn check(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    let mut rest = order.iter();
    for item in patch.iter().filter(|item| item.get("$patch").is_none()) {
        let wanted = identity(item, key)?;
        let mut is_found = false;
        for candidate in rest.by_ref() {
            if identity(candidate, key)? == wanted {
                is_found = true;
                break;
            }
        }
        if !is_found {
            let shown = |list: &[Value]| go_text::plain(&Value::Array(list.to_vec()));
            return Err(PatchError::OrderMismatch { patch: shown(patch), order: shown(order) });
        }
    }
    Ok(())
}

/// The value of an item's merge key.
pub(super) fn key_of<'v>(item: &'v Value, key: &str) -> Result<&'v Value, PatchError> {
    item.get(key).ok_or_else(|| PatchError::MissingMergeKey { map: go_text::plain(item), key: key.to_owned() })
}

fn identity<'v>(item: &'v Value, key: Option<&str>) -> Result<&'v Value, PatchError> {
    match key {
        Some(key) if item.is_object() => key_of(item, key),
        _ => Ok(item),
    }
}

/// Where each item stands first. A hostile patch is long, so nothing here looks through a list for each item.
fn ranks(list: &[Value], key: Option<&str>) -> Result<BTreeMap<String, usize>, PatchError> {
    let mut ranks = BTreeMap::new();
    for (index, item) in list.iter().enumerate() {
        ranks.entry(text(identity(item, key)?)).or_insert(index);
    }
    Ok(ranks)
}

/// A form of a value that can be looked up.
pub(super) fn text(value: &Value) -> String {
    value.to_string()
}
