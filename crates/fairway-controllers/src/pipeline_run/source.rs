//! What a commit holds that a run needs: read once, for a commit never changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use fairway_api::v1alpha1::ReleaseMigrations;
use fairway_git::{Commit, Forge, ForgeError, RepositoryId};
use fairway_plan::Finding;
use fairway_plan::migration;
use fairway_plan::pipeline::file::{self, Pipeline};
use fairway_plan::pipeline::key::SourceFile;
use fairway_plan::score::{self, Score};
use fairway_plan::settings::{self, Settings};

use crate::Error;

/// The file of the workload.
const SCORE: &str = "score.yaml";
/// So many commits are remembered.
const MOST: usize = 64;

/// What a commit holds.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The pipeline, and what is wrong with its file. None where there is none.
    pub(super) pipeline: Option<(Option<Pipeline>, Vec<String>)>,
    /// The id of the whole tree.
    pub(super) tree: String,
    /// All files; read only where a step names its inputs.
    pub(super) files: Vec<SourceFile>,
    /// The workload; none where there is no file, or it cannot be read.
    pub(super) score: Option<Score>,
    /// Settings by layer.
    pub(super) settings: Settings,
    /// How its database is brought to its schema.
    pub(super) migrations: Option<ReleaseMigrations>,
    /// What is wrong with workload, settings and migrations.
    pub(super) findings: Vec<String>,
}

/// Commits that were read lately.
#[derive(Default)]
pub(super) struct Sources {
    known: Mutex<HashMap<(RepositoryId, Commit), Arc<Source>>>,
}

impl Sources {
    /// What a commit holds. None where the repository does not have it.
    pub(super) async fn of(
        &self,
        forge: &dyn Forge,
        id: &RepositoryId,
        commit: &Commit,
    ) -> Result<Option<Arc<Source>>, Error> {
        let key = (id.clone(), commit.clone());
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        let read = match read(forge, id, commit).await {
            Ok(read) => Arc::new(read),
            Err(ForgeError::NoRepository(_) | ForgeError::NoCommit { .. }) => return Ok(None),
            Err(error) => return Err(Error::forge("read the commit")(error)),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, Arc::clone(&read));
        Ok(Some(read))
    }
}

async fn read(forge: &dyn Forge, id: &RepositoryId, commit: &Commit) -> Result<Source, ForgeError> {
    let mut source = Source { tree: forge.facts(id, commit).await?.tree, ..Source::default() };
    source.pipeline = match text(forge, id, commit, file::PATH, file::MAX_BYTES).await? {
        None => None,
        Some(Err(finding)) => Some((None, vec![finding])),
        Some(Ok(text)) => {
            let (pipeline, findings) = file::parse(&text);
            Some((pipeline, findings.iter().map(|it| it.in_file(file::PATH)).collect()))
        }
    };
    let pipeline = source.pipeline.as_ref().and_then(|it| it.0.as_ref());
    if pipeline.is_some_and(|it| it.steps.iter().any(|it| !it.inputs.is_empty())) {
        let entries = forge.tree(id, commit, "").await?;
        let one = |it: fairway_git::Entry| SourceFile { path: it.path, mode: format!("{:?}", it.mode), id: it.object };
        source.files = entries.into_iter().map(one).collect();
    }
    workload(forge, id, commit, &mut source).await?;
    migrations(forge, id, commit, &mut source).await?;
    Ok(source)
}

/// `migrations/`.
async fn migrations(
    forge: &dyn Forge,
    id: &RepositoryId,
    commit: &Commit,
    source: &mut Source,
) -> Result<(), ForgeError> {
    let mut files = BTreeMap::new();
    for entry in forge.tree(id, commit, migration::files::FOLDER).await? {
        let name = entry.path.strip_prefix(migration::files::FOLDER).unwrap_or(&entry.path).trim_start_matches('/');
        if !migration::files::concerns(name) {
            continue;
        }
        match forge.read(id, commit, &entry.path, migration::files::MAX_BYTES as u64).await {
            Ok(bytes) => files.extend(bytes.map(|it| (name.to_owned(), it))),
            Err(ForgeError::TooLarge { .. }) => {
                source.findings.push(format!("{}: has more than {} bytes", entry.path, migration::files::MAX_BYTES));
            }
            Err(error) => return Err(error),
        }
    }
    let workload = source.score.as_ref().map(|it| it.workload.clone()).unwrap_or_default();
    let (migrations, findings) = migration::files::release(migration::files::read(&files), &workload);
    source.migrations = migrations;
    source.findings.extend(findings);
    Ok(())
}

/// `score.yaml` and `config/`.
async fn workload(
    forge: &dyn Forge,
    id: &RepositoryId,
    commit: &Commit,
    source: &mut Source,
) -> Result<(), ForgeError> {
    match text(forge, id, commit, SCORE, score::MAX_BYTES).await? {
        None => source.findings.push(format!("{SCORE}: is missing; it says how the component runs")),
        Some(Err(finding)) => source.findings.push(finding),
        Some(Ok(text)) => {
            let (score, findings) = score::parse(&text);
            source.findings.extend(findings.iter().map(|it| it.in_file(SCORE)));
            source.score = score;
        }
    }
    for entry in forge.tree(id, commit, settings::FOLDER).await? {
        let name = entry.path.strip_prefix(settings::FOLDER).unwrap_or(&entry.path).trim_start_matches('/');
        let said = |finding: &Finding| finding.in_file(&entry.path);
        let layer = match settings::layer(name) {
            // What lies deeper is not read, by the command line neither.
            _ if name.contains('/') => continue,
            None => continue,
            Some(Ok(layer)) => layer,
            Some(Err(finding)) => {
                source.findings.push(said(&finding));
                continue;
            }
        };
        match text(forge, id, commit, &entry.path, settings::MAX_BYTES).await? {
            None => {}
            Some(Err(finding)) => source.findings.push(finding),
            Some(Ok(text)) => {
                let (found, findings) = settings::parse(layer, &text);
                source.findings.extend(findings.iter().map(said));
                source.settings.insert(layer.to_owned(), found);
            }
        }
    }
    Ok(())
}

/// A file as text, or what is wrong with it.
async fn text(
    forge: &dyn Forge,
    id: &RepositoryId,
    commit: &Commit,
    path: &str,
    limit: usize,
) -> Result<Option<Result<String, String>>, ForgeError> {
    match forge.read(id, commit, path, limit as u64).await {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => Ok(Some(String::from_utf8(bytes).map_err(|_| format!("{path}: is not UTF-8 text")))),
        Err(ForgeError::TooLarge { .. }) => Ok(Some(Err(format!("{path}: has more than {limit} bytes")))),
        Err(error) => Err(error),
    }
}
