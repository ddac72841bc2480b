//! `FieldsV1`, the form in which sets of fields stand in `managedFields`.

use serde_json::{Map, Value};

use super::path::{PathElement, canonical};
use super::set::{FieldSet, Node};

/// The marker of a field that is in the set together with some of its inside.
const SELF: &str = ".";

/// Why a `fieldsV1` cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeFields {
    #[error("a set of fields must be an object")]
    NotAnObject,
    #[error("the key of a list item is not a JSON object: {0}")]
    BadKey(String),
    #[error("the value of a set item is not JSON: {0}")]
    BadValue(String),
    #[error("the index of a list item is not a number: {0}")]
    BadIndex(String),
}

impl FieldSet {
    /// The set as `fieldsV1` holds it.
    pub fn to_fields_v1(&self) -> Value {
        Value::Object(self.nodes().map(|(step, node)| (written(step), inside(node))).collect())
    }

    /// Reads what [`FieldSet::to_fields_v1`] writes. Steps of a kind that is not known are passed over, as Kubernetes
    /// does, so that newer servers can add some.
    pub fn from_fields_v1(value: &Value) -> Result<Self, DecodeFields> {
        let Value::Object(fields) = value else { return Err(DecodeFields::NotAnObject) };
        let mut set = Self::new();
        for (name, inside) in fields {
            let Some(step) = read(name)? else { continue };
            let Value::Object(below) = inside else { return Err(DecodeFields::NotAnObject) };
            let owned = below.is_empty() || below.contains_key(SELF);
            set.put(step, Node { owned, below: Self::from_fields_v1(inside)? });
        }
        Ok(set)
    }
}

fn inside(node: &Node) -> Value {
    let mut below = node.below.to_fields_v1();
    if let (true, false, Value::Object(fields)) = (node.owned, node.below.is_empty(), &mut below) {
        fields.insert(SELF.to_owned(), Value::Object(Map::new()));
    }
    below
}

fn written(step: &PathElement) -> String {
    match step {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Key(key) => format!("k:{key}"),
        PathElement::Value(value) => format!("v:{value}"),
        PathElement::Index(index) => format!("i:{index}"),
    }
}

fn read(text: &str) -> Result<Option<PathElement>, DecodeFields> {
    let Some((kind, rest)) = text.split_once(':') else { return Ok(None) };
    Ok(Some(match kind {
        "f" => PathElement::field(rest),
        "k" => match serde_json::from_str(rest) {
            Ok(Value::Object(fields)) => PathElement::key(fields),
            _ => return Err(DecodeFields::BadKey(rest.to_owned())),
        },
        "v" => {
            let value: Value = serde_json::from_str(rest).map_err(|_| DecodeFields::BadValue(rest.to_owned()))?;
            PathElement::Value(canonical(&value).into())
        }
        "i" => PathElement::Index(rest.parse().map_err(|_| DecodeFields::BadIndex(rest.to_owned()))?),
        _ => return Ok(None),
    }))
}
