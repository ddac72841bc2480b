//! Stand-ins for neighbours that have not landed. Each goes when its neighbour comes.

use serde_json::{Map, Value, json};

use crate::object::{meta_mut, text_at};
use crate::pipeline::Given;
use crate::registry::Served;
use crate::request::WriteOptions;
use crate::server::Call;
use crate::{ApiError, Resource};
use fairway_schema::Cause;
use jiff::Timestamp;

pub(crate) fn decode_any(body: &[u8], _yaml: bool) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|e| ApiError::bad_request(format!("the body is not JSON: {e}")))
}
pub(crate) fn decode(_: &Served, body: &[u8], yaml: bool) -> Result<Given, ApiError> {
    Ok(Given { object: decode_any(body, yaml)?, warnings: Vec::new() })
}
pub(crate) fn known_fields(_: &Served, object: Value) -> (Value, Vec<String>) {
    (object, Vec::new())
}
pub(crate) fn yaml(tree: &Value) -> String {
    tree.to_string()
}
pub(crate) fn default(_: &Served, _: &mut Value) {}
pub(crate) fn prepare_create(served: &Served, object: &mut Value) {
    if served.subresource("status").is_some() && !matches!(&*served.kind, "Namespace" | "Node" | "Service") {
        meta_mut(object).insert("generation".to_owned(), json!(1));
        if let Value::Object(map) = object {
            map.remove("status");
        }
    }
    if &*served.kind == "Namespace" {
        let name = text_at(object, "/metadata/name").to_owned();
        meta_mut(object).entry("labels").or_insert(json!({}))["kubernetes.io/metadata.name"] = json!(name);
        object["spec"] = json!({"finalizers": ["kubernetes"]});
        object["status"] = json!({"phase": "Active"});
    }
}
pub(crate) fn prepare_update(_: &Served, _: &Value, _: &mut Value, _: bool) {}
pub(crate) fn own_create(_: &Served, _: &mut Value, _: &WriteOptions, _: Timestamp) {}
pub(crate) fn own_update(_: &Served, _: &Value, _: &mut Value, _: &WriteOptions, _: &str, _: Timestamp) {}
pub(crate) fn validate_create(_: &Served, _: &Value) -> Vec<Cause> {
    Vec::new()
}
pub(crate) fn validate_update(_: &Served, _: &Value, _: &Value) -> Vec<Cause> {
    Vec::new()
}
pub(crate) fn json_patch(_: &Value, _: &[u8]) -> Result<Value, ApiError> {
    Err(ApiError::new(501, "NotImplemented", "JSON patches are not served yet"))
}
pub(crate) fn merge_patch(tree: &Value, body: &[u8]) -> Result<Value, ApiError> {
    let patch = decode_any(body, false)?;
    let mut tree = tree.clone();
    merge(&mut tree, patch);
    Ok(tree)
}
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let map = target.as_object_mut().expect("made an object above");
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}
pub(crate) fn strategic_patch(_: &Served, tree: &Value, body: &[u8]) -> Result<Value, ApiError> {
    merge_patch(tree, body)
}
pub(crate) fn apply(call: &Call, live: Option<&fairway_store::Stored>, _: &WriteOptions) -> Result<Given, ApiError> {
    let object = match live {
        Some(live) => merge_patch(&crate::object::decode(&call.served, live), &call.body)?,
        None => decode_any(&call.body, true)?,
    };
    let mut given = Given { object, warnings: Vec::new() };
    crate::pipeline::check_identity(call, &mut given.object)?;
    meta_mut(&mut given.object).remove("resourceVersion");
    Ok(given)
}
pub(crate) fn is_made_by_update(served: &Served) -> bool {
    matches!(&*served.kind, "Lease" | "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" | "Event")
}
pub(crate) fn needs_revision(served: &Served) -> bool {
    served.is_custom() || matches!(&*served.kind, "Lease" | "CustomResourceDefinition")
}
pub(crate) fn cells(served: &Served, object: &Value, _: Timestamp) -> Vec<Value> {
    served
        .columns
        .iter()
        .map(|it| if &*it.name == "Name" { json!(text_at(object, "/metadata/name")) } else { json!("<unknown>") })
        .collect()
}
pub(crate) fn is_selectable(_: &Resource, field: &str) -> bool {
    field.starts_with("spec.") || field.starts_with("status.") || field.starts_with("involvedObject.")
}
pub(crate) fn field_value(_: &Served, tree: &Value, field: &str) -> String {
    match tree.pointer(&format!("/{}", field.replace('.', "/"))) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

#[derive(Debug, Clone)]
pub(crate) struct LabelSelector(Vec<(String, Option<String>, bool)>);
pub(crate) type FieldSelector = LabelSelector;
impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split(',').filter(|it| !it.trim().is_empty()).map(|term| {
            if let Some((key, value)) = term.split_once("!=") {
                return (key.trim().to_owned(), Some(value.trim().to_owned()), false);
            }
            if let Some((key, value)) = term.split_once('=') {
                return (key.trim().to_owned(), Some(value.trim_start_matches('=').trim().to_owned()), true);
            }
            match term.trim().strip_prefix('!') {
                Some(key) => (key.to_owned(), None, false),
                None => (term.trim().to_owned(), None, true),
            }
        });
        Ok(Self(terms.collect()))
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| it.0.as_str())
    }
    pub(crate) fn matches<T: PartialEq<str> + AsRef<str>>(&self, value: impl Fn(&str) -> T) -> bool {
        self.0.iter().all(|(key, wanted, positive)| match wanted {
            Some(wanted) => (value(key) == **wanted) == *positive,
            None => true,
        })
    }
}
