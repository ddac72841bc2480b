//! The key of a step: the digest of all that its outcome can depend on. The same key need not run again.

use std::collections::BTreeMap;

use super::file::{ImageOf, Pipeline, Step};
use super::glob;
use crate::digest_of;

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path in the repository.
    pub path: String,
    /// Its mode, `100644`.
    pub mode: String,
    /// The id of its content.
    pub id: String,
}

/// What keys are made from beside the pipeline file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The id of the commit's whole tree.
    pub tree: &'a str,
    /// Its files; needed only where a step names its inputs.
    pub files: &'a [SourceFile],
    /// The digest of each toolchain that a step names.
    pub toolchains: &'a BTreeMap<String, String>,
    /// The cache that steps use: what another one held may have led elsewhere.
    pub cache: &'a str,
    /// The digest of each base that an image stands on.
    pub bases: &'a BTreeMap<String, String>,
}

/// The key of every step, by name. A step without one cannot be told apart from others and always runs: its toolchain
/// or base is not known, or a step that it needs has none.
pub fn keys(pipeline: &Pipeline, source: &Source<'_>) -> BTreeMap<String, String> {
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    // What a step needs may stand below it: as many rounds as there are steps are enough for any order.
    for _ in 0..pipeline.steps.len() {
        let before = keys.len();
        for step in &pipeline.steps {
            if !keys.contains_key(&step.name)
                && let Some(key) = key(step, source, &keys)
            {
                keys.insert(step.name.clone(), key);
            }
        }
        if keys.len() == before {
            break;
        }
    }
    keys
}

fn key(step: &Step, source: &Source<'_>, known: &BTreeMap<String, String>) -> Option<String> {
    let mut toolchain = source.toolchains.get(&step.toolchain)?.clone();
    if let Some(base) = step.image.as_ref().and_then(ImageOf::base) {
        toolchain = format!("{toolchain} {}", source.bases.get(base)?);
    }
    let mut needs: Vec<&str> = Vec::new();
    for need in &step.needs {
        needs.push(known.get(need)?);
    }
    needs.sort_unstable();
    let parts = (definition(step), toolchain, inputs(step, source), needs, source.cache);
    Some(digest_of(&parts).to_string())
}

/// What of a step's definition can change its outcome. How long its log may be cannot.
fn definition(step: &Step) -> Step {
    Step { needs: Vec::new(), log: 0, inputs: Vec::new(), ..step.clone() }
}

/// The digest of a step's inputs.
fn inputs(step: &Step, source: &Source<'_>) -> String {
    if step.inputs.is_empty() {
        return source.tree.to_owned();
    }
    let mut files: Vec<(&str, &str, &str)> = source
        .files
        .iter()
        .filter(|file| step.inputs.iter().any(|it| glob::path(it, &file.path)))
        .map(|it| (it.path.as_str(), it.mode.as_str(), it.id.as_str()))
        .collect();
    files.sort_unstable();
    digest_of(&files).to_string()
}

#[cfg(test)]
mod tests;
