//! What the new commits bring: each path that one of them changes against its first parent. All that a new commit holds
//! is either among these or was in a commit that was judged before.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{Judge, Task, git, objects};
use crate::forge::Mode;
use crate::rules::{self, Violation};

/// Nobody reads more of them, and whoever makes so many makes many more.
const ENOUGH: usize = 1000;

/// Judges what the new commits bring.
pub(super) fn judge(task: &Task, tips: &[&str], broken: &mut Vec<Violation>) -> Result<(), Judge> {
    let mut command = git(task, "log");
    command.args(["--raw", "-r", "--root", "-z", "--no-abbrev", "--no-renames", "--diff-merges=first-parent"]);
    command.args(["--format=", "--no-show-signature", "--no-ext-diff", "--ignore-submodules=none"]);
    command.args(tips).args(["--not", "--all", "--"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|it| Judge::Ask("log", it))?;
    let Some(stdout) = child.stdout.take() else { return Err(Judge::Failed("log")) };
    let found = read(BufReader::new(stdout), task, broken);
    if found.is_err() || broken.len() >= ENOUGH {
        // It would go on telling.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|it| Judge::Ask("log", it))?;
    let found = found?;
    if broken.len() >= ENOUGH {
        return Ok(());
    }
    if !status.success() {
        return Err(Judge::Failed("log"));
    }
    objects::judge_sizes(task, &found.files, broken)?;
    objects::judge_links(task, &found.links, broken)
}

/// What is to be looked up.
#[derive(Default)]
struct Found {
    /// A path of each content.
    files: HashMap<String, String>,
    /// Links, each where it stands.
    links: Vec<(String, String)>,
}

/// Reads `:mode mode object object status NUL path NUL`, again and again.
fn read(mut from: impl BufRead, task: &Task, broken: &mut Vec<Violation>) -> Result<Found, Judge> {
    let mut found = Found::default();
    let (mut head, mut path) = (Vec::new(), Vec::new());
    let mut count = 0;
    loop {
        head.clear();
        path.clear();
        let ask = |it| Judge::Ask("log", it);
        if from.read_until(0, &mut head).map_err(ask)? == 0 {
            return Ok(found);
        }
        from.read_until(0, &mut path).map_err(ask)?;
        count += 1;
        if count > task.limits.changes {
            let why = format!("changes more than {} files over all its commits", task.limits.changes);
            broken.push(Violation::new("push", why, "push its history in several steps (git push origin COMMIT:main)"));
            return Ok(found);
        }
        path.pop();
        let text = String::from_utf8_lossy(&head);
        let mut parts = text.trim_start_matches(':').split(' ');
        let (_, mode, _, object) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(mode), Some(object)) = (mode, object) else { return Err(Judge::Failed("log")) };
        if mode == "000000" {
            continue;
        }
        match rules::entry(mode, &path) {
            Err(violation) if !broken.contains(&violation) => broken.push(violation),
            Err(_) => {}
            Ok(mode) => {
                let path = String::from_utf8_lossy(&path).into_owned();
                if mode == Mode::Link {
                    found.links.push((path, object.to_owned()));
                } else {
                    found.files.entry(object.to_owned()).or_insert(path);
                }
            }
        }
        if broken.len() >= ENOUGH {
            return Ok(found);
        }
    }
}
