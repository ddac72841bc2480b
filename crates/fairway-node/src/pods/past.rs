//! What containers printed last, of pods that are gone. Whoever asks why an instance was taken away comes after it: so its
//! last words are kept for a while, within bounds, until newer ones take their place.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::runner::{PodState, last_words};

/// The folder, below the node's state folder.
const FOLDER: &str = "past";
/// Bytes of each container's log.
const MOST_BYTES: u64 = 32 << 10;
/// Pods that are remembered.
const MOST_PODS: usize = 64;

/// A pod that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it went.
    pub ended: Timestamp,
    /// Its containers that printed anything.
    pub containers: Vec<PastContainer>,
}

/// A container of a pod that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastContainer {
    /// Its name.
    pub name: String,
    /// The end of what its last run that printed anything printed.
    pub log: String,
}

/// Remembers a pod whose folder is still there. A pod that printed nothing is not remembered.
pub(super) fn keep(state: &Path, uid: &str, mut pod: PastPod, history: &PodState) -> io::Result<()> {
    let mut runs: Vec<_> = history.containers.iter().collect();
    runs.sort_by_key(|it| (it.name.clone(), std::cmp::Reverse(it.attempt)));
    for run in runs {
        if pod.containers.last().is_some_and(|it| it.name == run.name) {
            continue;
        }
        let log = last_words(state, uid, &run.name, run.attempt, MOST_BYTES)?;
        if !log.is_empty() {
            let log = String::from_utf8_lossy(&log).into_owned();
            pod.containers.push(PastContainer { name: run.name.clone(), log });
        }
    }
    if pod.containers.is_empty() {
        return Ok(());
    }
    let folder = state.join(FOLDER);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let path = folder.join(format!("{uid}.json"));
    let file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path)?;
    serde_json::to_writer(io::BufWriter::new(file), &pod)?;
    for old in newest_first(&folder)?.into_iter().skip(MOST_PODS) {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// The pods of a namespace that are remembered and have these labels, newest first.
pub(super) fn find(state: &Path, namespace: &str, labels: &BTreeMap<String, String>) -> Vec<PastPod> {
    let files = newest_first(&state.join(FOLDER)).unwrap_or_default();
    let read = |it: PathBuf| serde_json::from_slice::<PastPod>(&fs::read(it).ok()?).ok();
    let fits = |it: &PastPod| {
        it.namespace == namespace && labels.iter().all(|(name, value)| it.labels.get(name) == Some(value))
    };
    files.into_iter().filter_map(read).filter(fits).collect()
}

fn newest_first(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    Ok(files.into_iter().rev().map(|it| it.1).collect())
}

#[cfg(test)]
mod tests;
