//! Reading a map field by field: what has the wrong type or nobody asked for becomes a finding.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::Finding;

/// A variable's value may be this long.
const MAX_VALUE: usize = 32 * 1024;

/// The fields of one map, and which of them were read.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: &'a str,
    findings: &'a mut Vec<Finding>,
    read: BTreeSet<String>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>, path: &'a str, findings: &'a mut Vec<Finding>) -> Self {
        Self { map, path, findings, read: BTreeSet::new() }
    }

    /// Notes a finding about a field.
    pub(super) fn find(&mut self, field: &str, message: &str) {
        let path = self.at(field);
        self.findings.push(Finding::new(path, message));
    }

    fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// Whatever is there; null counts as absent.
    pub(super) fn any(&mut self, field: &str) -> Option<Value> {
        self.read.insert(field.to_owned());
        self.map.get(field).filter(|it| !it.is_null()).cloned()
    }

    fn wrong(&mut self, field: &str, wanted: &str, value: &Value) {
        let is = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        };
        self.find(field, &format!("must be {wanted}, and is {is}"));
    }

    pub(super) fn map(&mut self, field: &str) -> Option<Map<String, Value>> {
        match self.any(field)? {
            Value::Object(map) => Some(map),
            other => {
                self.wrong(field, "a map", &other);
                None
            }
        }
    }

    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        match self.any(field)? {
            Value::String(text) => Some(text),
            other => {
                self.wrong(field, "text", &other);
                None
            }
        }
    }

    /// Text, or a number as it is written: a version is one or the other.
    pub(super) fn word(&mut self, field: &str) -> Option<String> {
        match self.any(field)? {
            Value::String(text) if !text.is_empty() && text.len() <= 40 => Some(text),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.wrong(field, "a word of at most 40 characters", &other);
                None
            }
        }
    }

    pub(super) fn texts(&mut self, field: &str) -> Vec<String> {
        match self.any(field) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.into_iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
            }
            Some(other) => {
                self.wrong(field, "a list of text", &other);
                Vec::new()
            }
        }
    }

    pub(super) fn port(&mut self, field: &str) -> Option<u16> {
        let value = self.any(field)?;
        let number = value.as_u64().and_then(|it| u16::try_from(it).ok()).filter(|it| *it > 0);
        if number.is_none() {
            self.find(field, "must be a port between 1 and 65535");
        }
        number
    }

    /// Environment variables: names and text.
    pub(super) fn variables(&mut self, field: &str) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for (name, value) in self.map(field).unwrap_or_default() {
            let at = format!("{field}.{name}");
            match value {
                Value::String(text) if text.len() > MAX_VALUE => {
                    self.find(&at, &format!("has {} bytes; at most {MAX_VALUE} are allowed", text.len()));
                }
                Value::String(text) if is_variable(&name) => {
                    variables.insert(name, text);
                }
                Value::String(_) => self.find(&at, "is not a variable name; use letters, digits and \"_\""),
                other => self.wrong(&at, "text (quote it)", &other),
            }
        }
        variables
    }

    /// A probe: `httpGet`, `exec`, or `tcpSocket`, in Kubernetes' shape.
    pub(super) fn probe(&mut self, field: &str) -> Option<Value> {
        let probe = self.map(field)?;
        let known = ["httpGet", "exec", "tcpSocket"];
        for name in probe.keys().filter(|it| !known.contains(&it.as_str())) {
            self.find(&format!("{field}.{name}"), "is not known; use httpGet, exec or tcpSocket");
        }
        if let Some(http) = probe.get("httpGet") {
            let port = http["port"].as_u64().and_then(|it| u16::try_from(it).ok()).filter(|it| *it > 0);
            let path = http["path"].as_str().filter(|it| it.starts_with('/') && it.len() <= 2048);
            let (Some(port), Some(path)) = (port, path) else {
                self.find(&format!("{field}.httpGet"), "needs \"path\" (beginning with \"/\") and \"port\" (a number)");
                return None;
            };
            let mut get = json!({ "path": path, "port": port });
            if let Some(scheme) = http["scheme"].as_str() {
                get["scheme"] = json!(scheme.to_uppercase());
            }
            return Some(json!({ "httpGet": get }));
        }
        if let Some(socket) = probe.get("tcpSocket") {
            let port = socket["port"].as_u64().and_then(|it| u16::try_from(it).ok()).filter(|it| *it > 0);
            if port.is_none() {
                self.find(&format!("{field}.tcpSocket"), "needs \"port\" (a number)");
            }
            return port.map(|it| json!({ "tcpSocket": { "port": it } }));
        }
        let command = probe.get("exec").and_then(|it| it["command"].as_array()).cloned().unwrap_or_default();
        if command.is_empty() || !command.iter().all(Value::is_string) {
            self.find(field, "needs one of httpGet, tcpSocket, or exec with \"command\" (a list of text)");
            return None;
        }
        Some(json!({ "exec": { "command": command } }))
    }

    /// `requests` and `limits` of cpu and memory.
    pub(super) fn resources(&mut self, field: &str) -> Value {
        let mut resources = Map::new();
        for (part, value) in self.map(field).unwrap_or_default() {
            let at = format!("{field}.{part}");
            if !["requests", "limits"].contains(&part.as_str()) {
                self.find(&at, "is not known; use requests and limits");
                continue;
            }
            let mut kept = Map::new();
            for (name, amount) in value.as_object().cloned().unwrap_or_default() {
                let text = match &amount {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => String::new(),
                };
                if !["cpu", "memory"].contains(&name.as_str()) {
                    self.find(&format!("{at}.{name}"), "is not known; use cpu and memory");
                } else if !is_quantity(&text) {
                    self.find(&format!("{at}.{name}"), "is not an amount; write \"250m\" or \"64Mi\"");
                } else {
                    kept.insert(name, json!(text));
                }
            }
            resources.insert(part, Value::Object(kept));
        }
        Value::Object(resources)
    }

    /// Whatever was not read is not known.
    pub(super) fn end(&mut self) {
        let unknown: Vec<String> = self.map.keys().filter(|it| !self.read.contains(*it)).take(20).cloned().collect();
        for field in unknown {
            self.find(&field, "is not known here; remove it or check its spelling");
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.len() <= 253
        && name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// Digits with at most one point, and a suffix Kubernetes knows.
fn is_quantity(text: &str) -> bool {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    let known = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"].contains(&suffix);
    let points = digits.matches('.').count();
    known
        && text.len() <= 20
        && points <= 1
        && digits.starts_with(|it: char| it.is_ascii_digit())
        && digits.ends_with(|it: char| it.is_ascii_digit())
        && digits.bytes().all(|it| it.is_ascii_digit() || it == b'.')
}
