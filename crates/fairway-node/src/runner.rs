//! Runs containers without a daemon: one path as root and without.
//!
//! A pod is a small process of this same binary ([`reexec`]) that is pid 1 of its own PID namespace and parent of the
//! pod's containers. It lives on when the node ends, and is found again through its folder. Killing it kills the pod.

mod cgroups;
mod copy;
mod errors;
mod failed;
mod files;
mod folder;
mod footprint;
mod host_trees;
mod idmap;
mod init;
mod launch;
mod logs;
mod owner;
mod pod;
mod protocol;
mod ranges;
mod raw;
mod sandbox;
mod session;
mod subids;
mod volumes;
pub(crate) mod walk;

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt as _, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fairway_clock::Entropy;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use cgroups::Cgroups;
pub(crate) use files::VolumeUsers;
use files::{check_name, give_tree, make_folder, open_to_all, open_up, prepare, remember, share_files};
pub use owner::person;
pub(crate) use owner::{Owner, image_owners};
use ranges::Ranges;
pub(crate) use ranges::{NAMED_RIGHTS, RIGHTS};

pub use cgroups::{Generation, WriteCgroup};
pub use copy::{CopyLimits, copy_beneath};
pub use errors::{OpenRunner, RunPod};
pub(crate) use folder::remove_tree;
pub use footprint::Footprint;
pub(crate) use logs::last_words;
pub use logs::{LogOptions, LogStream, ReadLog, read_log};
pub use pod::{AskPod, Pod};
pub use protocol::{Container, ContainerState, ExecResult, Finished, Limits, LogLimit, Mount, PodState, Sandbox, Want};
pub use session::{Resize, Session};
pub(crate) use subids::find as find_lent;
pub use subids::{remove, take_users};
pub use volumes::{Volume, open_beneath};

/// How many users a pod's range has.
pub(crate) const RANGE: u32 = ranges::USERS;
/// The first of the users that pods run as when the node is root: a range that systemd leaves to nobody.
const FIRST_POD_USER: u32 = 0x7000_0000;
/// A pod's init answers within milliseconds; one that takes this long never will.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tries to make what a pod is made of, in a process that ends at once, with the images of a state folder if one is given.
/// `program` begins its `main` with [`reexec`]. What it gives is why pods have no ranges of users, if they have none.
pub(crate) fn try_out(program: &Path, state: Option<&Path>) -> Result<Option<String>, String> {
    let mut command = std::process::Command::new(program);
    command.arg0(launch::TRIAL).args(state).current_dir("/").env_clear().stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().map_err(|error| format!("run {}: {error}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match said.strip_prefix("one ") {
        Some(why) if output.status.success() => Ok(Some(why.to_owned())),
        None if output.status.success() && said == "range" => Ok(None),
        _ => Err(said),
    }
}

/// Runs pod init, if that is what this process was started for, and never returns then. The first line of `main`, before
/// there are threads.
pub fn reexec() {
    let mut arguments = std::env::args_os();
    match arguments.next() {
        Some(name) if name == launch::NAME => launch::run(arguments),
        Some(name) if name == launch::TRIAL => launch::try_out(arguments),
        Some(name) if name == subids::REMOVER => subids::remove_and_exit(arguments.next()),
        Some(name) if name == subids::NAME => subids::arrive(),
        _ => {}
    }
}

/// Where a volume of a pod is, below the state folder.
pub(crate) fn volume_path(pod: &str, name: &str) -> PathBuf {
    folder::volume(pod, name)
}

/// Where all runs of a container write what goes into no volume, below the state folder.
pub(crate) fn container_path(pod: &str, name: &str) -> PathBuf {
    folder::container(pod, name)
}

/// Which limits this machine lets us set.
pub(crate) fn detect_limits() -> Generation {
    cgroups::detect()
}

/// A pod folder that was found.
pub enum Found {
    /// Its pod runs.
    Running(Box<Pod>),
    /// Its pod does not run any more.
    Dead {
        /// The pod's UID.
        uid: String,
        /// What its init last wrote down.
        state: PodState,
    },
}

/// Starts pods in one state folder and finds them again.
pub struct Runner {
    state: PathBuf,
    program: PathBuf,
    cgroups: Cgroups,
    is_root: bool,
    /// Of pods, where they have any.
    ranges: Option<Ranges>,
    /// One volume after the other is given to its first user.
    settling: tokio::sync::Mutex<()>,
    patience: Duration,
}

impl Runner {
    /// Opens a state folder, and makes it if need be. `program` is what is executed as pod init: a binary whose `main`
    /// begins with [`reexec`].
    pub fn open(state: &Path, program: &Path, entropy: &dyn Entropy) -> Result<Self, OpenRunner> {
        let prepare = |path: &Path, source| OpenRunner::Prepare { path: path.to_owned(), source };
        let owner = Owner::here();
        // Before anything is touched: what another one made may be closed to us, or we may spoil it.
        fs::create_dir_all(state).map_err(|it| prepare(state, it))?;
        let state = fs::canonicalize(state).map_err(|it| prepare(state, it))?;
        let has_ranges = owner.claim(&state, || try_out(program, Some(&state)).unwrap_or_else(Some))?;
        let (pods, images) = (state.join(folder::PODS), state.join(folder::IMAGES));
        let is_hidden = has_ranges && owner.is_root();
        for path in [&pods, &images] {
            fs::create_dir_all(path).map_err(|it| prepare(path, it))?;
        }
        // Pods run as other users than us and must pass, not look. With ranges of root they see the images elsewhere; here
        // these have owners of any number, who may be somebody on this machine.
        for (path, mode) in [(&state, 0o711), (&pods, 0o711), (&images, if is_hidden { 0o700 } else { 0o711 })] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|it| prepare(path, it))?;
        }
        let id = state.join("node.id");
        let id = remember(&id, &entropy.hex(6)).map_err(|it| prepare(&id, it))?;
        Ok(Self {
            cgroups: Cgroups::new(&id),
            state,
            program: program.to_owned(),
            is_root: owner.is_root(),
            ranges: has_ranges.then(|| if owner.is_root() { Ranges::of(&pods) } else { Ranges::One }),
            settling: tokio::sync::Mutex::default(),
            patience: PATIENCE,
        })
    }

    /// Whether pods have ranges of users.
    pub fn has_ranges(&self) -> bool {
        self.ranges.is_some()
    }

    /// The user of the machine that a pod runs as, or the first of its range, if that is not us. `shared` is who its shared
    /// volumes belong to.
    pub(crate) fn user_of(&self, pod: &str, ip: Ipv4Addr, shared: Option<u32>) -> Result<Option<u32>, RunPod> {
        match (&self.ranges, shared) {
            (None, _) if !self.is_root => Ok(None),
            (_, Some(shared)) => Ok(Some(shared)),
            (None, None) => Ok(Some(FIRST_POD_USER + (u32::from(ip) & 0xffff))),
            (Some(ranges), None) => ranges.take(pod).map(Some).ok_or(RunPod::NoRange),
        }
    }

    /// Waits only so long for a pod's init to answer.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The state folder.
    pub fn state_folder(&self) -> &Path {
        &self.state
    }

    /// Where images belong: as root, pods see what is here as their own.
    pub fn images_folder(&self) -> PathBuf {
        self.state.join(folder::IMAGES)
    }

    /// Which limits can be set here.
    pub fn limits(&self) -> &Generation {
        self.cgroups.generation()
    }

    /// The folder of a volume of a pod, made if need be, for the pod's own use once [`Runner::create`] is called.
    pub fn volume(&self, pod: &str, name: &str) -> Result<PathBuf, RunPod> {
        check_name(name)?;
        self.own_folder(pod)?;
        let path = self.state.join(folder::volume(pod, name));
        make_folder(&path)?;
        Ok(path)
    }

    /// A pod's folder: its own user's, and nobody else's, for Secrets lie in it.
    fn own_folder(&self, pod: &str) -> Result<PathBuf, RunPod> {
        check_name(pod)?;
        let path = self.state.join(folder::pod(pod));
        make_folder(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(|it| prepare(&path, it))?;
        Ok(path)
    }

    /// The folder of `hosts`, `hostname` and `resolv.conf`, made if need be.
    pub fn etc(&self, pod: &str) -> Result<PathBuf, RunPod> {
        self.own_folder(pod)?;
        let path = self.state.join(folder::etc(pod));
        make_folder(&path)?;
        Ok(path)
    }

    /// Starts a pod's init. The caller leaves `cgroups` to us, and `host_user` unless the pod shares volumes.
    pub async fn create(&self, mut sandbox: Sandbox) -> Result<Pod, RunPod> {
        let folder = self.own_folder(&sandbox.uid)?;
        let uid = sandbox.uid.clone();
        sandbox.host_user = self.user_of(&uid, sandbox.ip, sandbox.host_user)?;
        sandbox.has_range = self.has_ranges();
        sandbox.cgroups = self.cgroups.pod(&uid, sandbox.cpu_request_milli, sandbox.host_user)?.join;
        for (name, _) in &sandbox.memory_volumes {
            self.volume(&uid, name)?;
        }
        let bytes = serde_json::to_vec(&sandbox).map_err(|it| prepare(&folder, it.into()))?;
        let path = self.state.join(folder::sandbox(&uid));
        folder::write_atomically(&path, &bytes).map_err(|it| prepare(&path, it))?;
        self.give(&folder, sandbox.host_user)?;
        self.launch(&uid).await?;
        Ok(Pod::connect(&self.state, sandbox, self.patience).await?)
    }

    async fn launch(&self, uid: &str) -> Result<(), RunPod> {
        let failed = |source| RunPod::Launch { program: self.program.clone(), source };
        let diary = self.state.join(folder::diary(uid));
        let diary = fs::File::create(&diary).map_err(|it| prepare(&diary, it))?;
        let mut command = tokio::process::Command::new(&self.program);
        command.arg0(launch::NAME).arg(&self.state).arg(uid).env_clear().current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(diary);
        let mut launcher = command.spawn().map_err(failed)?;
        let said = launcher.stdout.take().ok_or_else(|| failed(io::Error::other("no standard output")))?;
        let mut lines = BufReader::new(said).lines();
        let verdict = async {
            let mut verdict = Err(RunPod::Init { message: "it ended without a word".into() });
            while let Some(line) = lines.next_line().await.map_err(failed)? {
                if line == "ready" {
                    verdict = Ok(());
                    break;
                }
                if let Some(message) = line.strip_prefix("error ") {
                    verdict = Err(RunPod::Init { message: message.into() });
                }
            }
            launcher.wait().await.map_err(failed)?;
            verdict
        };
        let late = |_| Err(RunPod::Init { message: format!("it was not ready within {} s", self.patience.as_secs()) });
        tokio::time::timeout(self.patience, verdict).await.unwrap_or_else(late)
    }

    /// Starts a run of a container. Doing it again changes nothing.
    pub async fn start(&self, pod: &Pod, mut container: Container) -> Result<(), RunPod> {
        check_name(&container.name)?;
        let (uid, owner) = (&pod.sandbox.uid, pod.sandbox.host_user);
        let run = |attempt: u32| format!("{}-{attempt}", container.name);
        if let Some(before) = container.attempt.checked_sub(1) {
            self.cgroups.remove_container(uid, &run(before));
        }
        let place = self.cgroups.container(uid, &run(container.attempt), &container.limits, owner)?;
        container.cgroups = place.join;
        container.oom_file = place.oom_file;
        // As root the pod's user may have no right to walk to the image from `/`, but it stands in the state folder.
        if let Ok(inside) = container.image.strip_prefix(&self.state) {
            container.image = inside.to_owned();
        }
        container.has_range = pod.sandbox.has_range;
        self.settle(&pod.sandbox, &container).await?;
        if owner.is_some() {
            host_trees::rename(&mut container.mounts, &pod.sandbox);
        }
        let folder = self.state.join(folder::attempt(uid, &container.name, container.attempt));
        make_folder(&folder)?;
        let bytes = serde_json::to_vec(&container).map_err(|it| prepare(&folder, it.into()))?;
        let path = folder.join("spec.json");
        folder::write_atomically(&path, &bytes).map_err(|it| prepare(&path, it))?;
        if let Some(owner) = owner {
            // One by one: what the container wrote below is its own already, and may be much.
            for path in [path.as_path()].into_iter().chain(folder.ancestors().take(3)) {
                lchown(path, Some(owner), Some(owner)).map_err(|it| prepare(path, it))?;
            }
        }
        Ok(pod.start(&container.name, container.attempt).await?)
    }

    /// Gives what was written for a pod to the pod's user; with a range, what none of its users has yet to their root.
    pub fn give(&self, path: &Path, user: Option<u32>) -> Result<(), RunPod> {
        let Some(user) = user else { return Ok(()) };
        let kept = |owner: u32| self.has_ranges() && ranges::holds(user, owner);
        give_tree(path, (user, user), &kept).map_err(|it| prepare(path, it))
    }

    /// Gives a volume of files to the user of the pod that reads it.
    pub(crate) fn give_files(&self, path: &Path, first: Option<u32>, who: VolumeUsers) -> Result<(), RunPod> {
        match first {
            Some(first) if self.has_ranges() => share_files(path, first, who).map_err(|it| prepare(path, it)),
            _ => self.give(path, first),
        }
    }

    /// Lets every user of a pod write into a volume of its own.
    pub(crate) fn give_open(&self, path: &Path, first: Option<u32>, who: VolumeUsers) -> Result<(), RunPod> {
        match first {
            Some(first) if self.has_ranges() => open_to_all(path, first, who).map_err(|it| prepare(path, it)),
            _ => open_up(path).map_err(|it| prepare(path, it)).and_then(|()| self.give(path, first)),
        }
    }

    /// Finds every pod of the state folder.
    pub async fn find(&self) -> Result<Vec<Found>, RunPod> {
        let pods = self.state.join(folder::PODS);
        let entries = fs::read_dir(&pods).map_err(|it| prepare(&pods, it))?.flatten();
        // All at once: one that does not answer keeps nobody else waiting.
        let found = entries.map(|entry| async move {
            let uid = entry.file_name().to_string_lossy().into_owned();
            match self.reconnect(&uid).await {
                Some(pod) => Found::Running(Box::new(pod)),
                None => {
                    let state = fs::read(self.state.join(folder::state(&uid))).unwrap_or_default();
                    Found::Dead { uid, state: serde_json::from_slice(&state).unwrap_or_default() }
                }
            }
        });
        Ok(futures::future::join_all(found).await)
    }

    async fn reconnect(&self, uid: &str) -> Option<Pod> {
        let bytes = fs::read(self.state.join(folder::sandbox(uid))).ok()?;
        let sandbox = serde_json::from_slice(&bytes).ok()?;
        Pod::connect(&self.state, sandbox, self.patience).await.ok()
    }

    /// Kills a pod, if it runs, and removes all that belongs to it.
    pub async fn remove(&self, uid: &str) -> Result<(), RunPod> {
        check_name(uid)?;
        if let Some(pod) = self.reconnect(uid).await {
            pod.kill().await;
        }
        self.cgroups.remove_pod(uid);
        self.cgroups.remove_all(); // stays while other pods are in it
        let path = self.state.join(folder::pod(uid));
        let task = tokio::task::spawn_blocking(move || folder::remove_tree(&path).map_err(|it| prepare(&path, it)));
        task.await.unwrap_or_else(|it| Err(prepare(&self.state, io::Error::other(it))))?;
        if let Some(ranges) = &self.ranges {
            ranges.free(uid);
        }
        Ok(())
    }

    /// Gives back what only a running pod needs, and keeps its folder.
    pub(crate) fn free(&self, uid: &str) {
        self.cgroups.remove_pod(uid);
        self.cgroups.remove_all();
    }

    /// What is there on this machine because of this state folder.
    pub fn footprint(&self) -> Footprint {
        footprint::measure(&self.state, &self.cgroups)
    }
}

#[cfg(test)]
mod tests;
