//! Pods: the one word that sums up what all containers do.

use serde_json::{Value, json};

use super::{NONE, Row};
use crate::kinds::tree::{items, text};

pub(super) fn pod(row: &Row<'_>) -> Vec<Value> {
    let mut sum = Sum::of(row);
    sum.word = if let Some(word) = initializing(row, &mut sum) { word } else { running(row, &mut sum) };
    deleting(row, &mut sum);
    let restarts = match &sum.last_restart {
        Some(at) if sum.restarts > 0 => format!("{} ({} ago)", sum.restarts, row.since(at)),
        _ => sum.restarts.to_string(),
    };
    vec![
        json!(format!("{}/{}", sum.ready, sum.total)),
        json!(sum.word),
        json!(restarts),
        row.age(),
        row.or("/status/podIP", NONE),
        row.or("/spec/nodeName", NONE),
        row.or("/status/nominatedNodeName", NONE),
        gates(row),
    ]
}

/// What is counted over all containers.
struct Sum {
    word: String,
    ready: usize,
    total: usize,
    restarts: i64,
    last_restart: Option<Value>,
}

impl Sum {
    fn of(row: &Row<'_>) -> Self {
        let sidecars = row.items("/spec/initContainers").iter().filter(|it| it["restartPolicy"] == "Always").count();
        let total = row.items("/spec/containers").len() + sidecars;
        Self { word: String::new(), ready: 0, total, restarts: 0, last_restart: None }
    }

    fn count_restarts(&mut self, status: &Value) {
        self.restarts += status["restartCount"].as_i64().unwrap_or(0);
        let finished = &status["lastState"]["terminated"]["finishedAt"];
        let later = self.last_restart.as_ref().is_none_or(|it| text(it) < text(finished));
        if finished.is_string() && later {
            self.last_restart = Some(finished.clone());
        }
    }
}

fn phase(row: &Row<'_>) -> String {
    let phase = text(row.at("/status/phase"));
    let gated = |it: &Value| it["type"] == "PodScheduled" && it["reason"] == "SchedulingGated";
    match text(row.at("/status/reason")) {
        "" if row.items("/status/conditions").iter().any(gated) => "SchedulingGated".to_owned(),
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    }
}

/// `Init:1/2`, `Init:CrashLoopBackOff` … while init containers are not done.
fn initializing(row: &Row<'_>, sum: &mut Sum) -> Option<String> {
    let specs = row.items("/spec/initContainers");
    let sidecar =
        |status: &Value| specs.iter().any(|it| it["name"] == status["name"] && it["restartPolicy"] == "Always");
    for (index, status) in row.items("/status/initContainerStatuses").iter().enumerate() {
        sum.count_restarts(status);
        let state = &status["state"];
        if state["terminated"]["exitCode"] == 0 {
            continue;
        }
        if sidecar(status) && status["started"] == true {
            sum.ready += usize::from(status["ready"] == true);
            continue;
        }
        let waiting = text(&state["waiting"]["reason"]);
        return Some(match (&state["terminated"], waiting) {
            (Value::Object(_), _) => format!("Init:{}", exit_word(&state["terminated"])),
            (_, reason) if !reason.is_empty() && reason != "PodInitializing" => format!("Init:{reason}"),
            _ => format!("Init:{index}/{}", specs.len()),
        });
    }
    None
}

fn exit_word(terminated: &Value) -> String {
    match (text(&terminated["reason"]), terminated["signal"].as_i64()) {
        ("", Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        ("", _) => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or(0)),
        (reason, _) => reason.to_owned(),
    }
}

fn running(row: &Row<'_>, sum: &mut Sum) -> String {
    let mut word = phase(row);
    let mut runs = false;
    // kubectl looks from the last to the first, so that the first container has the last word.
    for status in row.items("/status/containerStatuses").iter().rev() {
        sum.count_restarts(status);
        let state = &status["state"];
        let waiting = text(&state["waiting"]["reason"]);
        if !waiting.is_empty() {
            waiting.clone_into(&mut word);
        } else if state["terminated"].is_object() {
            word = exit_word(&state["terminated"]);
        } else if status["ready"] == true && state["running"].is_object() {
            runs = true;
            sum.ready += 1;
        }
    }
    if word == "Completed" && runs {
        let ready = |it: &Value| it["type"] == "Ready" && it["status"] == "True";
        let is_ready = row.items("/status/conditions").iter().any(ready);
        word = if is_ready { "Running".to_owned() } else { "NotReady".to_owned() };
    }
    word
}

fn deleting(row: &Row<'_>, sum: &mut Sum) {
    if row.at("/metadata/deletionTimestamp").is_null() {
        return;
    }
    if row.at("/status/reason") == "NodeLost" {
        "Unknown".clone_into(&mut sum.word);
    } else if !matches!(text(row.at("/status/phase")), "Succeeded" | "Failed") {
        "Terminating".clone_into(&mut sum.word);
    }
}

fn gates(row: &Row<'_>) -> Value {
    let gates = row.items("/spec/readinessGates");
    if gates.is_empty() {
        return json!(NONE);
    }
    let conditions = row.items("/status/conditions");
    let open =
        |gate: &&Value| conditions.iter().any(|it| it["type"] == gate["conditionType"] && it["status"] == "True");
    let passed = gates.iter().filter(open).count();
    json!(format!("{passed}/{}", items(row.at("/spec/readinessGates")).len()))
}
