//! What a commit holds that a run needs: read once, for a commit never changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use fairway_api::v1alpha1::ReleaseMigrations;
use fairway_git::{Commit, Entry, Forge, ForgeError, Mode, RepositoryId};
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
    let (facts, entries) = futures::try_join!(forge.facts(id, commit), forge.tree(id, commit, ""))?;
    let mut source = Source { tree: facts.tree, ..Source::default() };
    let files = match Files::read(forge, id, &entries).await {
        Err(error @ ForgeError::TooLarge { .. }) => {
            source.pipeline = Some((None, vec![error.to_string()]));
            return Ok(source);
        }
        read => read?,
    };
    source.pipeline = match files.text(file::PATH) {
        None => None,
        Some(Err(finding)) => Some((None, vec![finding])),
        Some(Ok(text)) => {
            let (pipeline, findings) = file::parse(text);
            Some((pipeline, findings.iter().map(|it| it.in_file(file::PATH)).collect()))
        }
    };
    workload(&files, &mut source);
    migrations(files, &mut source);
    let pipeline = source.pipeline.as_ref().and_then(|it| it.0.as_ref());
    if pipeline.is_some_and(|it| it.steps.iter().any(|it| !it.inputs.is_empty())) {
        let one = |it: Entry| SourceFile { path: it.path, mode: format!("{:?}", it.mode), id: it.object };
        source.files = entries.into_iter().map(one).collect();
    }
    Ok(source)
}

/// The files of a commit that say something to the platform: what each holds, or that it is too large.
struct Files(BTreeMap<String, Result<Vec<u8>, String>>);

impl Files {
    /// All at once: each git that is asked takes its time.
    async fn read(forge: &dyn Forge, id: &RepositoryId, entries: &[Entry]) -> Result<Self, ForgeError> {
        let mut files = BTreeMap::new();
        let mut wanted = Vec::new();
        for entry in entries.iter().filter(|it| it.mode != Mode::Link) {
            match limit(&entry.path) {
                None => {}
                Some(limit) if entry.size > limit as u64 => {
                    let finding = format!("{}: has more than {limit} bytes", entry.path);
                    files.insert(entry.path.clone(), Err(finding));
                }
                Some(_) => wanted.push(entry.clone()),
            }
        }
        let contents = forge.contents(id, &wanted).await?;
        files.extend(wanted.into_iter().zip(contents).map(|(entry, held)| (entry.path, Ok(held))));
        Ok(Self(files))
    }

    /// A file as text, or what is wrong with it.
    fn text(&self, path: &str) -> Option<Result<&str, String>> {
        Some(match self.0.get(path)? {
            Err(finding) => Err(finding.clone()),
            Ok(held) => std::str::from_utf8(held).map_err(|_| format!("{path}: is not UTF-8 text")),
        })
    }
}

/// How large a file may be that is read; none for those that are not.
fn limit(path: &str) -> Option<usize> {
    match path {
        file::PATH => Some(file::MAX_BYTES),
        SCORE => Some(score::MAX_BYTES),
        // What lies deeper is not read, by the command line neither.
        _ if within(settings::FOLDER, path).is_some_and(|it| !it.contains('/')) => Some(settings::MAX_BYTES),
        _ => within(migration::files::FOLDER, path)
            .filter(|it| migration::files::concerns(it))
            .map(|_| migration::files::MAX_BYTES),
    }
}

/// A path from a folder on.
fn within<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// `score.yaml` and `config/`.
fn workload(files: &Files, source: &mut Source) {
    match files.text(SCORE) {
        None => source.findings.push(format!("{SCORE}: is missing; it says how the component runs")),
        Some(Err(finding)) => source.findings.push(finding),
        Some(Ok(text)) => {
            let (score, findings) = score::parse(text);
            source.findings.extend(findings.iter().map(|it| it.in_file(SCORE)));
            source.score = score;
        }
    }
    for path in files.0.keys() {
        let said = |finding: &Finding| finding.in_file(path);
        let layer = match within(settings::FOLDER, path).and_then(settings::layer) {
            None => continue,
            Some(Ok(layer)) => layer,
            Some(Err(finding)) => {
                source.findings.push(said(&finding));
                continue;
            }
        };
        match files.text(path) {
            None => {}
            Some(Err(finding)) => source.findings.push(finding),
            Some(Ok(text)) => {
                let (found, findings) = settings::parse(layer, text);
                source.findings.extend(findings.iter().map(said));
                source.settings.insert(layer.to_owned(), found);
            }
        }
    }
}

/// `migrations/`.
fn migrations(files: Files, source: &mut Source) {
    let mut held = BTreeMap::new();
    for (path, file) in files.0 {
        let Some(name) = within(migration::files::FOLDER, &path) else { continue };
        match file {
            Ok(bytes) => drop(held.insert(name.to_owned(), bytes)),
            Err(finding) => source.findings.push(finding),
        }
    }
    let workload = source.score.as_ref().map(|it| it.workload.clone()).unwrap_or_default();
    let (migrations, findings) = migration::files::release(migration::files::read(&held), &workload);
    source.migrations = migrations;
    source.findings.extend(findings);
}
