//! Everything that makes pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{NONE, Row, containers, human_duration, pairs, selector};
use crate::kinds::tree::{items, text};

const TEMPLATE: &str = "/spec/template/spec/containers";

pub(super) fn deployment(row: &Row<'_>) -> Vec<Value> {
    let [names, images] = containers(row.items(TEMPLATE));
    vec![
        json!(format!("{}/{}", row.count("/status/readyReplicas"), row.count("/spec/replicas"))),
        json!(row.count("/status/updatedReplicas")),
        json!(row.count("/status/availableReplicas")),
        row.age(),
        names,
        images,
        json!(selector(row.at("/spec/selector"))),
    ]
}

/// ReplicaSets, and ReplicationControllers, whose selector is a plain map.
pub(super) fn replica_set(row: &Row<'_>) -> Vec<Value> {
    let [names, images] = containers(row.items(TEMPLATE));
    let chosen = row.at("/spec/selector");
    let modern = chosen.get("matchLabels").is_some() || chosen.get("matchExpressions").is_some();
    vec![
        json!(row.count("/spec/replicas")),
        json!(row.count("/status/replicas")),
        json!(row.count("/status/readyReplicas")),
        row.age(),
        names,
        images,
        json!(if modern { selector(chosen) } else { pairs(chosen) }),
    ]
}

pub(super) fn stateful_set(row: &Row<'_>) -> Vec<Value> {
    let [names, images] = containers(row.items(TEMPLATE));
    let ready = format!("{}/{}", row.count("/status/readyReplicas"), row.count("/spec/replicas"));
    vec![json!(ready), row.age(), names, images]
}

pub(super) fn daemon_set(row: &Row<'_>) -> Vec<Value> {
    let [names, images] = containers(row.items(TEMPLATE));
    let mut cells: Vec<Value> = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ]
    .iter()
    .map(|it| json!(row.count(&format!("/status/{it}"))))
    .collect();
    cells.push(json!(pairs(row.at("/spec/template/spec/nodeSelector"))));
    cells.extend([row.age(), names, images, json!(selector(row.at("/spec/selector")))]);
    cells
}

pub(super) fn pod_template(row: &Row<'_>) -> Vec<Value> {
    let [names, images] = containers(row.items("/template/spec/containers"));
    vec![names, images, json!(pairs(row.at("/template/metadata/labels")))]
}

pub(super) fn controller_revision(row: &Row<'_>) -> Vec<Value> {
    let owner = row.items("/metadata/ownerReferences").iter().find(|it| it["controller"] == true);
    let owner = owner.map_or(NONE.to_owned(), |it| {
        let group = text(&it["apiVersion"]).split_once('/').map_or("", |it| it.0);
        let kind = text(&it["kind"]).to_lowercase();
        let dot = if group.is_empty() { "" } else { "." };
        format!("{kind}{dot}{group}/{}", text(&it["name"]))
    });
    vec![json!(owner), json!(row.count("/revision").to_string()), row.age()]
}

pub(super) fn job(row: &Row<'_>) -> Vec<Value> {
    let [names, images] = containers(row.items(TEMPLATE));
    let done = row.count("/status/succeeded");
    let completions = match (row.at("/spec/completions").as_i64(), row.count("/spec/parallelism")) {
        (Some(wanted), _) => format!("{done}/{wanted}"),
        (None, parallel) if parallel > 1 => format!("{done}/1 of {parallel}"),
        (None, _) => format!("{done}/1"),
    };
    vec![
        json!(job_word(row)),
        json!(completions),
        json!(job_duration(row)),
        row.age(),
        names,
        images,
        json!(selector(row.at("/spec/selector"))),
    ]
}

fn job_word(row: &Row<'_>) -> &'static str {
    let holds =
        |name: &str| row.items("/status/conditions").iter().any(|it| it["type"] == name && it["status"] == "True");
    if holds("Complete") {
        "Complete"
    } else if holds("Failed") {
        "Failed"
    } else if !row.at("/metadata/deletionTimestamp").is_null() {
        "Terminating"
    } else if holds("Suspended") {
        "Suspended"
    } else if holds("FailureTarget") {
        "FailureTarget"
    } else if holds("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn job_duration(row: &Row<'_>) -> String {
    let time = |pointer: &str| text(row.at(pointer)).parse::<Timestamp>().ok();
    match (time("/status/startTime"), time("/status/completionTime")) {
        (None, _) => String::new(),
        (Some(start), end) => human_duration(end.unwrap_or(row.now).as_second() - start.as_second()),
    }
}

pub(super) fn cron_job(row: &Row<'_>) -> Vec<Value> {
    let [names, images] = containers(row.items("/spec/jobTemplate/spec/template/spec/containers"));
    let last = row.at("/status/lastScheduleTime");
    let chosen = row.at("/spec/jobTemplate/spec/selector");
    vec![
        row.or("/spec/schedule", ""),
        row.or("/spec/timeZone", NONE),
        // kubectl's table has a boolean column and writes text into it.
        json!(if row.at("/spec/suspend") == true { "True" } else { "False" }),
        json!(row.items("/status/active").len()),
        json!(if last.is_null() { NONE.to_owned() } else { row.since(last) }),
        row.age(),
        names,
        images,
        json!(selector(chosen)),
    ]
}

pub(super) fn autoscaler(row: &Row<'_>) -> Vec<Value> {
    let reference =
        format!("{}/{}", text(row.at("/spec/scaleTargetRef/kind")), text(row.at("/spec/scaleTargetRef/name")));
    let targets: Vec<String> = items(row.at("/spec/metrics")).iter().map(target).collect();
    vec![
        json!(reference),
        json!(if targets.is_empty() { NONE.to_owned() } else { targets.join(", ") }),
        json!(row.at("/spec/minReplicas").as_i64().map_or(super::UNSET.to_owned(), |it| it.to_string())),
        json!(row.count("/spec/maxReplicas").to_string()),
        json!(row.count("/status/currentReplicas").to_string()),
        row.age(),
    ]
}

/// Nothing measures yet, so what is there now is unknown.
fn target(metric: &Value) -> String {
    let resource = &metric["resource"];
    match resource["target"]["averageUtilization"].as_i64() {
        Some(percent) => format!("{}: {}/{percent}%", text(&resource["name"]), super::UNKNOWN),
        None => super::UNKNOWN.to_owned(),
    }
}
