//! The pre-receive hook: this program, executed again by git while what was pushed is still in quarantine. It looks up
//! what the rules need and asks them; nothing gets in unless all of them agree, nor when something cannot be looked up.

mod changes;

mod objects;

use std::env;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::rules::{self, Limits, Violation, Wanted};

/// What the hook is told, as JSON. Its presence is what makes this process a hook.
pub(crate) const TASK: &str = "FAIRWAY_GIT_PRE_RECEIVE";
/// Broken rules that are shown; the rest is counted.
const SHOWN: usize = 20;
/// A push of more text than this names more refs than are allowed.
const INPUT: u64 = 1 << 20;

/// What the hook is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) git: PathBuf,
    pub(crate) protected: String,
    pub(crate) limits: Limits,
}

/// Why a push could not be judged.
#[derive(Debug, thiserror::Error)]
enum Judge {
    #[error("what is pushed was not understood: {0:.200}")]
    Input(String),
    #[error("git {0} could not be asked")]
    Ask(&'static str, #[source] io::Error),
    #[error("git {0} failed")]
    Failed(&'static str),
    #[error("read the size of the repository")]
    Measure(#[source] io::Error),
}

/// A ref that is pushed.
struct Pushed {
    old: String,
    new: String,
    reference: String,
}

impl Pushed {
    fn is_removal(&self) -> bool {
        is_zero(&self.new)
    }
}

/// The first line of `main`: if git started this process as its hook, does that and never returns.
pub fn reexec() {
    let Ok(task) = env::var(TASK) else { return };
    let is_hook = env::args_os().next().is_some_and(|it| it.to_string_lossy().ends_with("pre-receive"));
    if is_hook {
        std::process::exit(run(&task));
    }
}

fn run(task: &str) -> i32 {
    let mut said = io::stderr().lock();
    let judged = serde_json::from_str(task).map_err(|it| Judge::Input(it.to_string())).and_then(|it| judge(&it));
    // Whom we tell may be gone.
    match judged {
        Ok(broken) if broken.is_empty() => return 0,
        Ok(broken) => {
            let _ = writeln!(said, "fairway: this push is refused, and nothing of it was taken:");
            for violation in broken.iter().take(SHOWN) {
                let _ = writeln!(said, "fairway: - {violation}");
            }
            if broken.len() > SHOWN {
                let _ = writeln!(said, "fairway: - and {} more like these", broken.len() - SHOWN);
            }
        }
        Err(error) => {
            let source = std::error::Error::source(&error).map(|it| format!(": {it}")).unwrap_or_default();
            let _ =
                writeln!(said, "fairway: this push could not be checked, so nothing of it was taken: {error}{source}");
            let _ = writeln!(said, "fairway: push again; if it stays so, tell those who run the platform");
        }
    }
    1
}

/// All that is wrong with the push. What is wrong with its names comes first: then nothing else is looked at.
fn judge(task: &Task) -> Result<Vec<Violation>, Judge> {
    let pushed = read_pushed(task)?;
    let limits = &task.limits;
    let mut broken = Vec::new();
    if pushed.len() > limits.updates {
        let why = format!("moves {} branches and tags: {} are allowed", pushed.len(), limits.updates);
        broken.push(Violation::new("push", why, "push fewer at a time"));
        return Ok(broken);
    }
    for it in &pushed {
        let rewritten = it.reference == format!("refs/heads/{}", task.protected) && is_rewritten(task, it)?;
        let wanted = Wanted { reference: &it.reference, removed: it.is_removal(), rewritten };
        broken.extend(rules::update(&wanted, &task.protected).err());
    }
    broken.extend(too_many_references(task, &pushed)?);
    if broken.is_empty() {
        broken.extend(objects::too_large_repository(limits)?);
    }
    let tips: Vec<&Pushed> = pushed.iter().filter(|it| !it.is_removal()).collect();
    if !broken.is_empty() || tips.is_empty() {
        return Ok(broken);
    }
    for it in &tips {
        let peeled = format!("{}^{{commit}}", it.new);
        if !answers(task, "rev-parse", &["--verify", "--quiet", "--end-of-options", &peeled])? {
            broken.push(Violation::new(&it.reference, "is no commit", "tag a commit"));
        }
    }
    if broken.is_empty() {
        for it in &tips {
            broken.extend(objects::too_many_files(task, it)?);
        }
        let ids: Vec<&str> = tips.iter().map(|it| it.new.as_str()).collect();
        changes::judge(task, &ids, &mut broken)?;
    }
    Ok(broken)
}

/// Reads `old new ref` lines.
fn read_pushed(task: &Task) -> Result<Vec<Pushed>, Judge> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(INPUT).read_to_end(&mut text);
    read.map_err(|it| Judge::Input(it.to_string()))?;
    let mut pushed = Vec::new();
    for line in text.split(|it| *it == b'\n').filter(|it| !it.is_empty()).take(task.limits.updates + 1) {
        let line = String::from_utf8_lossy(line);
        let mut parts = line.splitn(3, ' ');
        let (Some(old), Some(new), Some(reference)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Judge::Input(line.into_owned()));
        };
        if ![old, new].iter().all(|it| it.len() == 40 && it.bytes().all(|it| it.is_ascii_hexdigit())) {
            return Err(Judge::Input(line.into_owned()));
        }
        let [old, new, reference] = [old, new, reference].map(str::to_owned);
        pushed.push(Pushed { old, new, reference });
    }
    Ok(pushed)
}

fn is_rewritten(task: &Task, pushed: &Pushed) -> Result<bool, Judge> {
    if is_zero(&pushed.old) || pushed.is_removal() {
        return Ok(false);
    }
    Ok(!answers(task, "merge-base", &["--is-ancestor", &pushed.old, &pushed.new])?)
}

fn too_many_references(task: &Task, pushed: &[Pushed]) -> Result<Option<Violation>, Judge> {
    let new = pushed.iter().filter(|it| is_zero(&it.old)).count();
    if new == 0 {
        return Ok(None);
    }
    let listed = git(task, "for-each-ref").args(["--format=x", "refs/"]).output();
    let listed = listed.map_err(|it| Judge::Ask("for-each-ref", it))?;
    let there = listed.stdout.split(|it| *it == b'\n').count() - 1;
    let limit = task.limits.references;
    Ok((there + new > limit).then(|| {
        let why = format!("would have {} branches and tags: {limit} are allowed", there + new);
        Violation::new("repository", why, "remove branches that nobody uses (git push origin --delete NAME)")
    }))
}

/// A git in the environment that this process has from git: clean, and with the quarantine in sight.
fn git(task: &Task, subcommand: &str) -> Command {
    let mut command = Command::new(&task.git);
    command.arg(subcommand).env_remove(TASK).stderr(std::process::Stdio::null());
    command
}

/// Whether git says yes.
fn answers(task: &Task, subcommand: &'static str, arguments: &[&str]) -> Result<bool, Judge> {
    let output = git(task, subcommand).args(arguments).output().map_err(|it| Judge::Ask(subcommand, it))?;
    match output.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(Judge::Failed(subcommand)),
    }
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|it| it == b'0')
}
