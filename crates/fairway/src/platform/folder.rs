//! The folder a platform lives in: who holds it, where it is reached, and everything in it readable by its owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek as _, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

/// The folder of one platform, held by this process.
pub(crate) struct Folder {
    root: PathBuf,
    /// Held for as long as the process lives; the kernel lets go of it at the end, however that comes.
    lock: File,
}

/// Where a running platform is reached: `run/platform.json`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Running {
    pub(crate) pid: u32,
    /// When the process started, in ticks since boot: a pid alone may be somebody else's by now.
    pub(crate) start_ticks: u64,
    pub(crate) api_port: u16,
    pub(crate) gateway_port: u16,
    pub(crate) version: String,
}

impl Folder {
    /// Makes the folder where it is missing and takes hold of it.
    pub(crate) fn hold(root: &Path) -> Result<Self> {
        make_private(root)?;
        check_owner(root)?;
        for part in ["run", "log", "pki", "store", "images", "node"] {
            make_private(&root.join(part))?;
        }
        let path = root.join("run/lock");
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
        if let Some(holder) = held_by(&mut lock) {
            bail!(
                "another platform (process {holder}) runs on {}; stop it with `platform down`, or choose another folder with FAIRWAY_HOME",
                root.display()
            );
        }
        lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id())).context("write the lock file")?;
        let folder = Self { root: root.to_owned(), lock };
        folder.forget_running()?;
        Ok(folder)
    }

    pub(crate) fn path(&self, part: &str) -> PathBuf {
        self.root.join(part)
    }

    /// Says where the platform is reached, now that it is.
    pub(crate) fn say_running(&self, running: &Running) -> Result<()> {
        self.write("run/platform.json", &serde_json::to_vec_pretty(running)?)
    }

    /// Takes that back.
    pub(crate) fn forget_running(&self) -> Result<()> {
        match fs::remove_file(self.path("run/platform.json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove run/platform.json"),
            _ => Ok(()),
        }
    }

    /// Writes a private file, wholly or not at all.
    pub(crate) fn write(&self, part: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(part);
        let new = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().with_context(|| format!("write {}", path.display()))
    }
}

impl Drop for Folder {
    /// Said, not left to the closing of the file: a process that is being started has a copy of it for a moment.
    fn drop(&mut self) {
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// How often one that is dying is waited for, and how long each time.
const TRIES: u32 = 2000;
const PAUSE: Duration = Duration::from_millis(5);

/// Takes the lock, or says which process has it. One that was killed has it until the last of its threads is gone.
fn held_by(lock: &mut File) -> Option<String> {
    let mut holder = String::new();
    for _ in 0..TRIES {
        if flock(&*lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return None;
        }
        holder.clear();
        let _ = lock.rewind().and_then(|()| lock.read_to_string(&mut holder));
        if !is_dying(holder.trim()) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Some(holder.trim().to_owned())
}

/// Whether a process is gone but for its threads, or has been killed and does not know yet.
fn is_dying(pid: &str) -> bool {
    if pid.is_empty() || !pid.bytes().all(|it| it.is_ascii_digit()) {
        return false;
    }
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return true };
    let field = |name: &str| status.lines().find_map(|it| it.strip_prefix(name)).map(str::trim);
    let is_zombie = field("State:").is_some_and(|it| it.starts_with('Z') || it.starts_with('X'));
    let pending = field("ShdPnd:").and_then(|it| u64::from_str_radix(it, 16).ok()).unwrap_or(0);
    is_zombie || pending & (1 << 8) != 0 // SIGKILL is 9, and the lowest bit is signal 1
}

fn make_private(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| {
        format!("make the folder {}; choose another with FAIRWAY_HOME if it cannot be written", path.display())
    })
}

/// A folder that another user made holds files of a user map that is not ours.
fn check_owner(root: &Path) -> Result<()> {
    let owner = fs::metadata(root).with_context(|| format!("look at {}", root.display()))?.uid();
    let own = rustix::process::geteuid().as_raw();
    if owner != own {
        bail!(
            "{} belongs to user {owner} and this is user {}; run as that user, or choose another folder with FAIRWAY_HOME",
            root.display(),
            fairway_node::person()
        );
    }
    Ok(())
}

/// When this process started, in ticks since boot.
pub(crate) fn start_ticks() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name in brackets may hold anything: count from its end.
    let rest = text.rsplit_once(')').map(|it| it.1).unwrap_or_default();
    rest.split_whitespace().nth(19).and_then(|it| it.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
