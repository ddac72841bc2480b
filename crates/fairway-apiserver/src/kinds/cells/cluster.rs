//! Nodes, events, roles, storage.

use serde_json::{Value, json};

use super::{NONE, Row, UNKNOWN, UNSET};
use crate::kinds::tree::{entries, items, text};

pub(super) fn node(row: &Row<'_>) -> Vec<Value> {
    let ready = row.items("/status/conditions").iter().find(|it| it["type"] == "Ready");
    let mut status = match ready.map(|it| text(&it["status"])) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if row.at("/spec/unschedulable") == true {
        status.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let found = row.items("/status/addresses").iter().find(|it| it["type"] == kind);
        json!(found.map_or(NONE, |it| text(&it["address"])))
    };
    vec![
        json!(status),
        json!(roles(row)),
        row.age(),
        row.or("/status/nodeInfo/kubeletVersion", ""),
        address("InternalIP"),
        address("ExternalIP"),
        row.or("/status/nodeInfo/osImage", UNKNOWN),
        row.or("/status/nodeInfo/kernelVersion", UNKNOWN),
        row.or("/status/nodeInfo/containerRuntimeVersion", UNKNOWN),
    ]
}

fn roles(row: &Row<'_>) -> String {
    let mut roles: Vec<&str> = entries(row.at("/metadata/labels"))
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => Some(role),
            _ if key == "kubernetes.io/role" => Some(text(value)),
            _ => None,
        })
        .collect();
    roles.sort_unstable();
    if roles.is_empty() { NONE.to_owned() } else { roles.join(",") }
}

/// Events of both groups; the name comes last, as a wide column.
pub(super) fn event(row: &Row<'_>) -> Vec<Value> {
    let either = |old: &str, new: &str| match row.at(old) {
        Value::Null => row.at(new),
        found => found,
    };
    let about = either("/involvedObject", "/regarding");
    let object = format!("{}/{}", text(&about["kind"]).to_lowercase(), text(&about["name"]));
    let first = [either("/firstTimestamp", "/deprecatedFirstTimestamp"), row.at("/eventTime")];
    let last = [
        row.at("/series/lastObservedTime"),
        either("/lastTimestamp", "/deprecatedLastTimestamp"),
        first[0],
        row.at("/eventTime"),
    ];
    let given = |times: &[&Value]| {
        let found = times.iter().find(|it| it.is_string());
        found.map_or(UNKNOWN.to_owned(), |it| row.since(it))
    };
    let count = row.at("/series/count").as_i64().or(either("/count", "/deprecatedCount").as_i64()).unwrap_or(1);
    vec![
        json!(given(&last)),
        row.or("/type", ""),
        row.or("/reason", ""),
        json!(object),
        json!(text(&about["fieldPath"])),
        json!(source(row)),
        json!(text(either("/message", "/note")).trim()),
        json!(given(&first)),
        json!(count.to_string()),
        json!(row.name()),
    ]
}

fn source(row: &Row<'_>) -> String {
    let source = match row.at("/source") {
        Value::Null => row.at("/deprecatedSource"),
        found => found,
    };
    let reporter = match row.at("/reportingComponent") {
        Value::Null => row.at("/reportingController"),
        found => found,
    };
    let component = if text(&source["component"]).is_empty() { text(reporter) } else { text(&source["component"]) };
    let host = if text(&source["host"]).is_empty() { "" } else { text(&source["host"]) };
    if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") }
}

pub(super) fn binding(row: &Row<'_>) -> Vec<Value> {
    let role = format!("{}/{}", text(row.at("/roleRef/kind")), text(row.at("/roleRef/name")));
    let subjects = |kind: &str| {
        let of_kind = row.items("/subjects").iter().filter(|it| it["kind"] == kind);
        let names: Vec<String> = of_kind
            .map(|it| match text(&it["namespace"]) {
                "" => text(&it["name"]).to_owned(),
                namespace => format!("{namespace}/{}", text(&it["name"])),
            })
            .collect();
        json!(names.join(", "))
    };
    vec![json!(role), row.age(), subjects("User"), subjects("Group"), subjects("ServiceAccount")]
}

fn access_modes(modes: &Value) -> String {
    let short = |it: &Value| match text(it) {
        "ReadWriteOnce" => "RWO".to_owned(),
        "ReadOnlyMany" => "ROX".to_owned(),
        "ReadWriteMany" => "RWX".to_owned(),
        "ReadWriteOncePod" => "RWOP".to_owned(),
        other => other.to_owned(),
    };
    items(modes).iter().map(short).collect::<Vec<_>>().join(",")
}

fn status_word(row: &Row<'_>) -> Value {
    if row.at("/metadata/deletionTimestamp").is_null() { row.or("/status/phase", "") } else { json!("Terminating") }
}

pub(super) fn claim(row: &Row<'_>) -> Vec<Value> {
    let bound = !text(row.at("/spec/volumeName")).is_empty();
    vec![
        status_word(row),
        row.or("/spec/volumeName", ""),
        if bound { row.or("/status/capacity/storage", "") } else { json!("") },
        json!(if bound { access_modes(row.at("/status/accessModes")) } else { String::new() }),
        row.or("/spec/storageClassName", ""),
        row.or("/spec/volumeAttributesClassName", UNSET),
        row.age(),
        row.or("/spec/volumeMode", UNSET),
    ]
}

pub(super) fn volume(row: &Row<'_>) -> Vec<Value> {
    let claim = row.at("/spec/claimRef");
    let claim =
        if claim.is_null() { String::new() } else { format!("{}/{}", text(&claim["namespace"]), text(&claim["name"])) };
    vec![
        row.or("/spec/capacity/storage", ""),
        json!(access_modes(row.at("/spec/accessModes"))),
        row.or("/spec/persistentVolumeReclaimPolicy", ""),
        status_word(row),
        json!(claim),
        row.or("/spec/storageClassName", ""),
        row.or("/spec/volumeAttributesClassName", UNSET),
        row.or("/status/reason", ""),
        row.age(),
        row.or("/spec/volumeMode", UNSET),
    ]
}

pub(super) fn quota(row: &Row<'_>) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (name, hard) in entries(row.at("/status/hard")) {
        let used = row.at("/status/used").get(name).map_or("0", text);
        let list = if name.starts_with("limits") { &mut limits } else { &mut requests };
        list.push(format!("{name}: {used}/{}", text(hard)));
    }
    vec![json!(requests.join(", ")), json!(limits.join(", ")), row.age()]
}

pub(super) fn disruption_budget(row: &Row<'_>) -> Vec<Value> {
    let share = |pointer: &str| match row.at(pointer) {
        Value::Null => json!("N/A"),
        Value::String(text) => json!(text),
        number => json!(number.to_string()),
    };
    vec![
        share("/spec/minAvailable"),
        share("/spec/maxUnavailable"),
        json!(row.count("/status/disruptionsAllowed")),
        row.age(),
    ]
}

pub(super) fn storage_class(row: &Row<'_>) -> Vec<Value> {
    vec![
        row.or("/provisioner", ""),
        row.or("/reclaimPolicy", "Delete"),
        row.or("/volumeBindingMode", UNSET),
        json!(row.at("/allowVolumeExpansion") == true),
        row.age(),
    ]
}
