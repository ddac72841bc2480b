//! Taking fields out of an object, and taking out nothing but them.

use serde_json::{Map, Value};

use super::path::PathElement;
use super::place::{Atom, Place};
use super::set::FieldSet;
use crate::ListType;

/// The value without these fields. What loses its last field or item that way goes too, unless it is itself among the
/// `kept`: then it stays, empty.
pub(super) fn remove(place: Place<'_>, value: &Value, set: &FieldSet, kept: &FieldSet) -> Option<Value> {
    match (place.atom(value), value) {
        (Atom::Map(fields), Value::Object(object)) if !fields.whole && !object.is_empty() => {
            let left: Map<_, _> = object
                .iter()
                .filter_map(|(name, value)| {
                    let left = without(fields.field(name), value, &PathElement::field(name), (set, kept))?;
                    Some((name.clone(), left))
                })
                .collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        (Atom::List(list), Value::Array(items)) if list.relation != ListType::Atomic && !items.is_empty() => {
            let left: Vec<_> = items
                .iter()
                .filter_map(|item| match list.step(item) {
                    Ok(step) => without(list.items, item, &step, (set, kept)),
                    Err(_) => Some(item.clone()),
                })
                .collect();
            (!left.is_empty()).then_some(Value::Array(left))
        }
        _ => Some(value.clone()),
    }
}

fn without(place: Place<'_>, value: &Value, step: &PathElement, (set, kept): (&FieldSet, &FieldSet)) -> Option<Value> {
    if set.has(step) {
        return None;
    }
    let Some(below) = set.below(step) else { return Some(value.clone()) };
    let left = remove(place, value, below, kept.below(step).unwrap_or(&FieldSet::new()));
    left.or_else(|| kept.has(step).then(|| emptied(value)))
}

fn emptied(value: &Value) -> Value {
    if value.is_array() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) }
}

/// Nothing but these fields of the value. Items of a list keep their place in it; an item that is in the set alone
/// comes with nothing but what is below it in the set.
pub(super) fn extract(place: Place<'_>, value: &Value, set: &FieldSet) -> Option<Value> {
    match (place.atom(value), value) {
        (Atom::Map(fields), Value::Object(object)) if !fields.whole => {
            let taken: Map<_, _> = object
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.clone(), only(fields.field(name), value, &PathElement::field(name), set)?))
                })
                .collect();
            (!taken.is_empty()).then_some(Value::Object(taken))
        }
        (Atom::List(list), Value::Array(items)) if list.relation != ListType::Atomic => {
            let taken: Vec<_> =
                items.iter().filter_map(|item| only(list.items, item, &list.step(item).ok()?, set)).collect();
            (!taken.is_empty()).then_some(Value::Array(taken))
        }
        _ => Some(value.clone()),
    }
}

fn only(place: Place<'_>, value: &Value, step: &PathElement, set: &FieldSet) -> Option<Value> {
    match set.below(step) {
        Some(below) => extract(place, value, below),
        None => set.has(step).then(|| value.clone()),
    }
}
