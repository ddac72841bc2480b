//! Request bodies: bytes to a JSON tree, with budgets, and with what strict decoding reports, in document order.

mod tree;
mod yaml;

use serde::de::DeserializeSeed;
use serde_json::Value;
use std::fmt;

use crate::model::Schema;
use tree::{Budget, Node};

pub use yaml::yaml;

/// How deep objects may nest. Clients refuse documents deeper than 128, and lists and watches wrap objects.
pub const MAX_DEPTH: usize = 100;
/// How many values a body may hold. An object with fields counts as six: it takes about 640 bytes of memory.
pub const MAX_VALUES: usize = 500_000;
/// How much text a body may hold once its aliases are written out.
pub const MAX_TEXT: usize = 16 << 20;
/// How many findings are reported.
const MAX_FINDINGS: usize = 100;

/// A decoded body.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The tree. Of a field that stands twice, the last one.
    pub value: Value,
    /// What strict decoding refuses and a lenient one warns of.
    pub findings: Vec<Finding>,
}

/// One field that should not be where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A field the schema does not know.
    Unknown(String),
    /// A field that stands twice.
    Duplicate(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "unknown field {path:?}"),
            Self::Duplicate(path) => write!(f, "duplicate field {path:?}"),
        }
    }
}

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeBody {
    #[error("the body is not valid UTF-8")]
    ReadText,
    #[error("{0}")]
    ReadJson(String),
    #[error("error converting YAML to JSON: {0}")]
    ReadYaml(String),
    #[error("the body breaks the limit of {limit} {what}")]
    KeepBudget {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
}

/// Reads JSON. With a schema, unknown fields are found too; they stay in the tree until it is pruned.
pub fn json(bytes: &[u8], schema: Option<&Schema>) -> Result<Decoded, DecodeBody> {
    let text = std::str::from_utf8(bytes).map_err(|_| DecodeBody::ReadText)?;
    let mut budget = Budget::new(schema.is_some());
    let mut source = serde_json::Deserializer::from_str(text);
    let node = Node::root(&mut budget, schema);
    let read = node.deserialize(&mut source).and_then(|value| source.end().map(|()| value));
    match read {
        Ok(value) => Ok(Decoded { value, findings: budget.findings }),
        Err(_) if budget.broken.is_some() => Err(budget.into_error()),
        Err(error) if error.to_string().starts_with("recursion limit exceeded") => {
            Err(DecodeBody::KeepBudget { what: "levels of nesting", limit: MAX_DEPTH })
        }
        Err(error) => Err(DecodeBody::ReadJson(error.to_string())),
    }
}

/// Checks a tree that was made rather than read (by a patch) against the same limit of nesting.
pub fn check_depth(value: &Value) -> Result<(), DecodeBody> {
    match count_within(value, MAX_DEPTH) {
        Some(_) => Ok(()),
        None => Err(DecodeBody::KeepBudget { what: "levels of nesting", limit: MAX_DEPTH }),
    }
}

/// How many values a tree holds, if it has no more than so many levels. Level by level, not recursively: the tree
/// may be of any depth.
pub(crate) fn count_within(value: &Value, levels: usize) -> Option<usize> {
    let mut count = 1;
    let mut level: Vec<&Value> = vec![value];
    for _ in 0..=levels {
        level.retain(|it| it.is_array() || it.is_object());
        if level.is_empty() {
            return Some(count);
        }
        let mut next = Vec::new();
        for it in level {
            match it {
                Value::Array(list) => next.extend(list),
                Value::Object(object) => next.extend(object.values()),
                _ => {}
            }
        }
        count += next.len();
        level = next;
    }
    None
}

#[cfg(test)]
mod tests;
