//! Pod init: pid 1 of the pod and parent of its containers. One thread, one poll loop, no runtime.
//!
//! It outlives the node. Whoever owns the pod's folder may connect at any time, get all that is known, and go on.

mod attached;
mod children;
mod execs;
mod logs;
mod network;
mod peers;
mod wait;

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;

use fairway_clock::{Clock, SystemClock};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

use super::failed::{Failed, Step as _};
use super::host_trees::HostTrees;
use super::idmap::Mapped;
use super::protocol::{Answer, Ask, ContainerState, Finished, Packet, PodState, Request, Sandbox};
use super::{folder, launch, ranges, sandbox};
pub(super) use attached::Streams;
use children::Child;
use execs::Exec;
use logs::RunLog;
use network::Network;
use peers::{Connecting, Peer};

/// Everything that pod init holds. The numbers are its own, given once and never again.
struct Init {
    sandbox: Sandbox,
    state: PodState,
    listener: OwnedFd,
    own_pids: OwnedFd,
    network: Network,
    peers: BTreeMap<u64, Peer>,
    children: BTreeMap<u64, Child>,
    logs: BTreeMap<u64, RunLog>,
    execs: BTreeMap<u64, Exec>,
    connecting: BTreeMap<u64, Connecting>,
    last_key: u64,
    clock: SystemClock,
}

/// Runs pod init; comes back only with the code to exit with.
pub(super) fn run(sandbox: Sandbox, images: Option<Mapped>, trees: HostTrees) -> Result<i32, Failed> {
    let mut init = Init::prepare(sandbox, images, trees)?;
    launch::say("ready\n");
    // From here on nobody reads what it said at its start.
    let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null").step(|| "open /dev/null".into())?;
    rustix::stdio::dup2_stdout(&null).step(|| "let go of standard output".into())?;
    // While the node does its part.
    sandbox::seccomp::prepare();
    loop {
        init.turn()?;
    }
}

impl Init {
    fn prepare(sandbox: Sandbox, images: Option<Mapped>, trees: HostTrees) -> Result<Self, Failed> {
        rustix::process::setsid().step(|| "start a session".into())?;
        // Slave: what is unmounted outside goes away here too, and nothing of ours gets out.
        mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
            .step(|| "keep mounts to ourselves".into())?;
        if let Some(images) = images {
            images.attach()?;
        }
        trees.attach(&sandbox.uid)?;
        rustix::system::sethostname(sandbox.hostname.as_bytes()).step(|| "set the host name".into())?;
        let network = Network::bring_up(sandbox.ip, &sandbox.ranges)?;
        mount_memory_volumes(&sandbox)?;
        let own_pids = fs::File::open("/proc/self/ns/pid").step(|| "open the own PID namespace".into())?.into();
        let listener = peers::listen(&folder::socket(&sandbox.uid))?;
        let mut init = Self {
            sandbox,
            state: PodState::default(),
            listener,
            own_pids,
            network,
            peers: BTreeMap::new(),
            children: BTreeMap::new(),
            logs: BTreeMap::new(),
            execs: BTreeMap::new(),
            connecting: BTreeMap::new(),
            last_key: 0,
            clock: SystemClock::new(),
        };
        init.save();
        Ok(init)
    }

    fn key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    /// One round: wait, then do what there is to do.
    fn turn(&mut self) -> Result<(), Failed> {
        for what in self.wait()? {
            match what {
                wait::Ready::Listener => self.accept(),
                wait::Ready::Peer(key) => self.hear(key),
                wait::Ready::Stream(key, stream) => self.read_log(key, stream),
                wait::Ready::Call(key) => self.hear_call(key),
                wait::Ready::Child(key) => self.reap(key),
                wait::Ready::ExecOutput(key) => self.read_exec(key),
                wait::Ready::ExecEnded(key) => self.end_exec(key),
                wait::Ready::Connected(key) => self.end_connect(key),
            }
        }
        self.stop_late_execs();
        Ok(())
    }

    fn answer(&mut self, peer: u64, request: Request) {
        let Request { id, ask } = request;
        let done = match ask {
            Ask::State => Ok(Some(Answer::State(self.state.clone()))),
            Ask::Start { name, attempt } => self.start(&name, attempt).map(|()| Some(Answer::Done)),
            Ask::Signal { name, attempt, signal } => self.signal(&name, attempt, signal).map(|()| Some(Answer::Done)),
            Ask::Exec { name, argv, timeout_ms } => self.exec(peer, id, &name, &argv, timeout_ms).map(|()| None),
            Ask::Attach { name, argv, stdin, terminal } => match self.attach(peer, id, &name, &argv, stdin, terminal) {
                Ok(ends) => return self.send(peer, &Packet::Reply { id, answer: Answer::Done }, ends),
                Err(failed) => Err(failed),
            },
            Ask::Stop { request } => {
                self.stop_exec(peer, request);
                Ok(Some(Answer::Done))
            }
            Ask::Listen { address, transport } => match self.network.listen(address, transport) {
                Ok(socket) => return self.send(peer, &Packet::Reply { id, answer: Answer::Done }, Some(socket)),
                Err(failed) => Err(failed),
            },
            Ask::Connect { source, target } => self.connect(peer, id, source, target).map(|()| None),
        };
        let answer = match done {
            Ok(Some(answer)) => answer,
            Ok(None) => return,
            Err(failed) => Answer::Failed { message: failed.line(), errno: failed.errno() },
        };
        self.send(peer, &Packet::Reply { id, answer }, None);
    }

    /// Remembers what became of a container, on disk too, and tells everybody who listens.
    fn record(&mut self, state: ContainerState) {
        self.state.record(state.clone());
        self.save();
        let packet = Packet::Changed(state);
        let everybody: Vec<u64> = self.peers.keys().copied().collect();
        for peer in everybody {
            self.send(peer, &packet, None);
        }
    }

    fn save(&mut self) {
        let bytes = serde_json::to_vec(&self.state).expect("plain data becomes JSON");
        // A full disk must not end the pod: what is known stays in memory and goes out to whoever asks.
        let _full = folder::write_atomically(&folder::state(&self.sandbox.uid), &bytes);
    }

    fn finished(&self, exit_code: i32, signal: Option<i32>, reason: &str, message: Option<String>) -> Finished {
        Finished { at: self.clock.now(), exit_code, signal, reason: reason.into(), message }
    }
}

fn mount_memory_volumes(sandbox: &Sandbox) -> Result<(), Failed> {
    for (name, size) in &sandbox.memory_volumes {
        let path = folder::volume(&sandbox.uid, name);
        let size = size.map_or(String::new(), |it| format!(",size={it}"));
        let mode = match sandbox.fs_group.filter(|_| sandbox.has_range) {
            Some(group) => format!("mode=2777,gid={}", group.min(ranges::USERS - 1)),
            None => "mode=0777".to_owned(),
        };
        let options = std::ffi::CString::new(format!("{mode}{size}")).expect("digits have no NUL");
        mount("tmpfs", &path, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
            .step(|| format!("mount memory volume {name}"))?;
    }
    Ok(())
}
