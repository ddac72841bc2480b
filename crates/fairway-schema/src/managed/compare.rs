//! What changed between two versions of an object.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::by_step;
use super::path::{PathElement, same};
use super::place::{Atom, Fields, List, Place};
use super::set::FieldSet;
use crate::ListType;

/// The fields in which two versions differ.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

impl Comparison {
    /// The fields that the newer version sets.
    pub(super) fn set(&self) -> FieldSet {
        self.modified.union(&self.added)
    }

    /// The comparison without these fields and what is below them.
    pub(super) fn outside(&self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.outside(ignored),
            modified: self.modified.outside(ignored),
            removed: self.removed.outside(ignored),
        }
    }
}

/// Compares two versions.
pub(super) fn compare(place: Place<'_>, old: &Value, new: &Value) -> Comparison {
    let mut walk = Walk::default();
    walk.compare(place, Some(old), Some(new));
    walk.found
}

#[derive(Default)]
struct Walk {
    way: Vec<PathElement>,
    found: Comparison,
}

impl Walk {
    fn compare(&mut self, place: Place<'_>, old: Option<&Value>, new: Option<&Value>) {
        let was_leaf = match (old, new) {
            (None, None) => return,
            (Some(value), None) | (None, Some(value)) => self.visit(place.atom(value), old, new),
            (Some(before), Some(after)) => {
                let (was, is) = (place.atom(before), place.atom(after));
                // Where a value changed its form, both forms tell their part.
                if !was.is_like(&is) {
                    self.visit(was, old, new);
                }
                self.visit(is, old, new)
            }
        };
        if !was_leaf && old.is_none() {
            self.found.added.insert(&self.way);
        } else if !was_leaf && new.is_none() {
            self.found.removed.insert(&self.way);
        }
    }

    /// Visits one value; says whether it is a leaf.
    fn visit(&mut self, atom: Atom<'_>, old: Option<&Value>, new: Option<&Value>) -> bool {
        match atom {
            Atom::Map(fields) if !fields.whole => {
                let (before, after) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
                // What is empty on both sides is a leaf, so that null and {} stay apart.
                if before.is_none_or(serde_json::Map::is_empty) && after.is_none_or(serde_json::Map::is_empty) {
                    return self.leaf(old, new);
                }
                self.fields(fields, before, after);
                false
            }
            Atom::List(list) if list.relation != ListType::Atomic => {
                let (before, after) = (items(old), items(new));
                if before.is_empty() && after.is_empty() {
                    return self.leaf(old, new);
                }
                self.items(list, before, after);
                false
            }
            _ => self.leaf(old, new),
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) -> bool {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.way),
            (_, None) => self.found.removed.insert(&self.way),
            (Some(before), Some(after)) if !same(before, after) => self.found.modified.insert(&self.way),
            _ => {}
        }
        true
    }

    fn fields(
        &mut self,
        fields: Fields<'_>,
        old: Option<&serde_json::Map<String, Value>>,
        new: Option<&serde_json::Map<String, Value>>,
    ) {
        let names: BTreeSet<_> = old.into_iter().chain(new).flat_map(serde_json::Map::keys).collect();
        for name in names {
            let (before, after) = (old.and_then(|it| it.get(name)), new.and_then(|it| it.get(name)));
            self.below(PathElement::field(name), fields.field(name), before, after);
        }
    }

    fn items(&mut self, list: List<'_>, old: &[Value], new: &[Value]) {
        let (before, after) = (by_step(list, old), by_step(list, new));
        let steps: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for step in steps {
            let old = before.get(step).map_or(&[][..], Vec::as_slice);
            let new = after.get(step).map_or(&[][..], Vec::as_slice);
            let first = |values: &[&Value]| values.first().copied().cloned();
            match (old.len(), new.len()) {
                (0 | 1, 0 | 1) => self.below(step.clone(), list.items, old.first().copied(), new.first().copied()),
                // Items that stand twice are compared as one whole.
                (0 | 1, _) => {
                    self.below(step.clone(), list.items, first(old).as_ref(), None);
                    self.mark(step, |found| &mut found.added);
                }
                (_, 0 | 1) => {
                    self.below(step.clone(), list.items, None, first(new).as_ref());
                    self.mark(step, |found| &mut found.removed);
                }
                _ if old.len() != new.len() || old.iter().zip(new).any(|(a, b)| !same(a, b)) => {
                    self.mark(step, |found| &mut found.modified);
                }
                _ => {}
            }
        }
    }

    fn below(&mut self, step: PathElement, place: Place<'_>, old: Option<&Value>, new: Option<&Value>) {
        self.way.push(step);
        self.compare(place, old, new);
        self.way.pop();
    }

    fn mark(&mut self, step: &PathElement, set: impl Fn(&mut Comparison) -> &mut FieldSet) {
        self.way.push(step.clone());
        set(&mut self.found).insert(&self.way);
        self.way.pop();
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
