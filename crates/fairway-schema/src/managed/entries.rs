//! `metadata.managedFields`: reading it, and writing it in the order Kubernetes does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Manager;
use super::fields_v1::DecodeFields;
use super::set::FieldSet;

/// The managers of one object.
pub(super) type Managers = BTreeMap<Id, Entry>;

/// How a manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// What tells one entry from another. An applier stays the same when it moves to another version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) manager: String,
    pub(super) operation: Operation,
    /// Empty for appliers.
    pub(super) api_version: String,
    pub(super) subresource: String,
}

/// What one manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) api_version: String,
    pub(super) fields: FieldSet,
    /// As it stands in the object, so that an unchanged entry keeps its bytes.
    pub(super) time: Option<String>,
}

/// Why a list of managers cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeManagers {
    #[error("metadata.managedFields must be a list of objects")]
    NotAList,
    #[error("invalid operation {0:?} of field manager {1:?}")]
    BadOperation(String, String),
    #[error("missing or unsupported fieldsType {0:?} of field manager {1:?}")]
    BadFieldsType(String, String),
    #[error("fields of field manager {manager:?}")]
    BadFields { manager: String, source: DecodeFields },
}

impl Id {
    /// The entry of a manager that writes in this way.
    pub(super) fn of(manager: &Manager<'_>, operation: Operation) -> Self {
        let name = if manager.name.is_empty() { "unknown" } else { manager.name };
        Self::new(name, operation, manager.api_version, manager.subresource)
    }

    pub(super) fn new(manager: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let api_version = if operation == Operation::Apply { "" } else { api_version };
        Self {
            manager: manager.to_owned(),
            operation,
            api_version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }
}

/// A time as `managedFields` holds it: whole seconds.
pub(super) fn written_time(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// The managers that an object lists; none if it lists none.
pub(super) fn decode(object: &Value) -> Result<Managers, DecodeManagers> {
    match object.pointer("/metadata/managedFields") {
        None | Some(Value::Null) => Ok(Managers::new()),
        Some(Value::Array(entries)) => entries.iter().map(decode_entry).collect(),
        Some(_) => Err(DecodeManagers::NotAList),
    }
}

fn decode_entry(entry: &Value) -> Result<(Id, Entry), DecodeManagers> {
    if !entry.is_object() {
        return Err(DecodeManagers::NotAList);
    }
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let manager = text("manager");
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        other => return Err(DecodeManagers::BadOperation(other.to_owned(), manager.to_owned())),
    };
    if text("fieldsType") != "FieldsV1" {
        return Err(DecodeManagers::BadFieldsType(text("fieldsType").to_owned(), manager.to_owned()));
    }
    let fields = match entry.get("fieldsV1") {
        None | Some(Value::Null) => FieldSet::new(),
        Some(value) => FieldSet::from_fields_v1(value)
            .map_err(|source| DecodeManagers::BadFields { manager: manager.to_owned(), source })?,
    };
    let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
    let id = Id::new(manager, operation, text("apiVersion"), text("subresource"));
    Ok((id, Entry { api_version: text("apiVersion").to_owned(), fields, time }))
}

/// Whether a client asks for everyone's ownership to be forgotten: an empty list, or a list of one empty entry.
pub(super) fn is_reset(object: &Value) -> bool {
    match object.pointer("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(only)]) => only.is_empty(),
        _ => false,
    }
}

/// Writes the managers into an object: appliers first, then by time, manager, version and subresource.
pub(super) fn encode(object: &mut Value, managers: &Managers) {
    let Some(metadata) = object.as_object_mut().map(|it| it.entry("metadata").or_insert_with(|| json!({}))) else {
        return;
    };
    let Some(metadata) = metadata.as_object_mut() else { return };
    let mut sorted: Vec<_> = managers.iter().collect();
    sorted.sort_by_key(|(id, entry)| {
        (id.operation, seconds(entry), id.manager.clone(), entry.api_version.clone(), id.subresource.clone())
    });
    if sorted.is_empty() {
        metadata.remove("managedFields");
    } else {
        let entries = sorted.into_iter().map(|(id, entry)| encode_entry(id, entry)).collect();
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
}

fn encode_entry(id: &Id, entry: &Entry) -> Value {
    let mut fields = Map::new();
    let operation = if id.operation == Operation::Apply { "Apply" } else { "Update" };
    let texts = [
        ("manager", id.manager.as_str()),
        ("operation", operation),
        ("apiVersion", &entry.api_version),
        ("time", entry.time.as_deref().unwrap_or_default()),
        ("fieldsType", "FieldsV1"),
        ("subresource", &id.subresource),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        fields.insert(name.to_owned(), json!(text));
    }
    fields.insert("fieldsV1".to_owned(), entry.fields.to_fields_v1());
    Value::Object(fields)
}

/// When an entry was last changed.
pub(super) fn seconds(entry: &Entry) -> i64 {
    entry.time.as_deref().and_then(|it| it.parse::<Timestamp>().ok()).map_or(0, Timestamp::as_second)
}

/// The object without its list of managers.
pub(super) fn without_managers(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}
