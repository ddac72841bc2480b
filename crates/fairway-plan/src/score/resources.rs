//! What a workload needs, and the placeholders that stand for what it is told of it: `${resources.db.url}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::Fields;
use super::is_label;
use crate::Finding;

/// The longest name of a need: the Resource's name has the Component's before it.
const MAX_NAME: usize = 20;
/// No workload needs more.
const MAX_NEEDS: usize = 20;

/// Something that a workload needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Need {
    /// What: `postgres`.
    pub r#type: String,
    /// The ResourceClass; that of the type's name where it is not said.
    pub class: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The plan.
    pub plan: Option<String>,
}

impl Need {
    /// The ResourceClass it is to be made of.
    pub fn class_name(&self) -> &str {
        self.class.as_deref().unwrap_or(&self.r#type)
    }
}

/// A piece of a variable's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// What is told of a need.
    Output {
        /// The need's name.
        need: String,
        /// Which output of its class.
        output: String,
    },
}

/// Reads `resources`.
pub(super) fn needs(map: &Map<String, Value>, findings: &mut Vec<Finding>) -> BTreeMap<String, Need> {
    let mut needs = BTreeMap::new();
    if map.len() > MAX_NEEDS {
        findings.push(Finding::new("resources", format!("has {} entries; at most {MAX_NEEDS} are allowed", map.len())));
    }
    for (name, value) in map.iter().take(MAX_NEEDS) {
        let path = format!("resources.{name}");
        if !is_label(name) || name.len() > MAX_NAME || name.contains("--") {
            let message = "is not a name; use lower-case letters, digits and single \"-\", at most 20";
            findings.push(Finding::new(&path, message));
        }
        let Some(map) = value.as_object() else {
            findings.push(Finding::new(&path, "must be a map with \"type\", such as { type: postgres }"));
            continue;
        };
        needs.insert(name.clone(), need(map, &path, findings));
    }
    needs
}

fn need(map: &Map<String, Value>, path: &str, findings: &mut Vec<Finding>) -> Need {
    let mut fields = Fields::new(map, path, findings);
    let kind = fields.text("type");
    let class = fields.text("class");
    for (field, value) in [("type", &kind), ("class", &class)] {
        if let Some(value) = value.as_deref().filter(|it| !is_label(it) || it.len() > 40) {
            let shown: String = value.chars().take(60).collect();
            fields.find(field, &format!("is {shown:?}, which names nothing; platform get resourceclasses lists all"));
        }
    }
    if kind.is_none() && !map.contains_key("type") {
        fields.find("type", "is missing; write what is needed, such as \"postgres\"");
    }
    let params = fields.map("params").unwrap_or_default();
    fields.any("metadata");
    if fields.any("id").is_some() {
        fields.find("id", "is not supported: a resource belongs to its component; remove it");
    }
    fields.end();
    let path = format!("{path}.params");
    let mut fields = Fields::new(&params, &path, findings);
    let (version, plan) = (fields.word("version"), fields.word("plan"));
    fields.end();
    Need { r#type: kind.unwrap_or_default(), class, version, plan }
}

/// The pieces of a value. `$${` stands for `${`.
pub fn pieces(value: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            text.push_str(before);
            text.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        text.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let Some(end) = inner.find('}') else {
            return Err("begins a placeholder with \"${\" and does not end it with \"}\"".to_owned());
        };
        let name = &inner[..end];
        let shown: String = name.chars().take(60).collect();
        let mut parts = name.split('.');
        let (Some("resources"), Some(need), Some(output), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let message = "is not known; write ${resources.NAME.OUTPUT}, or $${ for the two signs themselves";
            return Err(format!("has the placeholder \"${{{shown}}}\", which {message}"));
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Output { need: need.to_owned(), output: output.to_owned() });
        rest = &inner[end + 1..];
    }
    text.push_str(rest);
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// What is wrong with the placeholders of a value, if anything.
pub(super) fn refused(value: &str, needs: &BTreeMap<String, Need>) -> Option<String> {
    let pieces = match pieces(value) {
        Ok(pieces) => pieces,
        Err(why) => return Some(why),
    };
    pieces.iter().find_map(|it| {
        let Piece::Output { need, output } = it else { return None };
        let shown: String = format!("${{resources.{need}.{output}}}").chars().take(80).collect();
        if !needs.contains_key(need) {
            let known: Vec<&str> = needs.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "resources is empty".to_owned()
            } else {
                format!("there are {}", known.join(", "))
            };
            return Some(format!("has the placeholder {shown:?}, and no resource has that name; {known}"));
        }
        let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
        (output.is_empty() || !output.bytes().all(plain))
            .then(|| format!("has the placeholder {shown:?}, whose last part is no name of an output"))
    })
}
