//! A commit's files in a folder. Written by us, not by `git checkout`: no attribute, filter or hook has a say, and every
//! path and link is judged before the first byte is written, whatever rules held when it was pushed.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::{Host, blocking, content, failed};
use crate::forge::{Commit, Entry, ForgeError, Mode};
use crate::names::RepositoryId;
use crate::rules::{self, Violation};
use crate::run::Git;

/// As long as a large repository on a slow disk takes.
const TIME: Duration = Duration::from_secs(600);
/// Files that are asked for before any is read: their names fit in a pipe, so neither side waits for the other.
const AHEAD: usize = 256;

pub(super) async fn checkout(host: &Host, id: &RepositoryId, commit: &Commit, into: &Path) -> Result<(), ForgeError> {
    let entries = content::tree(host, id, commit, "").await?;
    check(host, id, &entries)?;
    let repository = host.existing(id)?;
    let folder = into.to_owned();
    let empty = blocking("make the folder", move || {
        fs::create_dir_all(&folder)?;
        Ok(fs::read_dir(&folder)?.next().is_none())
    });
    if !empty.await? {
        return Err(ForgeError::NotEmpty(into.display().to_string()));
    }
    let mut command = host.shared.git.command(Some(&repository));
    command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut git = Git::start(command).map_err(|it| failed(&repository, it))?;
    let (Some(stdin), Some(stdout)) = (git.child.stdin.take(), git.child.stdout.take()) else {
        return Err(super::unexpected("a request for pipes", b""));
    };
    let folder = into.to_owned();
    let writing = blocking("write the files", move || {
        let (ask, answer) = (fs::File::from(stdin.into_owned_fd()?), fs::File::from(stdout.into_owned_fd()?));
        let written = write_all(&entries, &folder, ask, BufReader::with_capacity(1 << 18, answer));
        if written.is_err() {
            empty_again(&folder);
        }
        written
    });
    // When this is dropped or late, git ends, and with it its pipe and the thread that reads it.
    match tokio::time::timeout(TIME, writing).await {
        Ok(written) => written,
        Err(_) => Err(ForgeError::Disk {
            doing: "write the files in time".to_owned(),
            source: io::ErrorKind::TimedOut.into(),
        }),
    }
}

/// What can be judged before anything is read.
fn check(host: &Host, id: &RepositoryId, entries: &[Entry]) -> Result<(), ForgeError> {
    let limit = host.shared.settings.limits.checkout_bytes;
    let total: u64 = entries.iter().map(|it| it.size).fold(0, u64::saturating_add);
    if total > limit {
        return Err(ForgeError::TooLarge { what: format!("a checkout of {id}"), limit });
    }
    let links: BTreeSet<&str> = entries.iter().filter(|it| it.mode == Mode::Link).map(|it| it.path.as_str()).collect();
    for entry in entries {
        rules::entry(entry.mode.as_str(), entry.path.as_bytes()).map_err(ForgeError::Refused)?;
        if let Some((end, _)) = entry.path.match_indices('/').find(|(end, _)| links.contains(&entry.path[..*end])) {
            let link = &entry.path[..end];
            let twice = Violation::new(link, "is a link and a folder", "mend the commit with git fsck");
            return Err(ForgeError::Refused(twice));
        }
    }
    Ok(())
}

/// Files first, links at the end: while files are written there is no link that could be followed.
fn write_all(entries: &[Entry], folder: &Path, mut ask: impl Write, mut answer: impl io::BufRead) -> io::Result<()> {
    let mut made = BTreeSet::new();
    let mut links = Vec::new();
    for some in entries.chunks(AHEAD) {
        let names: String = some.iter().map(|it| format!("{}\n", it.object)).collect();
        ask.write_all(names.as_bytes())?;
        ask.flush()?;
        for entry in some {
            head(&mut answer, entry)?;
            let mut content = answer.by_ref().take(entry.size);
            if entry.mode == Mode::Link {
                let mut target = Vec::new();
                content.read_to_end(&mut target)?;
                rules::link(&entry.path, &target).map_err(|it| io::Error::other(it.to_string()))?;
                links.push((entry, target));
            } else {
                parents(folder, &entry.path, &mut made)?;
                let mode = if entry.mode == Mode::Executable { 0o755 } else { 0o644 };
                let path = folder.join(&entry.path);
                let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
                if io::copy(&mut content, &mut file)? != entry.size {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            let mut end = [0];
            answer.read_exact(&mut end)?;
        }
    }
    for (entry, target) in links {
        parents(folder, &entry.path, &mut made)?;
        symlink(Path::new(&*String::from_utf8_lossy(&target)), folder.join(&entry.path))?;
    }
    Ok(())
}

/// Reads `object blob size`, which must be what was asked for.
fn head(answer: &mut impl io::BufRead, entry: &Entry) -> io::Result<()> {
    let mut line = String::new();
    answer.by_ref().take(200).read_line(&mut line)?;
    if line.trim_end() == format!("{} blob {}", entry.object, entry.size) {
        return Ok(());
    }
    Err(io::Error::other(format!("git has no content of {:?}", entry.path)))
}

fn parents<'a>(folder: &Path, path: &'a str, made: &mut BTreeSet<&'a str>) -> io::Result<()> {
    for (end, _) in path.match_indices('/') {
        let parent = &path[..end];
        if made.insert(parent) {
            fs::create_dir(folder.join(parent))?;
        }
    }
    Ok(())
}

/// Best effort: whoever asked hears of the first error.
fn empty_again(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let removed = if entry.file_type().is_ok_and(|it| it.is_dir()) {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        if let Err(error) = removed {
            tracing::warn!(path = %path.display(), %error, "a file of a failed checkout stays");
        }
    }
}
