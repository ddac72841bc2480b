//! What the node and pod init say to each other: one JSON message per packet of a Unix socket in the pod's folder.
//!
//! Every request may be repeated: starting what runs, signalling what is gone and so on change nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sockets::Transport;

/// No message is longer; whatever is big goes through files.
pub(crate) const MESSAGE_LIMIT: usize = 96 * 1024;
/// As many descriptors as come with one message.
pub(crate) const MOST_FDS: usize = 3;
/// How much an exec in a container may print; the rest is dropped.
pub(crate) const EXEC_OUTPUT_LIMIT: usize = 8 * 1024;

/// The ground a pod stands on, before its first container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// The pod's UID; it names the pod's folder.
    pub uid: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// What `hostname` says inside.
    pub hostname: String,
    /// The pod's address.
    pub ip: Ipv4Addr,
    /// Address ranges that end in the pod: Services and other pods, as (network, prefix length).
    pub ranges: Vec<(Ipv4Addr, u8)>,
    /// As root: the user of the machine that the whole pod runs as, or the first of its range.
    pub host_user: Option<u32>,
    /// The pod has a range of users: those of its images and containers are told apart.
    #[serde(default)]
    pub has_range: bool,
    /// With a range: the user inside that its volumes of files belong to.
    #[serde(default)]
    pub volume_user: u32,
    /// With a range: the group inside that may use its volumes.
    #[serde(default)]
    pub fs_group: Option<u32>,
    /// Volumes in memory, by name and size in bytes.
    pub memory_volumes: Vec<(String, Option<u64>)>,
    /// How much a container's log may take.
    pub log_limit: LogLimit,
    /// Files and folders of the machine that its containers may be given to read, as absolute paths.
    #[serde(default)]
    pub host_trees: Vec<PathBuf>,
    /// None of its containers stands on an unpacked image: those need not be shown to it.
    #[serde(default)]
    pub without_images: bool,
    /// Thousandths of a processor that its containers ask for together: the pod's share when processors are scarce.
    #[serde(default)]
    pub cpu_request_milli: u64,
    /// Files of cgroups that pod init writes itself into.
    #[serde(default)]
    pub cgroups: Vec<PathBuf>,
}

/// Bounds of a container's log files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimit {
    /// Size at which a file is put aside.
    pub bytes: u64,
    /// How many files are kept, the current one included.
    pub files: u32,
    /// What comes after the first file is full is dropped, and the log says so; else the oldest file goes.
    #[serde(default)]
    pub then_drop: bool,
}

impl Default for LogLimit {
    fn default() -> Self {
        Self { bytes: 10 * 1024 * 1024, files: 2, then_drop: false }
    }
}

/// One run of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The container's name in its pod.
    pub name: String,
    /// Which run of it this is, from 0.
    pub attempt: u32,
    /// The unpacked image: a folder, relative to the node's state folder or absolute. Empty: the container stands on
    /// nothing but what follows.
    pub image: PathBuf,
    /// Links made in it: where, and to what.
    #[serde(default)]
    pub links: Vec<(String, String)>,
    /// Files written into it: where, and what.
    #[serde(default)]
    pub files: Vec<(String, String)>,
    /// Folders in memory that everybody in it may write: where, and how many bytes at most.
    #[serde(default)]
    pub scratch: Vec<(String, u64)>,
    /// What runs; the first word is looked up in `PATH` when it has no slash.
    pub argv: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Its working folder; made if the image does not have it.
    pub working_dir: String,
    /// Its user inside.
    pub user: u32,
    /// Its group inside.
    pub group: u32,
    /// More groups of it. Only with a range.
    #[serde(default)]
    pub groups: Vec<u32>,
    /// What its root may do among the users of the range, as a set of capabilities (the bits of the kernel). Only with a
    /// range.
    #[serde(default)]
    pub capabilities: u64,
    /// Its pod has a range of users.
    #[serde(default)]
    pub has_range: bool,
    /// No writes outside volumes.
    pub read_only_root: bool,
    /// What is mounted into it.
    pub mounts: Vec<Mount>,
    /// What it may use.
    pub limits: Limits,
    /// Files of cgroups that it writes itself into.
    #[serde(default)]
    pub cgroups: Vec<PathBuf>,
    /// The file whose `oom_kill` line counts kills for want of memory.
    #[serde(default)]
    pub oom_file: Option<PathBuf>,
}

/// A folder or file of the node that a container sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The folder, or file, relative to the state folder; an absolute one outside it is of the pod's `host_trees`.
    pub source: PathBuf,
    /// A path below the source that never leaves it.
    pub sub_path: Option<String>,
    /// Where it appears.
    pub target: String,
    /// No writes.
    pub read_only: bool,
}

/// What one container may use; what is `None` is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Thousandths of a processor.
    pub cpu_milli: Option<u64>,
    /// Thousandths of a processor it asked for: its share of the pod's when processors are scarce.
    #[serde(default)]
    pub cpu_request_milli: u64,
    /// Processes and threads.
    pub pids: Option<u64>,
}

/// What pod init knows about one run of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// The container.
    pub name: String,
    /// Which run.
    pub attempt: u32,
    /// Its pid in the pod's PID namespace.
    pub pid: i32,
    /// When it was started.
    pub started_at: Timestamp,
    /// How it ended, if it did.
    pub finished: Option<Finished>,
    /// What it asked for first of what only a range of users has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<Want>,
}

/// What a container cannot have as long as it has one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// To be this user, or to own files as this user.
    User(u32),
    /// The same with a group.
    Group(u32),
    /// More groups than its own.
    Groups,
}

impl Want {
    /// The reason that Kubernetes objects carry.
    pub const REASON: &str = "ImageNeedsUidRange";

    /// What happened and what to do about it.
    pub fn hint(self) -> String {
        let what = match self {
            Self::User(user) => format!("user {user}"),
            Self::Group(group) => format!("group {group}"),
            Self::Groups => "more groups than its own".to_owned(),
        };
        format!(
            "the program asks for {what} while it runs, and a container of this node has one user only: let the image \
             start as the user that it needs (USER in its Dockerfile, or securityContext.runAsUser) and own its files \
             as that user, or give pods a range of users (platform doctor says how)"
        )
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// When.
    pub at: Timestamp,
    /// Its exit code; 128 and the signal when a signal ended it.
    pub exit_code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// `Completed`, `Error`, `OOMKilled`, `ImageNeedsUidRange` or `StartError`.
    pub reason: String,
    /// What went wrong, where it never ran or could not go on.
    pub message: Option<String>,
}

/// All that pod init knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct PodState {
    /// Every run that is remembered: the last two of each container, oldest first.
    pub containers: Vec<ContainerState>,
}

impl PodState {
    /// The newest run of a container.
    pub fn latest(&self, name: &str) -> Option<&ContainerState> {
        self.containers.iter().filter(|it| it.name == name).max_by_key(|it| it.attempt)
    }

    /// The run before the newest.
    pub fn previous(&self, name: &str) -> Option<&ContainerState> {
        let latest = self.latest(name)?.attempt;
        self.containers.iter().filter(|it| it.name == name && it.attempt < latest).max_by_key(|it| it.attempt)
    }

    /// Puts what is newly known in its place and forgets all but the last two runs.
    pub(crate) fn record(&mut self, state: ContainerState) {
        let same = |it: &&mut ContainerState| it.name == state.name && it.attempt == state.attempt;
        if let Some(known) = self.containers.iter_mut().find(same) {
            *known = state;
            return;
        }
        let (name, attempt) = (state.name.clone(), state.attempt);
        self.containers.push(state);
        self.containers.retain(|it| it.name != name || it.attempt + 1 >= attempt);
    }
}

/// What a command in a container came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecResult {
    /// Its exit code; `None` when it was stopped because its time was over.
    pub exit_code: Option<i32>,
    /// The beginning of what it printed.
    pub output: String,
}

/// What the node asks of pod init.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Tell all.
    State,
    /// Start the run whose `spec.json` lies in its folder.
    Start { name: String, attempt: u32 },
    /// Send a signal to a container's first process.
    Signal { name: String, attempt: u32, signal: i32 },
    /// Run a command in a running container.
    Exec { name: String, argv: Vec<String>, timeout_ms: u64 },
    /// Run a command in a running container. What goes in and comes out of it comes with the answer: its standard input, if
    /// it is to have one, output and errors; or a terminal, which is all of these.
    Attach { name: String, argv: Vec<String>, stdin: bool, terminal: bool },
    /// Kill the command that a request started, if it still runs.
    Stop { request: u64 },
    /// Make a socket that listens in the pod.
    Listen { address: SocketAddr, transport: Transport },
    /// Make a socket that is connected in the pod.
    Connect { source: IpAddr, target: SocketAddr },
}

/// A request and its number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) ask: Ask,
}

/// What pod init answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Done; a socket, where one was asked for, comes with it.
    Done,
    /// All that is known.
    State(PodState),
    /// The command ended.
    Exec(ExecResult),
    /// It could not be done.
    Failed { message: String, errno: Option<i32> },
}

/// A packet from pod init.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// The answer to a request.
    Reply { id: u64, answer: Answer },
    /// A container started or ended.
    Changed(ContainerState),
    /// The command that a request started ended.
    Ended { request: u64, exit_code: i32 },
}

#[cfg(test)]
mod tests;
