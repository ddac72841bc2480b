//! The way from `kubectl apply` on the client to apply on the server.

use serde_json::Value;

use super::compare::compare;
use super::entries::without_managers;
use super::fields::of;
use super::place::Place;
use super::set::FieldSet;
use super::{Manager, Write};

/// Where the client keeps what it applied last.
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manager to which these rules hold.
const KUBECTL: &str = "kubectl";

/// How many bytes all annotations of one object may have.
const MOST_BYTES: usize = 256 * 1024;

/// The fields that `kubectl` may take from others because they still are as it applied them on the client.
pub(super) fn allowed(write: &Write<'_>) -> Option<FieldSet> {
    if write.manager.name != KUBECTL {
        return None;
    }
    let live = write.live?;
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(write.manager.api_version) {
        return None;
    }
    let place = Place::Root(write.schema);
    let changes = compare(place, &last, &without_managers(live));
    Some(of(place, &last).difference(&changes.set()).difference(&changes.removed))
}

/// Keeps the annotation true where there is one: the client can go back to applying by itself.
pub(super) fn refresh(manager: &Manager<'_>, object: &mut Value, config: &Value) {
    if manager.name != KUBECTL || annotation(object).is_none() {
        return;
    }
    let mut config = without_managers(config);
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    let text = format!("{config}\n");
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else { return };
    annotations.insert(ANNOTATION.to_owned(), Value::String(text));
    let bytes: usize = annotations.iter().map(|(name, text)| name.len() + text.as_str().map_or(0, str::len)).sum();
    if bytes > MOST_BYTES {
        annotations.remove(ANNOTATION);
    }
}

fn annotation(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str().filter(|it| !it.is_empty())
}
