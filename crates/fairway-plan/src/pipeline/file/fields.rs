//! Reading a map field by field, with the line of everything that is wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Node, Value};
use super::units;
use crate::Finding;

/// The fields of one map, and which of them were read.
pub(super) struct Fields<'n, 'f> {
    map: &'n [(String, u32, Node)],
    line: u32,
    path: String,
    findings: &'f mut Vec<Finding>,
    read: BTreeSet<&'static str>,
}

impl<'n, 'f> Fields<'n, 'f> {
    /// The fields of what should be a map.
    pub(super) fn of(node: &'n Node, path: &str, findings: &'f mut Vec<Finding>) -> Option<Self> {
        let Value::Map(map) = &node.value else {
            let message = format!("must be a map, and is {}", node.value.what());
            findings.push(Finding::new(path, message).on_line(node.line));
            return None;
        };
        Some(Self { map, line: node.line, path: path.to_owned(), findings, read: BTreeSet::new() })
    }

    /// Notes a finding about a field: on its line, or if it is missing on that of the map.
    pub(super) fn find(&mut self, field: &str, message: impl Into<String>) {
        let top = field.split(['.', '[']).next().unwrap_or(field);
        let line = self.map.iter().find(|it| it.0 == top).map_or(self.line, |it| it.1);
        self.find_on(field, line, message);
    }

    /// Notes a finding about something on a line.
    pub(super) fn find_on(&mut self, field: &str, line: u32, message: impl Into<String>) {
        let path = if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) };
        self.findings.push(Finding::new(path, message).on_line(line));
    }

    /// Whatever is there; nothing counts as absent.
    pub(super) fn any(&mut self, field: &'static str) -> Option<&'n Node> {
        self.read.insert(field);
        self.map.iter().find(|it| it.0 == field).map(|it| &it.2).filter(|it| it.value != Value::Nothing)
    }

    /// Whether it is written, even as nothing.
    pub(super) fn has(&self, field: &str) -> bool {
        self.map.iter().any(|it| it.0 == field)
    }

    fn wrong(&mut self, field: &str, wanted: &str, node: &Node) {
        self.find_on(field, node.line, format!("must be {wanted}, and is {}", node.value.what()));
    }

    /// Text, or a number as text.
    pub(super) fn text(&mut self, field: &'static str) -> Option<String> {
        let node = self.any(field)?;
        match &node.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            _ => {
                self.wrong(field, "text", node);
                None
            }
        }
    }

    pub(super) fn truth(&mut self, field: &'static str) -> bool {
        let Some(node) = self.any(field) else { return false };
        if let Value::Truth(truth) = node.value {
            return truth;
        }
        self.wrong(field, "true or false", node);
        false
    }

    /// A list of text with at most `most` entries.
    pub(super) fn texts(&mut self, field: &'static str, most: usize) -> Vec<(String, u32)> {
        let Some(node) = self.any(field) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong(field, "a list of text", node);
            return Vec::new();
        };
        if items.len() > most {
            self.find(field, format!("has {} entries; at most {most} are allowed", items.len()));
        }
        let mut texts = Vec::new();
        for (index, item) in items.iter().take(most).enumerate() {
            match &item.value {
                Value::Text(text) | Value::Number(text) => texts.push((text.clone(), item.line)),
                _ => self.wrong(&format!("{field}[{index}]"), "text", item),
            }
        }
        texts
    }

    /// Environment variables.
    pub(super) fn variables(&mut self, field: &'static str, most: usize) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        let Some(node) = self.any(field) else { return variables };
        let Value::Map(map) = &node.value else {
            self.wrong(field, "a map of names to text", node);
            return variables;
        };
        if map.len() > most {
            self.find(field, format!("has {} entries; at most {most} are allowed", map.len()));
        }
        for (name, line, value) in map.iter().take(most) {
            let at = format!("{field}.{}", name.chars().take(80).collect::<String>());
            let text = match &value.value {
                Value::Text(text) | Value::Number(text) => text.clone(),
                Value::Truth(truth) => truth.to_string(),
                Value::Nothing => String::new(),
                Value::List(_) | Value::Map(_) => {
                    self.wrong(&at, "text", value);
                    continue;
                }
            };
            if !is_variable(name) {
                self.find_on(&at, *line, "is not a variable name; use letters, digits and \"_\"");
            } else if text.len() > 32 * 1024 || text.contains('\0') {
                self.find_on(&at, *line, "must have at most 32768 bytes and no NUL");
            } else {
                variables.insert(name.clone(), text);
            }
        }
        variables
    }

    /// A length of time in seconds.
    pub(super) fn seconds(&mut self, field: &'static str, usual: u32, most: u32) -> u32 {
        let Some(text) = self.text(field) else { return usual };
        match units::seconds(&text) {
            Some(seconds) if (1..=most).contains(&seconds) => seconds,
            _ => {
                let most = units::spoken_seconds(most);
                self.find(field, format!("must be a time such as \"90s\" or \"30m\", at most {most}"));
                usual
            }
        }
    }

    /// An amount of memory or disk in bytes.
    pub(super) fn bytes(&mut self, field: &'static str, usual: u64, least: u64, most: u64) -> u64 {
        let Some(text) = self.text(field) else { return usual };
        match units::bytes(&text) {
            Some(bytes) if (least..=most).contains(&bytes) => bytes,
            _ => {
                let (least, most) = (units::spoken_bytes(least), units::spoken_bytes(most));
                self.find(field, format!("must be an amount such as \"512Mi\" or \"4Gi\", from {least} to {most}"));
                usual
            }
        }
    }

    /// Whatever was not read is not known.
    pub(super) fn end(mut self) {
        let unknown: Vec<(String, u32)> = self
            .map
            .iter()
            .filter(|it| !self.read.contains(it.0.as_str()))
            .take(20)
            .map(|it| (it.0.chars().take(80).collect(), it.1))
            .collect();
        for (field, line) in unknown {
            self.find_on(&field, line, "is not known here; remove it or check its spelling");
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.len() <= 253
        && name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}
