//! What an object is once someone's configuration is merged into it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::by_step;
use super::path::PathElement;
use super::place::{Atom, Fields, List, Place};
use crate::ListType;

/// The live value with the configuration merged into it: leaves and what is owned whole come from the configuration,
/// the rest is joined.
pub(super) fn merge(place: Place<'_>, live: &Value, config: &Value) -> Value {
    merged(place, Some(live), Some(config)).unwrap_or(Value::Null)
}

fn merged(place: Place<'_>, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let deciding = config.or(live)?;
    // A null has no form of its own.
    let deciding = if deciding.is_null() { live.unwrap_or(deciding) } else { deciding };
    match place.atom(deciding) {
        Atom::Map(fields) if !fields.whole => {
            let (before, sent) = (live.and_then(Value::as_object), config.and_then(Value::as_object));
            if before.is_none_or(Map::is_empty) && sent.is_none_or(Map::is_empty) {
                return config.or(live).cloned();
            }
            Some(Value::Object(merged_fields(fields, before, sent)))
        }
        Atom::List(list) if list.relation != ListType::Atomic => {
            let items = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
            let (before, sent) = (items(live), items(config));
            if before.is_empty() && sent.is_empty() {
                return config.or(live).cloned();
            }
            Some(Value::Array(merged_items(list, &before, &sent)))
        }
        _ => config.or(live).cloned(),
    }
}

fn merged_fields(
    fields: Fields<'_>,
    live: Option<&Map<String, Value>>,
    config: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let names: BTreeSet<_> = live.into_iter().chain(config).flat_map(Map::keys).collect();
    let field = |name: &String| {
        let value = merged(fields.field(name), live.and_then(|it| it.get(name)), config.and_then(|it| it.get(name)))?;
        Some((name.clone(), value))
    };
    names.into_iter().filter_map(field).collect()
}

/// The order is that of the configuration; items that only the live list has keep their place between the items that
/// both have, as far as both orders agree.
fn merged_items(list: List<'_>, live: &[Value], config: &[Value]) -> Vec<Value> {
    let before = by_step(list, live);
    let sent: Vec<(PathElement, &Value)> =
        config.iter().filter_map(|item| Some((list.step(item).ok()?, item))).collect();
    let is_sent: BTreeSet<_> = sent.iter().map(|(step, _)| step).collect();
    let join = |step: &PathElement, item: &Value| {
        // Live items that stand twice give way together.
        let old = before.get(step).and_then(|found| if let [only] = found[..] { Some(only) } else { None });
        merged(list.items, old, Some(item))
    };
    let next_shared = |rest: &[(PathElement, &Value)]| rest.iter().position(|(step, _)| before.contains_key(step));
    let mut out = Vec::new();
    let mut rest = sent.as_slice();
    let mut next = next_shared(rest);
    for item in live {
        let Ok(step) = list.step(item) else { continue };
        if !is_sent.contains(&step) {
            out.push(item.clone());
        } else if let Some(index) = next.filter(|index| rest[*index].0 == step) {
            out.extend(rest[..=index].iter().filter_map(|(step, item)| join(step, item)));
            rest = &rest[index + 1..];
            next = next_shared(rest);
        }
    }
    out.extend(rest.iter().filter_map(|(step, item)| join(step, item)));
    out
}
