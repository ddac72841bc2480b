//! Which events a write is. Pure.

use std::collections::BTreeSet;

use fairway_api::GROUP;
use fairway_api::names::ANNOTATION_CAUSE;
use fairway_apiserver::AuditNote;
use fairway_ledger::{Event, ObjectRef, types};
use fairway_store::{Entry, EventKind, ObjectChange};
use serde_json::{Map, Value, json};

/// Label of the inventory that the agent writes once a bundle is applied.
const INVENTORY: &str = "fairway.dev/inventory";
/// Values longer than this are named and not shown.
const SHOWN: usize = 200;

/// An event without its id.
#[derive(Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) event: Event,
    /// Whether it may be the event that the cause it carries announced.
    pub(super) may_begin: bool,
}

/// The events of one batch.
pub(super) fn drafts(note: &AuditNote, entry: &Entry<'_>) -> Vec<Draft> {
    if let Some((code, message)) = &note.refused {
        return if note.in_process { Vec::new() } else { vec![refused(note, *code, message).told_of(note)] };
    }
    if let Some(how) = &note.entered {
        return if note.in_process { Vec::new() } else { vec![entered(note, how).told_of(note)] };
    }
    entry.objects.iter().filter_map(|it| draft(note, it)).map(|it| it.told_of(note)).collect()
}

impl Draft {
    /// Who really acted is told beside the user they acted as.
    fn told_of(mut self, note: &AuditNote) -> Self {
        if let Some(impersonator) = &note.identity.impersonator {
            if self.event.data.is_null() {
                self.event.data = json!({});
            }
            self.event.data["impersonator"] = json!(impersonator);
        }
        self
    }
}

/// A session in a pod: where and with which program, not what was said in it.
fn entered(note: &AuditNote, how: &Value) -> Draft {
    let mut event = event(note, types::POD_ENTERED, named(note));
    event.data = how.clone();
    if let Some(program) = how["program"].as_str() {
        event.data["program"] = json!(cut(program));
    }
    Draft { event, may_begin: false }
}

/// The object that a request names, as far as it does.
fn named(note: &AuditNote) -> ObjectRef {
    ObjectRef {
        group: note.group.to_string(),
        kind: note.kind.to_string(),
        namespace: note.namespace.to_string(),
        name: note.name.to_string(),
        ..ObjectRef::default()
    }
}

fn refused(note: &AuditNote, code: u16, message: &str) -> Draft {
    let mut event = event(note, types::REQUEST_REFUSED, named(note));
    event.data = json!({ "code": code, "message": cut(message), "userAgent": &*note.user_agent });
    Draft { event, may_begin: false }
}

fn draft(note: &AuditNote, change: &ObjectChange<'_>) -> Option<Draft> {
    let storage = &*change.after.key.resource;
    if matches!(
        storage,
        "coordination.k8s.io/leases"
            | "core/events"
            | "events.k8s.io/events"
            | "core/endpoints"
            | "discovery.k8s.io/endpointslices"
    ) {
        return None;
    }
    let ours = storage.strip_prefix(GROUP).is_some_and(|it| it.starts_with('/'));
    let after: Value = serde_json::from_slice(&change.after.value).ok()?;
    if note.in_process && !ours {
        return (storage == "core/configmaps").then(|| bundle(note, change, &after)).flatten();
    }
    let before: Value = change.before.and_then(|it| serde_json::from_slice(&it.value).ok()).unwrap_or(Value::Null);
    let data = if ours { differences(&before, &after) } else { Map::new() };
    if note.in_process && change.kind == EventKind::Updated && data.is_empty() {
        return None;
    }
    let r#type = match change.kind {
        EventKind::Created => types::OBJECT_CREATED,
        EventKind::Updated => types::OBJECT_UPDATED,
        EventKind::Deleted => types::OBJECT_DELETED,
    };
    let mut event = event(note, r#type, object(note, change, &after));
    event.cause = after["metadata"]["annotations"][ANNOTATION_CAUSE].as_str().map(str::to_owned);
    if !data.is_empty() {
        event.data = Value::Object(data);
    }
    Some(Draft { event, may_begin: !note.in_process })
}

/// A bundle counts as applied once its inventory knows every object's UID.
fn bundle(note: &AuditNote, change: &ObjectChange<'_>, after: &Value) -> Option<Draft> {
    let entries =
        |value: &Value| -> Option<Vec<Value>> { serde_json::from_str(value["data"]["entries.json"].as_str()?).ok() };
    let name = after["metadata"]["labels"][INVENTORY].as_str()?;
    if change.kind == EventKind::Deleted {
        let mut event = event(note, "dev.fairway.bundle.removed", object(note, change, after));
        event.subject = Some(format!("{}/{name}", change.after.key.namespace));
        return Some(Draft { event, may_begin: false });
    }
    let now = entries(after)?;
    if now.is_empty() || now.iter().any(|it| it["uid"].is_null()) {
        return None;
    }
    let before = change.before.and_then(|it| serde_json::from_slice(&it.value).ok()).as_ref().and_then(entries);
    let before = before.unwrap_or_default();
    let changed: Vec<&Value> = now.iter().filter(|it| !before.contains(it)).collect();
    let shown =
        |it: &Value| format!("{}/{}", it["kind"].as_str().unwrap_or_default(), it["name"].as_str().unwrap_or_default());
    let pruned: Vec<String> = before
        .iter()
        .filter(|it| !now.iter().any(|other| other["kind"] == it["kind"] && other["name"] == it["name"]))
        .map(shown)
        .collect();
    let mut event = event(note, types::BUNDLE_APPLIED, object(note, change, after));
    event.subject = Some(format!("{}/{name}", change.after.key.namespace));
    event.cause = changed.iter().find_map(|it| it["cause"].as_str()).map(str::to_owned);
    event.data = json!({
        "objects": now.iter().map(shown).collect::<Vec<_>>(),
        "changed": changed.iter().map(|it| shown(it)).collect::<Vec<_>>(),
        "pruned": pruned,
    });
    Some(Draft { event, may_begin: false })
}

fn event(note: &AuditNote, r#type: &str, object: ObjectRef) -> Event {
    let place = if object.namespace.is_empty() { String::new() } else { format!("{}/", object.namespace) };
    let subject = format!("{place}{}/{}", note.resource, object.name);
    Event {
        id: String::new(),
        source: "/apiserver".to_owned(),
        kind: r#type.to_owned(),
        subject: Some(subject),
        time: note.at,
        actor: note.identity.user.clone(),
        cause: None,
        verb: if note.subresource.is_empty() {
            note.verb.to_string()
        } else {
            format!("{} {}", note.verb, note.subresource)
        },
        object: Some(object),
        data: Value::Null,
    }
}

fn object(note: &AuditNote, change: &ObjectChange<'_>, after: &Value) -> ObjectRef {
    ObjectRef {
        group: note.group.to_string(),
        kind: note.kind.to_string(),
        namespace: change.after.key.namespace.to_string(),
        name: change.after.key.name.to_string(),
        uid: after["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
        revision: change.after.revision,
    }
}

/// What changed in an object of ours, as people would tell it: wishes in full, of the status only what is not a
/// heartbeat.
fn differences(before: &Value, after: &Value) -> Map<String, Value> {
    let mut data = Map::new();
    let mut wishes = Map::new();
    compare("spec", &before["spec"], &after["spec"], &mut wishes);
    if !wishes.is_empty() {
        data.insert("changed".to_owned(), Value::Object(wishes));
    }
    for field in ["summary", "version"] {
        let (was, is) = (&before["status"][field], &after["status"][field]);
        if was != is && !is.is_null() {
            data.insert(field.to_owned(), short(is));
        }
    }
    let serving = |it: &Value| it["status"]["current"]["version"].clone();
    if serving(before) != serving(after) {
        data.insert("serving".to_owned(), serving(after));
    }
    if before["metadata"]["deletionTimestamp"].is_null() && !after["metadata"]["deletionTimestamp"].is_null() {
        data.insert("deleting".to_owned(), json!(true));
    }
    data
}

/// The leaves that differ, by path.
fn compare(path: &str, before: &Value, after: &Value, found: &mut Map<String, Value>) {
    if before == after || found.len() >= 20 {
        return;
    }
    // A new object is told field by field too.
    let nothing = Map::new();
    let was = if before.is_null() { Some(&nothing) } else { before.as_object() };
    if let (Some(was), Some(is)) = (was, after.as_object()) {
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for name in names {
            compare(&format!("{path}.{name}"), &before[name], &after[name], found);
        }
        return;
    }
    found.insert(path.to_owned(), short(after));
}

fn short(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(cut(text)),
        Value::Array(_) | Value::Object(_) => json!("(changed)"),
        other => other.clone(),
    }
}

fn cut(text: &str) -> String {
    if text.len() <= SHOWN { text.to_owned() } else { format!("{}…", &text[..text.floor_char_boundary(SHOWN)]) }
}

#[cfg(test)]
mod tests;
