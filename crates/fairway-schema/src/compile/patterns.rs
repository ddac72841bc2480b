//! The patterns of a schema: each must compile, and there may not be too many different ones.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::cause::Cause;
use crate::path::Path;
use crate::pattern::Pattern;

/// How many different patterns a schema may hold: each takes time and memory.
const MAX_PATTERNS: usize = 500;

/// Adds what is wrong with the patterns below a node.
pub(super) fn check(node: &Map<String, Value>, path: &Path<'_>, causes: &mut Vec<Cause>) {
    walk(node, path, &mut HashSet::new(), causes);
}

fn walk<'n>(node: &'n Map<String, Value>, path: &Path<'_>, seen: &mut HashSet<&'n str>, causes: &mut Vec<Cause>) {
    if let Some(pattern) = node.get("pattern").and_then(Value::as_str).filter(|it| !it.is_empty()) {
        check_one(pattern, &Path::Field(path, "pattern"), seen, causes);
    }
    for (key, value) in node {
        let at = Path::Field(path, key);
        match (key.as_str(), value) {
            ("properties", Value::Object(fields)) => {
                for (name, field) in fields {
                    if let Value::Object(field) = field {
                        walk(field, &Path::Key(&at, name), seen, causes);
                    }
                }
            }
            ("items" | "additionalProperties" | "not", Value::Object(below)) => walk(below, &at, seen, causes),
            ("allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
                for (index, below) in list.iter().enumerate() {
                    if let Value::Object(below) = below {
                        walk(below, &Path::Index(&at, index), seen, causes);
                    }
                }
            }
            _ => {}
        }
    }
}

fn check_one<'n>(pattern: &'n str, at: &Path<'_>, seen: &mut HashSet<&'n str>, causes: &mut Vec<Cause>) {
    if seen.len() > MAX_PATTERNS || !seen.insert(pattern) {
        return;
    }
    if seen.len() > MAX_PATTERNS {
        let detail = format!("a schema may hold at most {MAX_PATTERNS} different patterns");
        causes.push(Cause::forbidden(at.to_string(), &detail));
    } else if let Err(why) = Pattern::new(pattern).check() {
        let detail = format!("must be a valid regular expression, but isn't: {why}");
        causes.push(Cause::invalid(at.to_string(), &json!(pattern), &detail));
    }
}
