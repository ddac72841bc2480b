//! Repositories come and go: wholly, by one rename.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{DEFAULT_BRANCH, Host, NEW, blocking, failed, reflog};
use crate::failpoints::REPOSITORY_MADE;
use crate::forge::{Commit, ForgeError, Initial, Mode, Push, Update};
use crate::names::RepositoryId;
use crate::rules::{self, Violation};
use crate::run::Job;

/// Beside git's own files: whose the repository is, and its first commit.
const BIRTH: &str = "fairway.json";
/// Making one takes milliseconds.
const TIME: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Birth {
    identity: String,
    commit: String,
}

pub(super) async fn create(host: &Host, id: &RepositoryId, initial: &Initial) -> Result<Commit, ForgeError> {
    check(host, initial).map_err(ForgeError::Refused)?;
    let path = host.path(id);
    if path.is_dir() {
        return born(id, path, initial).await;
    }
    let new = host.folder().join(NEW).join(host.shared.settings.world.entropy.hex(8));
    let made = make(host, &new, initial).await;
    let named = match made {
        Ok(commit) => {
            let (from, to) = (new.clone(), path.clone());
            blocking("name the new repository", move || name(&from, &to)).await.map(|it| it.then_some(commit))
        }
        Err(error) => Err(error),
    };
    if !matches!(named, Ok(Some(_))) {
        // Somebody else was first, or it failed: then nothing stays.
        let _ = tokio::task::spawn_blocking(move || fs::remove_dir_all(new)).await;
    }
    let Some(commit) = named? else { return born(id, path, initial).await };
    host.shared.settings.failpoints.pass(REPOSITORY_MADE);
    let update = Update { reference: format!("refs/heads/{DEFAULT_BRANCH}"), from: None, to: Some(commit.clone()) };
    // Nobody may be listening.
    let _ = host.shared.hints.send(Push {
        repository: id.clone(),
        pushed_by: initial.pushed_by.clone(),
        cause: initial.cause.clone().unwrap_or_default(),
        updates: vec![update],
    });
    Ok(commit)
}

/// The first commit keeps the rules that every push keeps.
fn check(host: &Host, initial: &Initial) -> Result<(), Violation> {
    let limits = &host.shared.settings.limits;
    rules::file_count("the first commit", initial.files.len(), limits)?;
    let mut paths = BTreeSet::new();
    for file in &initial.files {
        rules::entry(file.mode.as_str(), file.path.as_bytes())?;
        rules::file_size(&file.path, file.bytes.len() as u64, limits)?;
        if file.mode == Mode::Link {
            rules::link(&file.path, &file.bytes)?;
        }
        if !paths.insert(file.path.as_str()) {
            return Err(Violation::new(&file.path, "is there twice", "name each file once"));
        }
    }
    let folders = paths.iter().flat_map(|it| it.match_indices('/').map(|(end, _)| &it[..end]));
    for folder in folders {
        if paths.contains(folder) {
            return Err(Violation::new(folder, "is a file and a folder", "name it once"));
        }
    }
    Ok(())
}

/// The first commit of a repository that is there, if it is the one that is wanted.
async fn born(id: &RepositoryId, path: PathBuf, initial: &Initial) -> Result<Commit, ForgeError> {
    let birth = blocking("read whose the repository is", move || {
        let text = fs::read(path.join(BIRTH))?;
        serde_json::from_slice::<Birth>(&text).map_err(io::Error::other)
    });
    let birth = birth.await?;
    if birth.identity != initial.identity {
        return Err(ForgeError::Taken(id.clone()));
    }
    Commit::parse(&birth.commit).map_err(|it| super::unexpected("which commit was first", it.to_string().as_bytes()))
}

/// A whole repository without a name, on the disk.
async fn make(host: &Host, new: &Path, initial: &Initial) -> Result<Commit, ForgeError> {
    let git = &host.shared.git;
    // What is synced as a whole need not be synced file by file.
    let lazy = ["-c", "core.fsync=none"].map(OsStr::new);
    let begin = ["init", "--quiet", "--bare", "--template=", "--initial-branch", DEFAULT_BRANCH, "--"].map(OsStr::new);
    let arguments: Vec<&OsStr> = lazy.into_iter().chain(begin).chain([new.as_os_str()]).collect();
    let job = |repository, arguments, environment, input| Job {
        repository,
        arguments,
        environment,
        input,
        limit: 10_000,
        time: TIME,
    };
    let done = git.run(job(None, &arguments, &[], &[])).await.and_then(|it| it.succeeded("init"));
    done.map_err(|source| failed(new, source))?;

    let name = reflog::encode(&initial.pushed_by, &[]);
    let date = format!("@{} +0000", seconds(initial));
    let environment = [
        ("GIT_COMMITTER_NAME", name.as_str()),
        ("GIT_COMMITTER_EMAIL", initial.cause.as_deref().unwrap_or_default()),
        ("GIT_COMMITTER_DATE", date.as_str()),
    ];
    let arguments: Vec<&OsStr> = lazy.into_iter().chain(["fast-import", "--quiet", "--done"].map(OsStr::new)).collect();
    let stream = stream(initial);
    let done = git.run(job(Some(new), &arguments, &environment, &stream)).await;
    done.and_then(|it| it.succeeded("fast-import")).map_err(|source| failed(new, source))?;

    let (new, identity) = (new.to_owned(), initial.identity.clone());
    let commit = blocking("write the new repository", move || {
        let commit = fs::read_to_string(new.join("refs/heads").join(DEFAULT_BRANCH))?.trim().to_owned();
        let birth = Birth { identity, commit: commit.clone() };
        fs::write(new.join(BIRTH), serde_json::to_vec(&birth)?)?;
        sync_all(&new)?;
        Ok(commit)
    });
    let commit = commit.await?;
    Commit::parse(&commit).map_err(|_| super::unexpected("which commit was made", commit.as_bytes()))
}

/// When it was, for Git: it knows no time before 1970, and not every git takes the very first second.
fn seconds(initial: &Initial) -> i64 {
    initial.at.as_second().max(1)
}

/// What `git fast-import` reads.
fn stream(initial: &Initial) -> Vec<u8> {
    let mut to = Vec::new();
    let (name, email, seconds) = (initial.author.name(), initial.author.email(), seconds(initial));
    let mut line = |text: String| to.extend_from_slice(text.as_bytes());
    line(format!("feature done\ncommit refs/heads/{DEFAULT_BRANCH}\n"));
    line(format!("author {name} <{email}> {seconds} +0000\ncommitter {name} <{email}> {seconds} +0000\n"));
    line(format!("data {}\n{}\n", initial.message.len(), initial.message));
    for file in &initial.files {
        let path = file.path.replace('"', "\\\"");
        let head = format!("M {} inline \"{path}\"\ndata {}\n", file.mode.as_str(), file.bytes.len());
        to.extend_from_slice(head.as_bytes());
        to.extend_from_slice(&file.bytes);
        to.push(b'\n');
    }
    to.extend_from_slice(b"done\n");
    to
}

/// Gives the repository its name; no where somebody else has it.
fn name(from: &Path, to: &Path) -> io::Result<bool> {
    let project = to.parent().unwrap_or(to);
    fs::create_dir_all(project)?;
    match fs::rename(from, to) {
        Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
            return Ok(false);
        }
        done => done?,
    }
    sync(project)?;
    sync(project.parent().unwrap_or(project))?;
    Ok(true)
}

pub(super) async fn delete(host: &Host, id: &RepositoryId) -> Result<(), ForgeError> {
    let path = host.path(id);
    let old = host.folder().join(NEW).join(host.shared.settings.world.entropy.hex(8));
    blocking("remove the repository", move || {
        match fs::rename(&path, &old) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            done => done?,
        }
        let project = path.parent().unwrap_or(&path);
        sync(project)?;
        // Gone when it was the last one.
        let _ = fs::remove_dir(project);
        fs::remove_dir_all(&old)
    })
    .await
}

/// Brings a file, or the names in a folder, to the disk.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Brings a folder and all in it to the disk: at once, so that the file system can do it in few steps.
fn sync_all(folder: &Path) -> io::Result<()> {
    let mut paths = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = paths.get(next).cloned() {
        next += 1;
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                paths.push(entry?.path());
            }
        }
    }
    std::thread::scope(|scope| {
        let syncs: Vec<_> = paths.iter().map(|path| scope.spawn(|| sync(path))).collect();
        let ended = |it: std::thread::ScopedJoinHandle<'_, io::Result<()>>| {
            it.join().unwrap_or_else(|_| Err(io::Error::other("a thread that syncs ended")))
        };
        syncs.into_iter().try_for_each(ended)
    })
}
