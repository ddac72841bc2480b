//! The visitor that builds a tree from any serde format and watches the budget while it does.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{DecodeBody, Finding, MAX_DEPTH, MAX_FINDINGS, MAX_TEXT, MAX_VALUES};
use crate::model::Schema;
use crate::path::Path;
use crate::prune::{Known, known};

/// What an object costs beyond a value once it has a field: the first field makes room for eleven.
const WEIGHT_OF_FIELDS: usize = 5;

/// What is left of the budget, and what was found on the way.
pub(super) struct Budget {
    values: usize,
    text: usize,
    track_unknown: bool,
    pub(super) broken: Option<(&'static str, usize)>,
    pub(super) findings: Vec<Finding>,
}

impl Budget {
    pub(super) fn new(track_unknown: bool) -> Self {
        Self { values: MAX_VALUES, text: MAX_TEXT, track_unknown, broken: None, findings: Vec::new() }
    }

    pub(super) fn into_error(self) -> DecodeBody {
        let (what, limit) = self.broken.unwrap_or(("values", MAX_VALUES));
        DecodeBody::KeepBudget { what, limit }
    }

    fn take_value<E: Error>(&mut self, depth: usize) -> Result<(), E> {
        if depth > MAX_DEPTH {
            return Err(self.fail("levels of nesting", MAX_DEPTH));
        }
        self.take_values(1)
    }

    fn take_values<E: Error>(&mut self, count: usize) -> Result<(), E> {
        match self.values.checked_sub(count) {
            Some(left) => self.values = left,
            None => return Err(self.fail("values", MAX_VALUES)),
        }
        Ok(())
    }

    fn take_text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        match self.text.checked_sub(text.len()) {
            Some(left) => self.text = left,
            None => return Err(self.fail("bytes of text", MAX_TEXT)),
        }
        Ok(())
    }

    fn fail<E: Error>(&mut self, what: &'static str, limit: usize) -> E {
        self.broken = Some((what, limit));
        E::custom("the budget is used up")
    }

    fn report(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// One value to come, and where it will stand.
pub(super) struct Node<'a> {
    budget: &'a mut Budget,
    schema: Option<&'a Schema>,
    path: Path<'a>,
    depth: usize,
}

impl<'a> Node<'a> {
    pub(super) fn root(budget: &'a mut Budget, schema: Option<&'a Schema>) -> Self {
        Self { budget, schema, path: Path::Root(""), depth: 0 }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.budget.take_value(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.budget.take_value(0)?;
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.budget.take_value(0)?;
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.budget.take_value(0)?;
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("numbers must be finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.budget.take_value(0)?;
        self.budget.take_text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.budget.take_value(0)?;
        self.budget.take_text(&value)?;
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.budget.take_value(0)?;
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self { budget, schema, path, depth } = self;
        budget.take_value(depth + 1)?;
        let items = schema.and_then(|it| it.items.as_deref());
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(Node {
            budget: &mut *budget,
            schema: items,
            path: Path::Index(&path, list.len()),
            depth: depth + 1,
        })? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self { budget, schema, path, depth } = self;
        budget.take_value(depth + 1)?;
        let mut object = Map::new();
        while let Some(key) = access.next_key_seed(Key)? {
            if object.is_empty() {
                budget.take_values(WEIGHT_OF_FIELDS)?;
            }
            budget.take_text(&key)?;
            let at = Path::Field(&path, &key);
            if object.contains_key(&key) {
                budget.report(Finding::Duplicate(at.to_string()));
            }
            let below = match schema.map(|it| known(it, &key)) {
                Some(Known::As(schema)) => Some(schema),
                Some(Known::No) if budget.track_unknown => {
                    budget.report(Finding::Unknown(at.to_string()));
                    None
                }
                _ => None,
            };
            let value =
                access.next_value_seed(Node { budget: &mut *budget, schema: below, path: at, depth: depth + 1 })?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The name of a field. YAML may write it as a number or a truth value; JSON has only text.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<String, E> {
        Ok(value)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }
}
