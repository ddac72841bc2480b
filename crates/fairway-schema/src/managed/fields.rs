//! The fields in a value, and what the schema makes of a set of fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::PathElement;
use super::place::{Atom, Fields, List, Place};
use super::set::{FieldSet, Node};
use crate::ListType;

/// The set of fields in a value, as someone who sent it whole owns them: leaves, list items, and names that the schema
/// does not declare.
pub(super) fn of(place: Place<'_>, value: &Value) -> FieldSet {
    node(place, value).below
}

fn node(place: Place<'_>, value: &Value) -> Node {
    match (place.atom(value), value) {
        (Atom::Scalar(_), _) => Node { owned: true, ..Node::default() },
        (Atom::List(list), _) if list.relation == ListType::Atomic => Node { owned: true, ..Node::default() },
        (Atom::Map(fields), _) if fields.whole => Node { owned: true, ..Node::default() },
        (Atom::List(list), Value::Array(items)) => Node { owned: false, below: of_items(list, items) },
        (Atom::Map(fields), Value::Object(object)) => Node { owned: false, below: of_fields(fields, object) },
        _ => Node::default(),
    }
}

fn of_fields(fields: Fields<'_>, object: &serde_json::Map<String, Value>) -> FieldSet {
    let mut set = FieldSet::new();
    for (name, value) in object {
        let mut node = node(fields.field(name), value);
        let is_empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        node.owned |= is_empty || fields.declared(name).is_none();
        set.put(PathElement::field(name), node);
    }
    set
}

/// Items that stand twice are owned as a whole: their fields cannot be told apart.
fn of_items(list: List<'_>, items: &[Value]) -> FieldSet {
    let mut set = FieldSet::new();
    for (step, values) in by_step(list, items) {
        let below = if let [value] = values[..] { node(list.items, value).below } else { FieldSet::new() };
        set.put(step, Node { owned: true, below });
    }
    set
}

/// The lists that a value holds empty: nobody owns them, but they were sent.
pub(super) fn empties(place: Place<'_>, value: &Value) -> FieldSet {
    let mut set = FieldSet::new();
    match (place.atom(value), value) {
        (Atom::Map(fields), Value::Object(object)) if !fields.whole => {
            for (name, value) in object {
                let owned = value.as_array().is_some_and(Vec::is_empty);
                set.put(PathElement::field(name), Node { owned, below: empties(fields.field(name), value) });
            }
        }
        (Atom::List(list), Value::Array(items)) if list.relation != ListType::Atomic => {
            for (step, values) in by_step(list, items) {
                let below = values.iter().fold(FieldSet::new(), |all, it| all.union(&empties(list.items, it)));
                set.put(step, Node { owned: false, below });
            }
        }
        _ => {}
    }
    set
}

/// The items by the steps that name them, those without a name left out.
pub(super) fn by_step<'v>(list: List<'_>, items: &'v [Value]) -> BTreeMap<PathElement, Vec<&'v Value>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for item in items {
        if let Ok(step) = list.step(item) {
            found.entry(step).or_default().push(item);
        }
    }
    found
}

/// The set with every declared field that has something below it in the set itself.
pub(super) fn with_declared(place: Place<'_>, set: &FieldSet) -> FieldSet {
    along(place, set, &|atom, step, node| {
        let is_declared = match (atom, step) {
            (Some(Atom::Map(fields)), PathElement::Field(name)) => fields.declared(name).is_some(),
            _ => false,
        };
        Step::Into(node.owned || is_declared && !node.below.is_empty())
    })
}

/// The set as it must be under this schema: where a field that was owned part by part is now owned whole, owning a
/// part means owning it.
pub(super) fn settled(place: Place<'_>, set: &FieldSet) -> FieldSet {
    along(place, set, &|atom, step, node| {
        let inner = match (atom, step) {
            (Some(Atom::Map(fields)), PathElement::Field(name)) => Some(fields.field(name)),
            (Some(Atom::List(list)), _) => Some(list.items),
            _ => None,
        };
        let is_whole = inner.and_then(declared_atom).is_some_and(|atom| match atom {
            Atom::Map(fields) => fields.whole,
            Atom::List(list) => list.relation == ListType::Atomic,
            Atom::Scalar(_) => false,
        });
        if is_whole && !node.below.is_empty() { Step::Whole } else { Step::Into(node.owned) }
    })
}

/// What becomes of one node of a set.
enum Step {
    /// It is owned without its inside.
    Whole,
    /// It is owned or not, and its inside is looked at.
    Into(bool),
}

/// Rebuilds a set along the schema.
fn along(
    place: Place<'_>,
    set: &FieldSet,
    decide: &impl Fn(Option<Atom<'_>>, &PathElement, &Node) -> Step,
) -> FieldSet {
    let atom = declared_atom(place);
    let mut rebuilt = FieldSet::new();
    for (step, node) in set.nodes() {
        let inner = match (atom, step) {
            (Some(Atom::Map(fields)), PathElement::Field(name)) => fields.field(name),
            (Some(Atom::List(list)), _) => list.items,
            _ => Place::Deduced,
        };
        let node = match decide(atom, step, node) {
            Step::Whole => Node { owned: true, below: FieldSet::new() },
            Step::Into(owned) => Node { owned, below: along(inner, &node.below, decide) },
        };
        rebuilt.put(step.clone(), node);
    }
    rebuilt
}

/// What the schema says about a place without a value to look at.
fn declared_atom(place: Place<'_>) -> Option<Atom<'_>> {
    match place {
        Place::Root(_) => Some(place.atom(&Value::Null)),
        Place::At(schema) if schema.r#type != crate::Type::Any => Some(place.atom(&Value::Null)),
        _ => None,
    }
}
