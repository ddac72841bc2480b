//! What a folder holds: the workload (`score.yaml`), settings (`config/*.yaml`) and where it stands in git.
//!
//! All that is wrong with the files is said at once, each with its file.

mod facts;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use fairway_api::names::ComponentName;
use fairway_api::v1alpha1::ReleaseMigrations;
use fairway_plan::Finding;
use fairway_plan::migration;
use fairway_plan::score::{self, Score};
use fairway_plan::settings;
use fairway_plan::settings::Settings;

use crate::failure::Failure;

pub(crate) use facts::{Facts, facts};

/// A folder as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    pub(crate) folder: PathBuf,
    pub(crate) component: ComponentName,
    pub(crate) score: Score,
    pub(crate) settings: Settings,
    pub(crate) migrations: Option<ReleaseMigrations>,
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
    let settings = all_settings(&folder.join(settings::FOLDER), &mut findings)?;
    let files = all_migrations(&folder.join(migration::files::FOLDER))?;
    let workload = score.as_ref().map(|it| it.workload.clone()).unwrap_or_default();
    let (migrations, found) = migration::files::release(migration::files::read(&files), &workload);
    findings.extend(found);
    match (score, component, findings.as_slice()) {
        (Some(score), Some(Ok(component)), []) => Ok(Source { folder, component, score, settings, migrations }),
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
    let not_text = |_| Failure::failed(format!("cannot read {}: it is not UTF-8 text", path.display()));
    String::from_utf8(bytes(path, limit)?).map_err(not_text)
}

fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let reading = || format!("read {}", path.display());
    let file = fs::File::open(path).map_err(Failure::io(reading()))?;
    if !file.metadata().map_err(Failure::io(reading()))?.is_file() {
        return Err(Failure::failed(format!("cannot {}: it is not a plain file", reading())));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(Failure::io(reading()))?;
    Ok(bytes)
}

/// What lies in a folder, in order of name; nothing where it is not there.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io(format!("read {}", folder.display()))(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(Failure::io(format!("read {}", folder.display())))?.path());
    }
    files.sort();
    Ok(files)
}

/// Every `migrations/*.sql`.
fn all_migrations(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut files = BTreeMap::new();
    for file in listed(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if migration::files::concerns(&name) {
            files.insert(name, bytes(&file, migration::files::MAX_BYTES as u64 + 1)?);
        }
    }
    Ok(files)
}

/// Every `config/<layer>.yaml`.
fn all_settings(folder: &Path, findings: &mut Vec<String>) -> Result<Settings, Failure> {
    let mut read_so_far = Settings::new();
    for file in listed(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let layer = match settings::layer(&name) {
            None => continue,
            Some(Ok(layer)) => layer,
            Some(Err(finding)) => {
                findings.push(said(&format!("config/{name}"), &finding));
                continue;
            }
        };
        let text = read(&file, settings::MAX_BYTES as u64 + 1)?;
        let (layer_settings, found) = settings::parse(layer, &text);
        findings.extend(found.iter().map(|it| said(&format!("config/{name}"), it)));
        read_so_far.insert(layer.to_owned(), layer_settings);
    }
    Ok(read_so_far)
}

#[cfg(test)]
mod tests;
