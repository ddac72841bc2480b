//! Limits of memory, processor and processes, where the machine lets us set them.
//!
//! One small interface over both generations of cgroups. The top folder carries the node's id, so that whatever a crash
//! leaves behind can be found and removed.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::protocol::Limits;

/// Where cgroups are on every usual machine.
const MOUNT: &str = "/sys/fs/cgroup";
/// The controllers that we use, in version 1 each its own tree.
pub(crate) const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];
const CPU_PERIOD: u64 = 100_000;

/// Why a cgroup could not be set up.
#[derive(Debug, Error)]
#[error("write {path}", path = path.display())]
pub struct WriteCgroup {
    /// The file or folder.
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The generation of cgroups that this machine lets us use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Generation {
    /// One tree for each controller; these can be written.
    V1(Vec<&'static str>),
    /// One tree: our part of it is in this folder, and has these.
    V2(PathBuf, Vec<&'static str>),
    /// None can be written, and why.
    None(String),
}

/// What a process must do to be in a cgroup, and where its kills are counted.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) join: Vec<PathBuf>,
    pub(crate) oom_file: Option<PathBuf>,
}

/// The node's part of the machine's cgroups.
#[derive(Debug)]
pub(crate) struct Cgroups {
    generation: Generation,
    top: String,
}

impl Cgroups {
    /// The part of the node with this id.
    pub(crate) fn new(node: &str) -> Self {
        Self { generation: detect(), top: format!("fairway-{node}") }
    }

    pub(crate) fn generation(&self) -> &Generation {
        &self.generation
    }

    /// The node's own folders, one for each tree.
    pub(crate) fn tops(&self) -> Vec<PathBuf> {
        match &self.generation {
            Generation::V1(controllers) => {
                controllers.iter().map(|it| Path::new(MOUNT).join(it).join(&self.top)).collect()
            }
            Generation::V2(base, _) => vec![base.join(&self.top)],
            Generation::None(_) => Vec::new(),
        }
    }

    /// Makes the place of a pod's init, with the pod's share of the processors.
    pub(crate) fn pod(&self, pod: &str, cpu_request_milli: u64, owner: Option<u32>) -> Result<Place, WriteCgroup> {
        let place = self.init(pod, owner)?;
        for top in self.tops() {
            let (file, value) = self.share(cpu_request_milli);
            let path = top.join(pod).join(file);
            if path.exists() {
                write(&path, &value)?;
            }
        }
        Ok(place)
    }

    fn init(&self, pod: &str, owner: Option<u32>) -> Result<Place, WriteCgroup> {
        if let Generation::V2(base, _) = &self.generation {
            // Processes live in leaves only, and whoever moves one must own the folder above both ends.
            let top = base.join(&self.top);
            // What it cannot hand down any more was not counted on.
            let _not_free = delegate(base);
            make(&top)?;
            delegate(&top)?;
            make(&top.join(pod))?;
            admit(&top.join(pod).join("cgroup.procs"), owner)?;
            delegate(&top.join(pod))?;
            return self.place(&format!("{pod}/init"), owner);
        }
        self.place(pod, owner)
    }

    /// Makes the place of one run of a container and sets its limits.
    pub(crate) fn container(
        &self,
        pod: &str,
        run: &str,
        limits: &Limits,
        owner: Option<u32>,
    ) -> Result<Place, WriteCgroup> {
        let place = self.place(&format!("{pod}/{run}"), owner)?;
        for (folder, file, value) in self.settings(limits) {
            let path = folder.join(pod).join(run).join(file);
            // What the kernel was built without (swap accounting, processor quotas) cannot be set.
            if path.exists() {
                write(&path, &value)?;
            }
        }
        Ok(place)
    }

    fn place(&self, name: &str, owner: Option<u32>) -> Result<Place, WriteCgroup> {
        let mut place = Place::default();
        for top in self.tops() {
            let folder = top.join(name);
            make(&folder)?;
            admit(&folder.join(self.entrance()), owner)?;
            place.join.push(folder.join(self.entrance()));
            let counted = match self.generation {
                Generation::V1(_) => folder.join("memory.oom_control"),
                _ => folder.join("memory.events"),
            };
            if counted.exists() {
                place.oom_file = Some(counted);
            }
        }
        Ok(place)
    }

    /// The file that a process of one thread enters by. In version 1 the file for threads spares it the lock that all of
    /// the machine's processes share, which takes 10 ms whenever nobody took it of late.
    fn entrance(&self) -> &'static str {
        match self.generation {
            Generation::V1(_) => "tasks",
            _ => "cgroup.procs",
        }
    }

    /// Which file gets which value, below which top folder.
    fn settings(&self, limits: &Limits) -> Vec<(PathBuf, &'static str, String)> {
        let mut settings = Vec::new();
        for top in self.tops() {
            match &self.generation {
                Generation::V1(_) if top.starts_with(Path::new(MOUNT).join("memory")) => {
                    let memory = limits.memory.map(|it| it.to_string());
                    settings.extend(memory.iter().map(|it| (top.clone(), "memory.limit_in_bytes", it.clone())));
                    settings.extend(memory.map(|it| (top.clone(), "memory.memsw.limit_in_bytes", it)));
                }
                Generation::V1(_) if top.starts_with(Path::new(MOUNT).join("cpu")) => {
                    let (file, value) = self.share(limits.cpu_request_milli);
                    settings.push((top.clone(), file, value));
                    settings.extend(limits.cpu_milli.map(|it| (top.clone(), "cpu.cfs_quota_us", quota(it))));
                }
                Generation::V1(_) => settings.extend(limits.pids.map(|it| (top.clone(), "pids.max", it.to_string()))),
                _ => settings.extend(unified(&top, limits)),
            }
        }
        settings
    }

    /// What a request comes to among its neighbours, as in Kubernetes: who asks for nothing has the least.
    fn share(&self, milli: u64) -> (&'static str, String) {
        match self.generation {
            Generation::V1(_) => ("cpu.shares", shares(milli).to_string()),
            _ => ("cpu.weight", weight(milli).to_string()),
        }
    }

    /// Removes all that belongs to a pod whose processes are gone.
    pub(crate) fn remove_pod(&self, pod: &str) {
        self.tops().iter().for_each(|it| remove(&it.join(pod)));
    }

    /// Removes the place of a run that has ended.
    pub(crate) fn remove_container(&self, pod: &str, run: &str) {
        self.tops().iter().for_each(|it| remove(&it.join(pod).join(run)));
    }

    /// Removes the node's own folders, when no pod is left in them.
    pub(crate) fn remove_all(&self) {
        self.tops().iter().for_each(|it| remove(it));
    }
}

fn unified(top: &Path, limits: &Limits) -> Vec<(PathBuf, &'static str, String)> {
    let mut settings = Vec::new();
    if let Some(memory) = limits.memory {
        settings.push((top.to_owned(), "memory.max", memory.to_string()));
        settings.push((top.to_owned(), "memory.swap.max", "0".into()));
    }
    if let Some(cpu) = limits.cpu_milli {
        settings.push((top.to_owned(), "cpu.max", format!("{} {CPU_PERIOD}", quota(cpu))));
    }
    settings.push((top.to_owned(), "cpu.weight", weight(limits.cpu_request_milli).to_string()));
    if let Some(pids) = limits.pids {
        settings.push((top.to_owned(), "pids.max", pids.to_string()));
    }
    settings
}

fn shares(milli: u64) -> u64 {
    (milli.saturating_mul(1024) / 1000).clamp(2, 262_144)
}

/// The same scale as Kubernetes: 2..262144 shares onto 1..10000.
fn weight(milli: u64) -> u64 {
    1 + ((shares(milli) - 2) * 9999) / 262_142
}

fn quota(milli: u64) -> String {
    (milli.saturating_mul(CPU_PERIOD) / 1000).max(1000).to_string()
}

/// Looks at the machine.
pub(crate) fn detect() -> Generation {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    detect_in(Path::new(MOUNT), &own)
}

/// `own` are the cgroups of this process, as the kernel lists them.
fn detect_in(mount: &Path, own: &str) -> Generation {
    if mount.join("cgroup.controllers").exists() {
        return detect_unified(mount, own);
    }
    let writable = CONTROLLERS.into_iter().filter(|it| can_write(&mount.join(it))).collect::<Vec<_>>();
    if writable.is_empty() {
        Generation::None(format!("no controller below {} can be written by this user", mount.display()))
    } else {
        Generation::V1(writable)
    }
}

/// As root the top of the tree; else the cgroup that we are in, if it was delegated to us.
fn detect_unified(mount: &Path, own: &str) -> Generation {
    if can_write(mount) {
        return given(mount);
    }
    let own = own.lines().find_map(|it| it.strip_prefix("0::")).unwrap_or("/");
    let base = mount.join(own.trim_start_matches('/'));
    // Processes and controllers exclude each other in one folder: ours go beside the folder that we are in.
    match base.parent().filter(|it| it.starts_with(mount) && can_write(it)) {
        Some(parent) => given(parent),
        None => Generation::None(format!("{} is not delegated to this user", base.display())),
    }
}

/// What folders below this one can have: what is handed down already, or can be. A folder other than the machine's top
/// one hands nothing new down while there are processes in it.
fn given(base: &Path) -> Generation {
    let read = |file: &str| fs::read_to_string(base.join(file)).unwrap_or_default();
    let is_top = !base.join("cgroup.type").exists();
    let is_free = is_top || read("cgroup.procs").trim().is_empty();
    let listed = read(if is_free { "cgroup.controllers" } else { "cgroup.subtree_control" });
    let usable = ours(&listed);
    if !usable.is_empty() {
        return Generation::V2(base.to_owned(), usable);
    }
    let base = base.display();
    Generation::None(if is_free {
        format!("{base} was given none of {}", CONTROLLERS.join(", "))
    } else {
        format!("{base} has processes in it, so that it hands no limits down; start the platform in a cgroup below it")
    })
}

/// Those of a list that we use.
fn ours(listed: &str) -> Vec<&'static str> {
    CONTROLLERS.into_iter().filter(|it| listed.split_whitespace().any(|name| name == *it)).collect()
}

fn can_write(folder: &Path) -> bool {
    folder.is_dir() && rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

fn make(folder: &Path) -> Result<(), WriteCgroup> {
    fs::create_dir_all(folder).map_err(|source| WriteCgroup { path: folder.to_owned(), source })
}

/// Lets a user enter.
fn admit(entrance: &Path, owner: Option<u32>) -> Result<(), WriteCgroup> {
    let failed = |source| WriteCgroup { path: entrance.to_owned(), source };
    owner.map_or(Ok(()), |it| chown(entrance, Some(it), Some(it)).map_err(failed))
}

/// Lets the folders below use the controllers.
fn delegate(folder: &Path) -> Result<(), WriteCgroup> {
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let there = ours(&read("cgroup.subtree_control"));
    let missing = ours(&read("cgroup.controllers")).into_iter().filter(|it| !there.contains(it));
    let missing: Vec<String> = missing.map(|it| format!("+{it}")).collect();
    if missing.is_empty() { Ok(()) } else { write(&folder.join("cgroup.subtree_control"), &missing.join(" ")) }
}

fn write(path: &Path, value: &str) -> Result<(), WriteCgroup> {
    fs::write(path, value).map_err(|source| WriteCgroup { path: path.to_owned(), source })
}

/// Removes a folder and those in it. Files of a cgroup go with it; one that still has processes stays.
fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            remove(&entry.path());
        }
    }
    let _absent_or_busy = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests;
