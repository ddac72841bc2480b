//! `down`: stops the platform and everything it runs; with `--purge` removes its data too.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::git_access;
use crate::home::{Home, Running, ended};
use crate::output::Report;
use crate::progress::Progress;
use crate::session::confirm;
use crate::text::span;

/// How long everything may take to stop.
const PATIENCE: Duration = Duration::from_secs(90);

/// Stop the platform on this machine
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Down {
    /// Remove all data too
    #[arg(long)]
    pub purge: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// A platform that was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DownReport {
    /// Whether it ran.
    pub was_running: bool,
    /// Whether there were data of one.
    pub had_data: bool,
    /// Whether its data were removed.
    pub purged: bool,
    /// Its folder.
    pub home: String,
    /// How long it took, in milliseconds.
    pub took_ms: u128,
}

impl Report for DownReport {
    fn table(&self) -> String {
        let took = span(Duration::from_millis(u64::try_from(self.took_ms).unwrap_or(u64::MAX)));
        let stopped = if self.was_running {
            format!("the platform is stopped; it took {took}")
        } else {
            "the platform was not running".to_owned()
        };
        let data = match (self.purged, self.had_data) {
            (_, false) => "there are no data of one",
            (true, true) => "its data are removed",
            (false, true) => "its data are kept",
        };
        format!("{stopped}; {data} ({})\n", self.home)
    }

    fn names(&self) -> Vec<String> {
        vec![self.home.clone()]
    }
}

/// Removes a folder: some of it may belong to users of pods.
pub type Remove<'a> = &'a (dyn Fn(&Path) -> io::Result<()> + Sync);

/// Stops the platform.
pub async fn down(
    home: &Home,
    down: &Down,
    interactive: bool,
    world: &fairway_clock::World,
    progress: &dyn Progress,
    remove: Remove<'_>,
) -> Result<DownReport, Failure> {
    if down.purge {
        let question = format!("Remove every service, release and the ledger in {}?", home.root().display());
        confirm(interactive, down.yes, &question)?;
    }
    let start = world.clock.monotonic();
    let running = home.running();
    let had_data = home.path("store").exists();
    if let Some(running) = &running {
        progress.step("stopping the platform and what it runs");
        end(running)?;
        let ended = tokio::time::timeout(PATIENCE, ended(running)).await;
        progress.end();
        ended.map_err(|_| {
            let log = home.path("log/platform.log");
            Failure::not_ready(format!("the platform (process {}) does not stop", running.pid))
                .details(home.log_end(0, 10))
                .hint(format!(
                    "its log is {}; kill -9 {} ends it, and up finds its services again",
                    log.display(),
                    running.pid
                ))
        })?;
    }
    if down.purge {
        git_access::forget(home);
        purge(home, remove)?;
    }
    let took_ms = world.clock.monotonic().saturating_sub(start).as_millis();
    let home = home.root().display().to_string();
    Ok(DownReport { was_running: running.is_some(), had_data, purged: down.purge, home, took_ms })
}

/// Asks the process to end.
#[cfg(unix)]
fn end(running: &Running) -> Result<(), Failure> {
    let pid = i32::try_from(running.pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return Ok(()) };
    match rustix::process::kill_process(pid, rustix::process::Signal::TERM) {
        // It went by itself meanwhile.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(Failure::io(format!("stop process {}", running.pid))(error.into())),
    }
}

#[cfg(not(unix))]
fn end(_: &Running) -> Result<(), Failure> {
    Err(Failure::usage("the platform does not run on this system")
        .hint("use it on Linux, in WSL2 or in a virtual machine"))
}

/// Removes what the platform made and nothing else: a folder of somebody's own stays if anything else is in it.
fn purge(home: &Home, remove: Remove<'_>) -> Result<(), Failure> {
    // First what may refuse to go, for not all of it need be ours: then the rest is still there.
    for part in ["node", "run", "log", "pki", "store", "images", "git", "runs", "admin.token"] {
        let path = home.path(part);
        let removed = match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => remove(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::io(format!("remove {}", path.display()))(error));
            }
            _ => {}
        }
    }
    match fs::remove_dir(home.root()) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => Ok(()),
        Err(error) => Err(Failure::io(format!("remove {}", home.root().display()))(error)),
    }
}

#[cfg(test)]
mod tests;
