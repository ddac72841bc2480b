//! Sizes and contents, looked up in the repository and the quarantine.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Judge, Pushed, Task, git};
use crate::rules::{self, Limits, Violation};

/// A link leads no further.
const TARGET: u64 = 4096;

/// Whether the repository, with what was just sent, is larger than it may be.
pub(super) fn too_large_repository(limits: &Limits) -> Result<Option<Violation>, Judge> {
    // Git runs its hook in the repository; the quarantine is among its objects.
    let size = measure(Path::new("objects")).map_err(Judge::Measure)?;
    let limit = limits.repository_bytes;
    Ok((size > limit).then(|| {
        let why = format!("would take {}: {} are allowed", rules::bytes(size), rules::bytes(limit));
        Violation::new("repository", why, "keep large files elsewhere, or ask those who run the platform for room")
    }))
}

fn measure(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What went away meanwhile takes no room.
        match entry.metadata() {
            Ok(it) if it.is_dir() => size += measure(&entry.path()).unwrap_or(0),
            Ok(it) => size += it.len(),
            Err(_) => {}
        }
    }
    Ok(size)
}

/// Whether a commit has more files than it may.
pub(super) fn too_many_files(task: &Task, pushed: &Pushed) -> Result<Option<Violation>, Judge> {
    let mut command = git(task, "ls-tree");
    command.args(["-r", "-z", "--name-only", "--full-tree", &pushed.new]);
    ask(command, "ls-tree", String::new(), |answer| {
        let mut count = 0;
        let mut path = Vec::new();
        while count <= task.limits.files && answer.read_until(0, &mut path)? > 0 {
            count += 1;
            path.clear();
        }
        Ok(rules::file_count(&pushed.reference, count, &task.limits).err())
    })
}

/// Judges the sizes of contents, each by a path it stands at.
pub(super) fn judge_sizes(
    task: &Task,
    files: &HashMap<String, String>,
    broken: &mut Vec<Violation>,
) -> Result<(), Judge> {
    let mut command = git(task, "cat-file");
    command.arg("--batch-check=%(objectname) %(objectsize)");
    let names: String = files.keys().map(|it| format!("{it}\n")).collect();
    let mut large = ask(command, "cat-file", names, |answer| {
        let mut large = Vec::new();
        for line in answer.lines() {
            let line = line?;
            let (object, size) = line.split_once(' ').unwrap_or((&line, ""));
            let size = size.parse().map_err(|_| io::Error::other(format!("unknown object {line:.60}")))?;
            let path = files.get(object).map(String::as_str).unwrap_or_default();
            large.extend(rules::file_size(path, size, &task.limits).err());
        }
        Ok(large)
    })?;
    // Looked up in no order; told in one.
    large.sort_by(|one, other| one.place.cmp(&other.place));
    broken.append(&mut large);
    Ok(())
}

/// Judges where links lead.
pub(super) fn judge_links(task: &Task, links: &[(String, String)], broken: &mut Vec<Violation>) -> Result<(), Judge> {
    let mut command = git(task, "cat-file");
    command.arg("--batch");
    let names: String = links.iter().map(|(_, object)| format!("{object}\n")).collect();
    let mut wrong = ask(command, "cat-file", names, |mut answer| {
        let mut wrong = Vec::new();
        for (path, _) in links {
            let mut head = String::new();
            answer.read_line(&mut head)?;
            let size = head.trim_end().rsplit(' ').next().and_then(|it| it.parse::<u64>().ok());
            let size = size.ok_or_else(|| io::Error::other(format!("unknown object {head:.60}")))?;
            let mut target = Vec::new();
            (&mut answer).take(size.min(TARGET)).read_to_end(&mut target)?;
            io::copy(&mut (&mut answer).take(size.saturating_sub(TARGET) + 1), &mut io::sink())?;
            wrong.extend(rules::link(path, &target).err());
        }
        Ok(wrong)
    })?;
    broken.append(&mut wrong);
    Ok(())
}

/// Gives git its input and reads its answer, both at once.
fn ask<T>(
    mut command: Command,
    what: &'static str,
    input: String,
    read: impl FnOnce(&mut dyn BufRead) -> io::Result<T>,
) -> Result<T, Judge> {
    let failed = |it| Judge::Ask(what, it);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Judge::Failed(what));
    };
    // It need not read all it is given.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let answer = read(&mut BufReader::new(stdout));
    if answer.is_err() {
        let _ = child.kill();
    }
    // Who stopped reading made git stop writing: how it ended says nothing more than what was read.
    let _ = child.wait();
    let _ = writer.join();
    answer.map_err(failed)
}
