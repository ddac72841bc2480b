//! Where a folder stands in git, and the digest of what it holds.

use std::fs;
use std::path::{Path, PathBuf};

use fairway_api::v1alpha1::ReleaseSource;
use fairway_oci::Hasher;
use fairway_plan::release::Version;
use tokio::process::Command;

use crate::failure::Failure;

/// No source tree has more files.
const MOST_FILES: usize = 100_000;

/// Where a folder stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) source: ReleaseSource,
    /// The highest `v*` tag of the commit, if nothing is uncommitted.
    pub(crate) version: Option<String>,
}

/// Asks git about a folder. Without a commit everything in it is uncommitted.
pub(crate) async fn facts(folder: &Path) -> Result<Facts, Failure> {
    let commit = git(folder, &["rev-parse", "--verify", "--quiet", "HEAD"]).await.map(|it| it.trim().to_owned());
    let changes = git(folder, &["status", "--porcelain", "--untracked-files=normal", "--", "."]).await;
    let uncommitted = commit.is_none() || changes.is_none_or(|it| !it.trim().is_empty());
    let version = match &commit {
        Some(_) if !uncommitted => version(folder).await,
        _ => None,
    };
    let tree = if uncommitted { Some(tree(folder).await?) } else { None };
    Ok(Facts { source: ReleaseSource { commit, uncommitted, tree }, version })
}

async fn version(folder: &Path) -> Option<String> {
    let tags = git(folder, &["tag", "--points-at", "HEAD", "--list", "v*"]).await?;
    tags.lines().filter(|it| it.starts_with('v')).filter_map(Version::parse).max().map(|it| it.to_string())
}

/// The digest of every file that git would commit; without git, of all but hidden ones and what builds made.
async fn tree(folder: &Path) -> Result<String, Failure> {
    let listed = git(folder, &["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]).await;
    let folder = folder.to_owned();
    let digest = tokio::task::spawn_blocking(move || {
        let mut files = match listed {
            Some(list) => list.split('\0').filter(|it| !it.is_empty()).map(PathBuf::from).collect(),
            None => walk(&folder)?,
        };
        files.sort();
        files.dedup();
        Ok::<_, Failure>(digest(&folder, &files))
    });
    digest.await.map_err(|it| Failure::failed(format!("cannot read the source: {it}")))?
}

fn digest(folder: &Path, files: &[PathBuf]) -> String {
    let mut hasher = Hasher::new();
    for file in files {
        let path = folder.join(file);
        // What is listed and gone was deleted and not committed: that is a difference too.
        let content = match fs::symlink_metadata(&path) {
            Ok(about) if about.is_file() => fs::read(&path).unwrap_or_default(),
            Ok(about) if about.is_symlink() => {
                fs::read_link(&path).map(|it| it.to_string_lossy().into_owned().into_bytes()).unwrap_or_default()
            }
            _ => continue,
        };
        let name = file.to_string_lossy();
        hasher.update(&(name.len() as u64).to_be_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&(content.len() as u64).to_be_bytes());
        hasher.update(&content);
    }
    hasher.finish().to_string()
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let entries = fs::read_dir(&next).map_err(Failure::io(format!("read {}", next.display())))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') || name == "target" {
                continue;
            }
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                open.push(entry.path());
            } else if let Ok(path) = entry.path().strip_prefix(folder) {
                files.push(path.to_owned());
            }
        }
        if files.len() > MOST_FILES {
            return Err(Failure::failed(format!("{} has more than {MOST_FILES} files", folder.display()))
                .hint("is this the folder of one service? git init and a .gitignore keep out what is no source"));
        }
    }
    Ok(files)
}

/// What git says, if it is there and succeeds.
async fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("GIT_OPTIONAL_LOCKS", "0").kill_on_drop(true);
    // Set by hooks that call us: they would point git at another repository.
    command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    let output = command.stdin(std::process::Stdio::null()).output().await.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests;
