//! The folder of a platform on this machine, and whether one runs in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// `$FAIRWAY_HOME`, else `$XDG_DATA_HOME/fairway`, else `~/.local/share/fairway`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// Where a running platform is reached: `run/platform.json`, written by it when it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// The process.
    pub pid: u32,
    /// When it started, in ticks since boot: a pid alone may be somebody else's by now.
    pub start_ticks: u64,
    /// The port of the API.
    pub api_port: u16,
    /// The port of the gateway.
    pub gateway_port: u16,
    /// The platform's version.
    pub version: String,
}

impl Home {
    /// The home in this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The home that the environment names.
    pub fn from_environment() -> Result<Self, Failure> {
        Self::choose(|name| std::env::var_os(name).map(PathBuf::from))
    }

    fn choose(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, Failure> {
        let given = |name: &str| variable(name).filter(|it| !it.as_os_str().is_empty());
        let data = || given("XDG_DATA_HOME").filter(|it| it.is_absolute());
        let root = given("FAIRWAY_HOME")
            .or_else(|| data().map(|it| it.join("fairway")))
            .or_else(|| given("HOME").map(|it| it.join(".local/share/fairway")));
        let root = root.ok_or_else(|| {
            Failure::failed("cannot tell where to keep data: none of FAIRWAY_HOME, XDG_DATA_HOME and HOME is set")
                .hint("FAIRWAY_HOME=/some/folder platform up")
        })?;
        let root = std::path::absolute(&root).map_err(Failure::io(format!("use the folder {}", root.display())))?;
        Ok(Self { root })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder in it.
    pub fn path(&self, part: &str) -> PathBuf {
        self.root.join(part)
    }

    /// What `run/platform.json` says, whether or not it is still true.
    pub fn announced(&self) -> Option<Running> {
        serde_json::from_slice(&fs::read(self.path("run/platform.json")).ok()?).ok()
    }

    /// The platform that runs here now; what a killed one left behind is recognised.
    pub fn running(&self) -> Option<Running> {
        self.announced().filter(is_alive)
    }

    /// How long the log is.
    pub(crate) fn log_length(&self) -> usize {
        fs::metadata(self.path("log/platform.log")).map_or(0, |it| usize::try_from(it.len()).unwrap_or(usize::MAX))
    }

    /// The last lines of the log, of what was written after so many bytes.
    pub(crate) fn log_end(&self, after: usize, lines: usize) -> Vec<String> {
        let text = fs::read(self.path("log/platform.log")).unwrap_or_default();
        let text = text.get(after..).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[text.len().saturating_sub(64 << 10)..]).into_owned();
        let all: Vec<String> = text.lines().map(crate::text::harmless).collect();
        all[all.len().saturating_sub(lines)..].to_vec()
    }
}

/// How often to look whether a process is still there.
const LOOK: Duration = Duration::from_millis(10);

/// Returns once the process that announced itself has ended.
pub(crate) async fn ended(running: &Running) {
    while is_alive(running) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether the process that announced itself is still the same one.
pub(crate) fn is_alive(running: &Running) -> bool {
    match fs::read_to_string(format!("/proc/{}/stat", running.pid)) {
        Ok(stat) => {
            // The name in brackets may hold anything: count from its end. The first field after it is the state.
            let rest = stat.rsplit_once(')').map(|it| it.1).unwrap_or_default();
            let mut fields = rest.split_whitespace();
            let state = fields.next().unwrap_or_default();
            let ticks = fields.nth(18).and_then(|it| it.parse().ok()).unwrap_or(0);
            !matches!(state, "Z" | "X") && (running.start_ticks == 0 || ticks == running.start_ticks)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
