//! `doctor`: what this machine offers, and what to do about the rest.
//!
//! The tools are looked for here; what the machine's kernel offers is told by the host, as a list of checks
//! `{name, state, says, advice}` under `checks`, or as plain facts.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::process::Command;

use crate::failure::Exit;
use crate::git_access::CERTIFICATES;
use crate::home::Home;
use crate::output::Report;
use crate::text::columns;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is there.
    Ok,
    /// It is not, and something is done without it.
    Warning,
    /// It is not, and the platform needs it.
    Missing,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// What was found.
    pub state: State,
    /// In words.
    pub says: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// All checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// In the order in which they are shown.
    pub checks: Vec<Check>,
}

impl Report for Diagnosis {
    fn table(&self) -> String {
        let word = |it: State| match it {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Missing => "missing",
        };
        let rows: Vec<Vec<String>> =
            self.checks.iter().map(|it| vec![it.name.clone(), word(it.state).to_owned(), it.says.clone()]).collect();
        let mut text = columns(&["CHECK", "STATE", "FOUND"], &rows);
        for it in self.checks.iter().filter(|it| it.state != State::Ok) {
            if let Some(advice) = &it.advice {
                let _ = writeln!(text, "{}: {advice}", it.name);
            }
        }
        text
    }

    fn names(&self) -> Vec<String> {
        self.checks.iter().map(|it| it.name.clone()).collect()
    }

    fn exit(&self) -> Exit {
        if self.checks.iter().any(|it| it.state == State::Missing) { Exit::NotReady } else { Exit::Done }
    }
}

/// A tool, what it is for, and whether nothing goes without it.
const TOOLS: &[(&str, &str, &str, State)] = &[
    ("git", "--version", "without git every release is marked as uncommitted: install git", State::Warning),
    ("cargo", "--version", "deploy builds Rust with it: install Rust from rustup.rs", State::Warning),
    ("cc", "--version", "Rust links with it: install gcc and the static C library", State::Warning),
    ("kubectl", "version --client", "only if you want to look deeper: install kubectl 1.30 or newer", State::Warning),
];

/// Looks at the machine.
pub async fn doctor(home: &Home, machine: &Value) -> Diagnosis {
    let mut checks = of_machine(machine);
    checks.push(folder(home));
    checks.push(platform(home));
    for (name, arguments, advice, missing) in TOOLS {
        checks.push(tool(name, arguments, advice, *missing).await);
    }
    checks.extend(certificates(std::env::var_os(CERTIFICATES).as_deref()));
    Diagnosis { checks }
}

/// The host's facts: checks as they are, everything else as something that is so.
fn of_machine(machine: &Value) -> Vec<Check> {
    let checks: Vec<Check> = machine["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| serde_json::from_value(it.clone()).ok())
        .collect();
    let facts = machine.as_object().into_iter().flatten().filter(|(name, _)| *name != "checks");
    let fact = |(name, value): (&String, &Value)| Check {
        name: name.clone(),
        state: State::Ok,
        says: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        advice: None,
    };
    checks.into_iter().chain(facts.map(fact)).collect()
}

fn folder(home: &Home) -> Check {
    let root = home.root();
    let mut nearest: &Path = root;
    while !nearest.exists() {
        match nearest.parent() {
            Some(parent) => nearest = parent,
            None => break,
        }
    }
    let writable = writable(nearest);
    Check {
        name: "data folder".to_owned(),
        state: if writable { State::Ok } else { State::Missing },
        says: format!("{} {}", root.display(), if writable { "can be written" } else { "cannot be written" }),
        advice: Some("choose another: FAIRWAY_HOME=/some/folder platform up".to_owned()),
    }
}

#[cfg(unix)]
fn writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn writable(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok_and(|it| !it.permissions().readonly())
}

fn platform(home: &Home) -> Check {
    let says = match (home.running(), home.announced()) {
        (Some(it), _) => format!("runs as process {} on ports {} and {}", it.pid, it.api_port, it.gateway_port),
        (None, Some(it)) => format!("process {} stopped without saying so; platform up goes on where it was", it.pid),
        (None, None) => "does not run".to_owned(),
    };
    Check { name: "platform".to_owned(), state: State::Ok, says, advice: None }
}

/// What keeps git from trusting the platform although its configuration says so.
fn certificates(set: Option<&std::ffi::OsStr>) -> Option<Check> {
    let advice = format!(
        "git fetch and git push reach the platform only without it: env -u {CERTIFICATES} git push; platform repo clone \
         does without"
    );
    Some(Check {
        name: CERTIFICATES.to_owned(),
        state: State::Warning,
        says: format!("is set to {} and wins over git's configuration", set?.display()),
        advice: Some(advice),
    })
}

async fn tool(name: &str, arguments: &str, advice: &str, missing: State) -> Check {
    let mut command = Command::new(name);
    command.args(arguments.split(' ')).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.ok().filter(|it| it.status.success());
    let first = output.map(|it| String::from_utf8_lossy(&it.stdout).lines().next().unwrap_or_default().to_owned());
    Check {
        name: name.to_owned(),
        state: if first.is_some() { State::Ok } else { missing },
        says: first.unwrap_or_else(|| "not found".to_owned()),
        advice: Some(advice.to_owned()),
    }
}

#[cfg(test)]
mod tests;
