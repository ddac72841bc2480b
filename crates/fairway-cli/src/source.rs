//! What a folder holds: the workload (`score.yaml`), settings (`config/*.yaml`) and where it stands in git.
//!
//! All that is wrong with the files is said at once, each with its file.

mod facts;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use fairway_api::names::ComponentName;
use fairway_plan::score::{self, Score};
use fairway_plan::{Finding, render};

use crate::failure::Failure;

pub(crate) use facts::{Facts, facts};

/// A file of settings larger than this is not one.
const MOST_SETTINGS_BYTES: u64 = 1 << 20;

/// Settings by layer: `default`, and one for each environment.
pub(crate) type Settings = BTreeMap<String, BTreeMap<String, String>>;

/// A folder as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    pub(crate) folder: PathBuf,
    pub(crate) component: ComponentName,
    pub(crate) score: Score,
    pub(crate) settings: Settings,
}

/// Reads the folder of a `score.yaml`.
pub(crate) fn load(file: &Path) -> Result<Source, Failure> {
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    let mut findings = Vec::new();
    let (score, found) = score::parse(&read(file, score::MAX_BYTES as u64 + 1)?);
    findings.extend(found.into_iter().map(|it| said("score.yaml", &it)));
    let component = score.as_ref().map(|it| ComponentName::parse(&it.name));
    if let Some(Err(error)) = &component {
        findings.push(format!("score.yaml: metadata.name: {error}"));
    }
    let settings = settings(&folder.join("config"), &mut findings)?;
    match (score, component, findings.as_slice()) {
        (Some(score), Some(Ok(component)), []) => Ok(Source { folder, component, score, settings }),
        _ => Err(unusable(&folder, findings)),
    }
}

/// The component a `score.yaml` is for, whatever else is wrong with it.
pub(crate) fn name_in(file: &Path) -> Result<String, Failure> {
    let (score, findings) = score::parse(&read(file, score::MAX_BYTES as u64 + 1)?);
    let lines = findings.iter().map(|it| said("score.yaml", it)).collect();
    score.map(|it| it.name).ok_or_else(|| unusable(file.parent().unwrap_or(Path::new(".")), lines))
}

fn unusable(folder: &Path, findings: Vec<String>) -> Failure {
    let count = if findings.len() == 1 { "one thing".to_owned() } else { format!("{} things", findings.len()) };
    Failure::failed(format!("{count} to correct in {}", folder.display()))
        .details(findings)
        .hint("correct the files, then run the command again")
}

fn said(file: &str, finding: &Finding) -> String {
    format!("{file}: {finding}")
}

/// At most `limit` bytes of a plain file.
fn read(path: &Path, limit: u64) -> Result<String, Failure> {
    let reading = || format!("read {}", path.display());
    let file = fs::File::open(path).map_err(Failure::io(reading()))?;
    if !file.metadata().map_err(Failure::io(reading()))?.is_file() {
        return Err(Failure::failed(format!("cannot {}: it is not a plain file", reading())));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(Failure::io(reading()))?;
    String::from_utf8(bytes).map_err(|_| Failure::failed(format!("cannot {}: it is not UTF-8 text", reading())))
}

/// Every `config/<layer>.yaml`.
fn settings(folder: &Path, findings: &mut Vec<String>) -> Result<Settings, Failure> {
    let mut settings = Settings::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(settings),
        Err(error) => return Err(Failure::io(format!("read {}", folder.display()))(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(Failure::io(format!("read {}", folder.display())))?.path());
    }
    files.sort();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(layer) = name.strip_suffix(".yaml") else {
            if let Some(stem) = name.strip_suffix(".yml") {
                findings.push(format!("config/{name}: is not read; call it {stem}.yaml"));
            }
            continue;
        };
        if layer != "default" && fairway_api::names::EnvironmentName::parse(layer).is_err() {
            findings.push(format!("config/{name}: is neither default.yaml nor named like an environment"));
            continue;
        }
        let text = read(&file, MOST_SETTINGS_BYTES + 1)?;
        let (layer_settings, found) = parse_settings(layer, &text);
        findings.extend(found.into_iter().map(|it| format!("config/{name}: {it}")));
        settings.insert(layer.to_owned(), layer_settings);
    }
    Ok(settings)
}

/// A flat map from names to texts; numbers and truth values are texts too.
fn parse_settings(layer: &str, text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut settings = BTreeMap::new();
    let mut findings = Vec::new();
    if text.len() as u64 > MOST_SETTINGS_BYTES {
        return (settings, vec![format!("has more than {MOST_SETTINGS_BYTES} bytes")]);
    }
    let tree: serde_json::Value = match serde_saphyr::from_str(text) {
        Ok(tree) => tree,
        Err(error) => {
            let first: String = error.to_string().lines().next().unwrap_or_default().chars().take(300).collect();
            return (settings, vec![format!("is not valid YAML: {first}")]);
        }
    };
    let map = match tree {
        serde_json::Value::Object(map) => map,
        serde_json::Value::Null => return (settings, findings),
        _ => return (settings, vec!["must be a map of names to texts".to_owned()]),
    };
    for (name, value) in map {
        let value = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(truth) => truth.to_string(),
            _ => {
                let name: String = name.chars().take(80).collect();
                findings.push(format!("{name}: must be a text; write it in quotes"));
                continue;
            }
        };
        findings.extend(render::check_setting(layer, &name, &value).map(|it| it.to_string()));
        settings.insert(name, value);
    }
    (settings, findings)
}

#[cfg(test)]
mod tests;
