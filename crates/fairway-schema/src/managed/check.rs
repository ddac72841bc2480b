//! Whether a configuration fits its schema well enough to be merged.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::PathElement;
use super::place::{Atom, List, Place, Scalar};
use crate::{ListType, go_text};

/// What is wrong with a configuration, in the words of Kubernetes; none when nothing is.
pub(super) fn check(place: Place<'_>, config: &Value) -> Option<String> {
    let mut walk = Walk::default();
    walk.value(place, config);
    match &walk.errors[..] {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("errors:\n  {}", several.join("\n  "))),
    }
}

#[derive(Default)]
struct Walk {
    way: String,
    errors: Vec<String>,
}

impl Walk {
    fn error(&mut self, message: &str) {
        let at = if self.way.is_empty() { String::new() } else { format!("{}: ", self.way) };
        self.errors.push(format!("{at}{message}"));
    }

    fn below(&mut self, step: &PathElement, visit: impl FnOnce(&mut Self)) {
        let length = self.way.len();
        self.way.push_str(&step.to_string());
        visit(self);
        self.way.truncate(length);
    }

    fn value(&mut self, place: Place<'_>, value: &Value) {
        match (place.atom(value), value) {
            (_, Value::Null) => {}
            (Atom::Scalar(scalar), _) => self.scalar(scalar, value),
            (Atom::Map(fields), Value::Object(object)) => {
                for (name, value) in object {
                    let step = PathElement::field(name);
                    let Some(place) = fields.allowed(name) else {
                        return self.below(&step, |walk| walk.error("field not declared in schema"));
                    };
                    self.below(&step, |walk| walk.value(place, value));
                }
            }
            (Atom::List(list), Value::Array(items)) => self.items(list, items),
            (Atom::Map(_), _) => self.error(&format!("expected map, got &{{{}}}", go_text::plain(value))),
            (Atom::List(_), _) => self.error(&format!("expected list, got &{{{}}}", go_text::plain(value))),
        }
    }

    fn items(&mut self, list: List<'_>, items: &[Value]) {
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let step = if list.relation == ListType::Atomic {
                PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))
            } else {
                match list.step(item) {
                    Ok(step) => step,
                    Err(message) => {
                        self.error(&format!("element {index}: {message}"));
                        return;
                    }
                }
            };
            if !seen.insert(step.clone()) {
                self.error(&format!("duplicate entries for key {step}"));
            }
            self.below(&step, |walk| walk.value(list.items, item));
        }
    }

    fn scalar(&mut self, scalar: Scalar, value: &Value) {
        match (scalar, value) {
            (Scalar::String | Scalar::Any, Value::String(_))
            | (Scalar::Number | Scalar::Any, Value::Number(_))
            | (Scalar::Boolean | Scalar::Any, Value::Bool(_)) => {}
            (Scalar::Number, _) => {
                self.error(&format!("expected numeric (int or float), got {}", go_text::type_name(value)));
            }
            (Scalar::String, _) => {
                let shown = go_text::syntax(value);
                self.error(&format!("expected string, got &value.valueUnstructured{{Value:{shown}}}"));
            }
            (Scalar::Boolean, _) => self.error(&format!("expected boolean, got &{{{}}}", go_text::plain(value))),
            (Scalar::Any, _) => self.error(&format!("expected any scalar, got &{{{}}}", go_text::plain(value))),
        }
    }
}
