//! `metadata`, read without reading the rest of the object.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The parts of `metadata` that the server itself acts on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta {
    pub(crate) uid: String,
    pub(crate) generation: Option<i64>,
    pub(crate) deletion_timestamp: Option<Timestamp>,
    pub(crate) deletion_grace_period_seconds: Option<i64>,
    pub(crate) finalizers: Vec<String>,
    pub(crate) owner_references: Vec<OwnerReference>,
}

/// Who an object belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct OwnerReference {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) controller: Option<bool>,
    pub(crate) block_owner_deletion: Option<bool>,
}

impl Meta {
    /// Of kept bytes.
    pub(crate) fn of(value: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Envelope {
            metadata: Meta,
        }
        serde_json::from_slice::<Envelope>(value).map(|it| it.metadata).unwrap_or_default()
    }

    /// Of a tree.
    pub(crate) fn of_tree(object: &Value) -> Self {
        object.get("metadata").and_then(|it| Self::deserialize(it).ok()).unwrap_or_default()
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.deletion_timestamp.is_some()
    }
}

/// The metadata of a tree.
pub(crate) fn meta(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata").and_then(Value::as_object)
}

/// The metadata of a tree, made where it is missing or no object.
pub(crate) fn meta_mut(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let metadata = object
        .as_object_mut()
        .expect("it was made an object above")
        .entry("metadata")
        .or_insert_with(|| Value::Object(Map::new()));
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut().expect("it was made an object above")
}

/// The text at a JSON pointer, empty where there is none.
pub(crate) fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
