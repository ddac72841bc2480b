//! Settings: `config/<layer>.yaml`, flat maps from names to texts. The layer `default` is for every Environment, any
//! other for the one of its name.

use std::collections::BTreeMap;

use fairway_api::names::EnvironmentName;
use serde_json::Value;

use crate::{Finding, render};

/// The folder of the files.
pub const FOLDER: &str = "config";
/// A file larger than this is not one of settings.
pub const MAX_BYTES: usize = 1 << 20;

/// Settings by layer.
pub type Settings = BTreeMap<String, BTreeMap<String, String>>;

/// The layer that a file of the folder holds. None for what is no file of settings; a finding for what was probably
/// meant as one.
pub fn layer(file: &str) -> Option<Result<&str, Finding>> {
    let Some(layer) = file.strip_suffix(".yaml") else {
        let stem = file.strip_suffix(".yml")?;
        return Some(Err(Finding::new("", format!("is not read; call it {stem}.yaml"))));
    };
    if layer != "default" && EnvironmentName::parse(layer).is_err() {
        return Some(Err(Finding::new("", "is neither default.yaml nor named like an environment")));
    }
    Some(Ok(layer))
}

/// Reads the file of a layer; numbers and truth values are texts too.
pub fn parse(layer: &str, text: &str) -> (BTreeMap<String, String>, Vec<Finding>) {
    let mut settings = BTreeMap::new();
    let mut findings = Vec::new();
    if text.len() > MAX_BYTES {
        return (settings, vec![Finding::new("", format!("has more than {MAX_BYTES} bytes"))]);
    }
    let tree: Value = match serde_saphyr::from_str(text) {
        Ok(tree) => tree,
        Err(error) => {
            let first: String = error.to_string().lines().next().unwrap_or_default().chars().take(300).collect();
            return (settings, vec![Finding::new("", format!("is not valid YAML: {first}"))]);
        }
    };
    let map = match tree {
        Value::Object(map) => map,
        Value::Null => return (settings, findings),
        _ => return (settings, vec![Finding::new("", "must be a map of names to texts")]),
    };
    for (name, value) in map {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => {
                let name: String = name.chars().take(80).collect();
                findings.push(Finding::new(name, "must be a text; write it in quotes"));
                continue;
            }
        };
        findings.extend(render::check_setting(layer, &name, &value));
        settings.insert(name, value);
    }
    (settings, findings)
}

#[cfg(test)]
mod tests;
