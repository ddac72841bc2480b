//! What is held of every repository that is rendered: its documents can be read, and ours are valid.

use fairway_schema::decode_yaml;

use super::{Facts, File, Files};
use crate::pipeline::file as pipeline;
use crate::{Finding, score};

/// The score file's place in a repository.
const SCORE: &str = "score.yaml";

/// Checks all documents of a repository.
pub(super) fn check(files: &Files, facts: &Facts) -> Vec<Finding> {
    let mut findings = unreadable(files);
    if !findings.is_empty() {
        return findings;
    }
    if let Some(file) = files.get(SCORE) {
        let (score, found) = score::parse(&String::from_utf8_lossy(&file.bytes));
        findings.extend(found.into_iter().map(|it| Finding::new(SCORE, it.to_string())));
        if let Some(score) = score.filter(|it| it.name != facts.component) {
            let message = format!("metadata.name: is {:?}, and the component is {:?}", score.name, facts.component);
            findings.push(Finding::new(SCORE, message));
        }
    }
    if let Some(file) = files.get(pipeline::PATH) {
        let (_, found) = pipeline::parse(&String::from_utf8_lossy(&file.bytes));
        let place =
            |line: Option<u32>| line.map_or_else(|| pipeline::PATH.to_owned(), |it| format!("{}:{it}", pipeline::PATH));
        findings.extend(found.into_iter().map(|it| Finding::new(place(it.line), it.to_string())));
    }
    findings
}

/// YAML and JSON files that are none.
pub(super) fn unreadable(files: &Files) -> Vec<Finding> {
    files.iter().filter_map(|(path, file)| Some(Finding::new(path, refused(path, file)?))).collect()
}

fn refused(path: &str, file: &File) -> Option<String> {
    let (_, ending) = path.rsplit_once('.')?;
    let error = match ending.to_ascii_lowercase().as_str() {
        "yaml" | "yml" => {
            let decoded = match decode_yaml(&file.bytes, None) {
                Ok(decoded) => decoded,
                Err(error) => return Some(shortened(&error.to_string())),
            };
            // Without a schema nothing is unknown; what is found stands twice.
            decoded.findings.first()?.to_string()
        }
        "json" => serde_json::from_slice::<serde_json::Value>(&file.bytes).err()?.to_string(),
        _ => return None,
    };
    Some(shortened(&error))
}

fn shortened(error: &str) -> String {
    let line: String = error.lines().next().unwrap_or_default().chars().take(300).collect();
    format!("cannot be read: {line}")
}
