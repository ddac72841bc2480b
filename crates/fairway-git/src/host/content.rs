//! What a commit holds, and what it says.

use std::ffi::OsStr;

use jiff::Timestamp;

use super::{Host, QUESTION, failed, unexpected};
use crate::forge::{Commit, Entry, Facts, ForgeError, Mode};
use crate::names::RepositoryId;
use crate::rules;
use crate::run::{Job, RunGit};

/// A listing of as many files as a commit may have, and more.
const LISTING: usize = 128 << 20;
/// A commit is a few lines; a message longer than this is not read.
const COMMIT: usize = 1 << 20;
/// What is read at once is held in memory.
const CONTENTS: u64 = 64 << 20;
/// A line before what a file holds, and the end after it.
const HEAD: usize = 100;

pub(super) async fn read(
    host: &Host,
    id: &RepositoryId,
    commit: &Commit,
    path: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, ForgeError> {
    rules::path(path).map_err(ForgeError::Refused)?;
    let found = list(host, id, commit, path, false).await?;
    // Only the file itself: a link is not followed, and the files of a folder are not it.
    let Some(entry) = found.into_iter().find(|it| it.path == path && it.mode != Mode::Link) else { return Ok(None) };
    if entry.size > limit {
        return Err(ForgeError::TooLarge { what: format!("{path} in {id}"), limit });
    }
    let repository = host.existing(id)?;
    let limit = usize::try_from(entry.size).unwrap_or(usize::MAX);
    let done = host.ask(&repository, &["cat-file", "blob", &entry.object], limit).await?;
    done.succeeded("cat-file").map(Some).map_err(|it| failed(&repository, it))
}

pub(super) async fn tree(
    host: &Host,
    id: &RepositoryId,
    commit: &Commit,
    under: &str,
) -> Result<Vec<Entry>, ForgeError> {
    if !under.is_empty() {
        rules::path(under).map_err(ForgeError::Refused)?;
    }
    list(host, id, commit, under, true).await
}

/// One git reads all of them.
pub(super) async fn contents(host: &Host, id: &RepositoryId, entries: &[Entry]) -> Result<Vec<Vec<u8>>, ForgeError> {
    let total = entries.iter().map(|it| it.size).fold(0, u64::saturating_add);
    if total > CONTENTS {
        return Err(ForgeError::TooLarge { what: format!("what is read of {id} at once"), limit: CONTENTS });
    }
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let repository = host.existing(id)?;
    let names: String = entries.iter().map(|it| format!("{}\n", it.object)).collect();
    let job = Job {
        repository: Some(&repository),
        arguments: &["cat-file", "--batch"].map(OsStr::new),
        environment: &[],
        input: names.as_bytes(),
        limit: usize::try_from(total).unwrap_or(usize::MAX).saturating_add(entries.len() * HEAD),
        time: QUESTION,
    };
    let done = host.git().run(job).await.and_then(|it| it.succeeded("cat-file"));
    let answer = done.map_err(|it| failed(&repository, it))?;
    let mut rest = answer.as_slice();
    let one = |it: &Entry| take(&mut rest, it).ok_or_else(|| unexpected("what a file holds", it.path.as_bytes()));
    entries.iter().map(one).collect()
}

/// Takes `object blob size`, what it holds, and the end of a line.
fn take(rest: &mut &[u8], entry: &Entry) -> Option<Vec<u8>> {
    let after = rest.strip_prefix(format!("{} blob {}\n", entry.object, entry.size).as_bytes())?;
    let (content, after) = after.split_at_checked(usize::try_from(entry.size).ok()?)?;
    *rest = after.strip_prefix(b"\n")?;
    Some(content.to_vec())
}

async fn list(
    host: &Host,
    id: &RepositoryId,
    commit: &Commit,
    under: &str,
    deep: bool,
) -> Result<Vec<Entry>, ForgeError> {
    let repository = host.existing(id)?;
    let mut arguments = vec!["ls-tree", "-z", "-l", "--full-tree"];
    if deep {
        arguments.push("-r");
    }
    arguments.extend([commit.as_str(), "--"]);
    if !under.is_empty() {
        arguments.push(under);
    }
    let done = host.ask(&repository, &arguments, LISTING).await?;
    let answer = done.succeeded("ls-tree").map_err(|it| absent(host, id, commit, it))?;
    let mut entries = Vec::new();
    for line in answer.split(|it| *it == 0).filter(|it| !it.is_empty()) {
        entries.extend(entry(line).ok_or_else(|| unexpected("which files there are", line))?);
    }
    Ok(entries)
}

/// Reads `mode type object size<TAB>path`; nothing for what is no file.
#[expect(clippy::option_option, reason = "outside: is it readable, inside: is it a file")]
pub(super) fn entry(line: &[u8]) -> Option<Option<Entry>> {
    let tab = line.iter().position(|it| *it == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut parts = head.split_ascii_whitespace();
    let (mode, kind, object, size) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if kind != "blob" {
        return Some(None);
    }
    let path = String::from_utf8_lossy(&line[tab + 1..]).into_owned();
    Some(Some(Entry { path, mode: Mode::parse(mode)?, object: object.to_owned(), size: size.parse().ok()? }))
}

/// A commit that git does not know is one that is not there.
fn absent(host: &Host, id: &RepositoryId, commit: &Commit, error: RunGit) -> ForgeError {
    let unknown = ["Not a valid object name", "not a tree object", "bad file", "could not get object info"];
    match &error {
        RunGit::Failed { complaint, .. } if unknown.iter().any(|it| complaint.contains(it)) => {
            ForgeError::NoCommit { repository: id.clone(), commit: commit.clone() }
        }
        _ => failed(&host.path(id), error),
    }
}

pub(super) async fn facts(host: &Host, id: &RepositoryId, commit: &Commit) -> Result<Facts, ForgeError> {
    let repository = host.existing(id)?;
    let done = host.ask(&repository, &["cat-file", "commit", commit.as_str()], COMMIT).await?;
    let answer = done.succeeded("cat-file").map_err(|it| absent(host, id, commit, it))?;
    parse(commit, &answer).ok_or_else(|| unexpected("what the commit says", &answer))
}

fn parse(commit: &Commit, bytes: &[u8]) -> Option<Facts> {
    let text = String::from_utf8_lossy(bytes);
    let (head, message) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let values = |name: &'static str| {
        head.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    };
    let author = values("author").next()?;
    let committer = values("committer").next()?;
    let (author_name, author_rest) = author.split_once('<')?;
    let (_, times) = committer.rsplit_once('>')?;
    let seconds = times.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Facts {
        commit: commit.clone(),
        tree: values("tree").next()?,
        parents: values("parent").filter_map(|it| Commit::parse(&it).ok()).collect(),
        author_name: author_name.trim().to_owned(),
        author_email: author_rest.split('>').next().unwrap_or_default().to_owned(),
        committed_at: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
        subject: message.trim_start().lines().next().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests;
