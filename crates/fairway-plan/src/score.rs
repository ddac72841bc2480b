//! `score.yaml`: how a workload runs, in the words of the Score specification (`score.dev/v1b1`).
//!
//! [`parse`] takes the file, [`workload`] takes what a Release kept of it; both give all findings at once. What we do
//! not run yet is a finding that says so, never silence.

mod fields;

mod resources;

mod edit;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Finding;
use fields::Fields;

pub use edit::with_need;
pub use resources::{Need, Piece, pieces};

/// A file larger than this is not a score file.
pub const MAX_BYTES: usize = 256 * 1024;
/// The annotation that says how long an instance may take to become ready.
pub const READY_WITHIN: &str = "fairway.dev/ready-within";
/// How long it may take where nothing is said.
const READY_WITHIN_DEFAULT: u32 = 60;

/// A parsed score file.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// `metadata.name`.
    pub name: String,
    /// The rest, as a Release keeps it.
    pub workload: Map<String, Value>,
}

/// How a workload runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Workload {
    /// By name.
    pub containers: BTreeMap<String, Container>,
    /// Ports of the service, by name.
    pub ports: BTreeMap<String, ServicePort>,
    /// What it needs, by name.
    pub resources: BTreeMap<String, Need>,
    /// How many seconds an instance may take to become ready.
    pub ready_within: u32,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Container {
    /// `.` for the image that is built from the folder.
    pub image: String,
    /// Replaces the image's entry point.
    pub command: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables; their values may have placeholders, see [`pieces`].
    pub variables: BTreeMap<String, String>,
    /// `resources`, as Kubernetes has it.
    pub resources: Value,
    /// `livenessProbe`, as Kubernetes has it.
    pub liveness: Option<Value>,
    /// `readinessProbe`, as Kubernetes has it.
    pub readiness: Option<Value>,
}

/// One port of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// What callers use.
    pub port: u16,
    /// What the container listens on.
    pub target: u16,
}

/// Parses the file. `None` where it is not readable at all.
pub fn parse(text: &str) -> (Option<Score>, Vec<Finding>) {
    if text.len() > MAX_BYTES {
        let message = format!("has {} bytes; a score file has at most {MAX_BYTES}", text.len());
        return (None, vec![Finding::new("", message)]);
    }
    let tree: Value = match serde_saphyr::from_str(text) {
        Ok(tree) => tree,
        Err(error) => {
            let first: String = error.to_string().lines().next().unwrap_or_default().chars().take(300).collect();
            return (None, vec![Finding::new("", format!("is not valid YAML: {first}"))]);
        }
    };
    let mut findings = Vec::new();
    let Some(map) = tree.as_object() else {
        return (None, vec![Finding::new("", "must be a map that begins with \"apiVersion: score.dev/v1b1\"")]);
    };
    let mut top = Fields::new(map, "", &mut findings);
    match top.text("apiVersion").as_deref() {
        Some("score.dev/v1b1") => {}
        Some(other) => top.find("apiVersion", &format!("is {other:?}; \"score.dev/v1b1\" is understood")),
        None => top.find("apiVersion", "is missing; write \"apiVersion: score.dev/v1b1\""),
    }
    let metadata = top.map("metadata").unwrap_or_default();
    let mut kept = Map::new();
    for part in ["containers", "service", "resources"] {
        if let Some(value) = top.any(part) {
            kept.insert(part.to_owned(), value);
        }
    }
    top.end();
    let mut fields = Fields::new(&metadata, "metadata", &mut findings);
    let name = fields.text("name");
    if name.is_none() {
        fields.find("name", "is missing; it is the component's name");
    }
    if let Some(annotations) = fields.map("annotations") {
        kept.insert("annotations".to_owned(), Value::Object(annotations));
    }
    fields.any("labels");
    fields.end();
    let (_, more) = workload(&kept);
    findings.extend(more);
    (name.map(|name| Score { name, workload: kept }), findings)
}

/// Reads what a Release kept.
pub fn workload(kept: &Map<String, Value>) -> (Workload, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut top = Fields::new(kept, "", &mut findings);
    let containers = top.map("containers").unwrap_or_default();
    let service = top.map("service").unwrap_or_default();
    let resources = top.map("resources").unwrap_or_default();
    let annotations = top.map("annotations").unwrap_or_default();
    top.end();
    if containers.is_empty() {
        top.find("containers", "is missing or empty; a workload has at least one container");
    }
    if containers.len() > 20 {
        top.find("containers", &format!("has {} entries; at most 20 are run together", containers.len()));
    }
    let mut workload = Workload { ready_within: ready_within(&annotations, &mut findings), ..Workload::default() };
    workload.resources = resources::needs(&resources, &mut findings);
    for (name, value) in containers.iter().take(20) {
        let path = format!("containers.{name}");
        if !is_label(name) {
            findings.push(Finding::new(&path, "is not a name; use lower-case letters, digits and \"-\", at most 63"));
        }
        let Some(map) = value.as_object() else {
            findings.push(Finding::new(&path, "must be a map"));
            continue;
        };
        let container = container(map, &path, &mut findings);
        for (variable, value) in &container.variables {
            let why = resources::refused(value, &workload.resources);
            findings.extend(why.map(|it| Finding::new(format!("{path}.variables.{variable}"), it)));
        }
        workload.containers.insert(name.clone(), container);
    }
    ports(&service, &mut workload, &mut findings);
    (workload, findings)
}

fn container(map: &Map<String, Value>, path: &str, findings: &mut Vec<Finding>) -> Container {
    let mut fields = Fields::new(map, path, findings);
    let image = fields.text("image");
    if image.as_deref().is_none_or(str::is_empty) {
        fields.find("image", "is missing; \".\" is the image built from this folder");
    }
    let container = Container {
        image: image.unwrap_or_default(),
        command: fields.texts("command"),
        args: fields.texts("args"),
        variables: fields.variables("variables"),
        resources: fields.resources("resources"),
        liveness: fields.probe("livenessProbe"),
        readiness: fields.probe("readinessProbe"),
    };
    for later in ["files", "volumes"] {
        if fields.any(later).is_some() {
            fields.find(later, "is not supported yet; remove it");
        }
    }
    fields.end();
    container
}

fn ports(service: &Map<String, Value>, workload: &mut Workload, findings: &mut Vec<Finding>) {
    let mut fields = Fields::new(service, "service", findings);
    let ports = fields.map("ports").unwrap_or_default();
    fields.end();
    for (name, value) in &ports {
        let path = format!("service.ports.{name}");
        if !is_label(name) || name.len() > 15 {
            findings
                .push(Finding::new(&path, "is not a port name; use lower-case letters, digits and \"-\", at most 15"));
        }
        let Some(map) = value.as_object() else {
            findings.push(Finding::new(&path, "must be a map with \"port\""));
            continue;
        };
        let mut fields = Fields::new(map, &path, findings);
        let port = fields.port("port");
        let target = fields.port("targetPort");
        if port.is_none() && !map.contains_key("port") {
            fields.find("port", "is missing; write the number callers use");
        }
        if let Some(protocol) = fields.text("protocol").filter(|it| it != "TCP") {
            fields.find("protocol", &format!("is {protocol:?}; only TCP is supported yet"));
        }
        fields.end();
        if let Some(port) = port {
            workload.ports.insert(name.clone(), ServicePort { port, target: target.unwrap_or(port) });
        }
    }
}

fn ready_within(annotations: &Map<String, Value>, findings: &mut Vec<Finding>) -> u32 {
    let Some(value) = annotations.get(READY_WITHIN) else { return READY_WITHIN_DEFAULT };
    let text = value.as_str().unwrap_or_default();
    match seconds(text) {
        Some(seconds) if (1..=3600).contains(&seconds) => seconds,
        _ => {
            let path = format!("metadata.annotations.{READY_WITHIN}");
            findings.push(Finding::new(path, "must be seconds or minutes between \"1s\" and \"60m\""));
            READY_WITHIN_DEFAULT
        }
    }
}

/// How many seconds `10s`, `5m` or `1h` are.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let units = [('s', 1), ('m', 60), ('h', 3600)];
    let (number, unit) = units.iter().find_map(|(letter, unit)| Some((text.strip_suffix(*letter)?, *unit)))?;
    number.parse::<u32>().ok()?.checked_mul(unit)
}

/// Whether a word can name a container.
fn is_label(name: &str) -> bool {
    let inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

#[cfg(test)]
mod tests;
