//! The host's cargo: a release build of one program, linked statically.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fairway_api::v1alpha1::Toolchain;
use fairway_outside::trust::Bundle;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use crate::failure::Failure;
use crate::session::Session;

/// What is kept of a failed build's output.
const MOST_LINES: usize = 2000;
const STATIC: &str = "target-feature=+crt-static";

/// A program that was built.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) toolchain: Toolchain,
}

/// Builds the program of a component.
pub(super) async fn build(
    session: &Session,
    folder: &Path,
    component: &str,
    wanted: Option<&str>,
) -> Result<Program, Failure> {
    let (version, host) = rustc(folder).await?;
    let mut command = Command::new("cargo");
    command.current_dir(folder).args(["build", "--release", "--message-format=json-render-diagnostics"]);
    command.args(["--target", &host]);
    if let Some(name) = wanted {
        command.args(["--bin", name]);
    }
    let flags = Flags::choose(&host, |name| std::env::var_os(name));
    match flags {
        Flags::Variable(name, value) => command.env(name, value),
        Flags::Setting(setting) => command.args(["--config", &setting]),
    };
    command.envs(authorities(session)?);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    session.progress.step(&format!("building {component}"));
    let mut child = command.spawn().map_err(|error| no_tool("cargo", &error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let messages = async {
        let mut text = String::new();
        if let Some(mut out) = stdout {
            let _ = out.read_to_string(&mut text).await;
        }
        text
    };
    let said = async {
        let mut lines = Vec::new();
        if let Some(err) = stderr {
            let mut reader = BufReader::new(err).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                session.progress.detail(&format!("building {component}: {}", line.trim()));
                if lines.len() < MOST_LINES {
                    lines.push(line);
                }
            }
        }
        lines
    };
    let (messages, said) = tokio::join!(messages, said);
    let status = child.wait().await.map_err(Failure::io("wait for cargo"))?;
    session.progress.end();
    if !status.success() {
        return Err(Failure::failed(format!("{component} does not build"))
            .details(said)
            .hint("correct what cargo says, then platform deploy again"));
    }
    let path = choose(&programs(&messages), component, wanted)?;
    Ok(Program { path, toolchain: Toolchain { name: "rust".to_owned(), version, base: None } })
}

/// The authorities that are to be trusted besides the machine's, told to cargo. The proxy it finds by itself.
fn authorities(session: &Session) -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    let bundle = Bundle::find(|name| std::env::var(name).ok());
    bundle.variables(&session.home.path("ca-bundle.crt")).map_err(|it| {
        let source = std::error::Error::source(&it).map(|it| format!(": {it}")).unwrap_or_default();
        Failure::failed(format!("FAIRWAY_CA_BUNDLE cannot be used: {it}{source}")).hint("platform doctor")
    })
}

fn no_tool(name: &str, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot run {name}: {error}"))
        .hint("install Rust from rustup.rs; platform doctor checks it")
}

/// Version and host of the compiler that the folder asks for.
pub(super) async fn rustc(folder: &Path) -> Result<(String, String), Failure> {
    let mut command = Command::new("rustc");
    command.current_dir(folder).arg("-vV").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| no_tool("rustc", &error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|it| it.strip_prefix("host: "));
    match (text.lines().next(), host) {
        (Some(version), Some(host)) => Ok((version.to_owned(), host.to_owned())),
        _ => Err(Failure::failed("rustc does not say for which machine it compiles")
            .details(String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned))
            .hint("platform doctor")),
    }
}

/// How the compiler is told to link statically without losing the flags the user gave it: cargo takes them from the
/// first of these places that has any.
#[derive(Debug, PartialEq, Eq)]
enum Flags {
    Variable(&'static str, OsString),
    Setting(String),
}

impl Flags {
    fn choose(host: &str, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        if let Some(mut flags) = variable("CARGO_ENCODED_RUSTFLAGS") {
            if !flags.is_empty() {
                flags.push("\u{1f}");
            }
            flags.push(format!("-C\u{1f}{STATIC}"));
            return Self::Variable("CARGO_ENCODED_RUSTFLAGS", flags);
        }
        if let Some(mut flags) = variable("RUSTFLAGS").filter(|it| !it.is_empty()) {
            flags.push(format!(" -C {STATIC}"));
            return Self::Variable("RUSTFLAGS", flags);
        }
        // Joined with what configuration files say for the same target.
        Self::Setting(format!("target.{host}.rustflags=[\"-C\", \"{STATIC}\"]"))
    }
}

/// Every program that cargo says it made: name and path.
fn programs(messages: &str) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = messages
        .lines()
        .filter_map(|it| serde_json::from_str::<Value>(it).ok())
        .filter(|it| it["reason"] == "compiler-artifact")
        .filter(|it| it["target"]["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|it| it == "bin")))
        .filter_map(|it| Some((it["target"]["name"].as_str()?.to_owned(), PathBuf::from(it["executable"].as_str()?))))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn choose(programs: &[(String, PathBuf)], component: &str, wanted: Option<&str>) -> Result<PathBuf, Failure> {
    let name = wanted.unwrap_or(component);
    if let Some((_, path)) = programs.iter().find(|it| it.0 == name) {
        return Ok(path.clone());
    }
    match programs {
        [(_, path)] if wanted.is_none() => Ok(path.clone()),
        [] => Err(Failure::failed("cargo built no program").hint("is this a library? A service has a src/main.rs")),
        several => {
            let names: Vec<&str> = several.iter().map(|it| it.0.as_str()).collect();
            let what = format!("which program is {component}? cargo built {}", names.join(", "));
            Err(Failure::usage(what).hint("say which with --bin=NAME"))
        }
    }
}

#[cfg(test)]
mod tests;
