//! The pod's containers: each the first process of a PID namespace of its own, so that its end is the end of all it
//! started.

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use fairway_clock::Clock as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open, pidfd_send_signal, waitpid,
};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::{Finished, Init, RunLog};
use crate::runner::failed::{Failed, Step as _};
use crate::runner::protocol::{Container, ContainerState, Want};
use crate::runner::{folder, raw, sandbox};

/// A container's sandbox stands within milliseconds; one that takes this long never will.
const START_PATIENCE: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
/// What Kubernetes says for a container that could not be started.
const START_ERROR_CODE: i32 = 128;

/// A running container.
pub(super) struct Child {
    pub(super) spec: Container,
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    /// Where its calls for other users are heard.
    pub(super) calls: Option<OwnedFd>,
}

/// The two ends of a pipe.
pub(super) struct Pipe {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
}

impl Pipe {
    /// A pipe whose read end never blocks. The write end does: it becomes a program's standard output.
    pub(super) fn new() -> Result<Self, Failed> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).step(|| "make a pipe".into())?;
        fcntl_setfl(&read, OFlags::NONBLOCK).step(|| "make a pipe".into())?;
        Ok(Self { read, write })
    }
}

impl Init {
    /// Starts a run, unless it was started before.
    pub(super) fn start(&mut self, name: &str, attempt: u32) -> Result<(), Failed> {
        if self.state.containers.iter().any(|it| it.name == name && it.attempt >= attempt) {
            return Ok(());
        }
        let path = folder::attempt(&self.sandbox.uid, name, attempt).join("spec.json");
        let bytes = fs::read(&path).step(|| format!("read {}", path.display()))?;
        let spec: Container = serde_json::from_slice(&bytes).step(|| format!("understand {}", path.display()))?;
        self.forget_old(&spec);
        let started_at = self.clock.now();
        let (pid, finished) = match self.spawn(&spec) {
            Ok(pid) => (pid.as_raw_nonzero().get(), None),
            Err(failed) => (0, Some(self.finished(START_ERROR_CODE, None, "StartError", Some(failed.line())))),
        };
        self.record(ContainerState { name: name.into(), attempt, pid, started_at, finished, wants: None });
        Ok(())
    }

    /// Removes what is left of the run before the previous one: its log, its writable layer.
    fn forget_old(&self, spec: &Container) {
        let Some(old) = spec.attempt.checked_sub(2) else { return };
        let uid = &self.sandbox.uid;
        let _gone = folder::remove_tree(&folder::attempt(uid, &spec.name, old));
        let log = folder::log(uid, &spec.name, old);
        for entry in fs::read_dir(folder::logs(uid, &spec.name)).into_iter().flatten().flatten() {
            if entry.path().as_os_str().as_encoded_bytes().starts_with(log.as_os_str().as_encoded_bytes()) {
                let _gone = fs::remove_file(entry.path());
            }
        }
    }

    fn spawn(&mut self, spec: &Container) -> Result<Pid, Failed> {
        let (stdout, stderr, report) = (Pipe::new()?, Pipe::new()?, Pipe::new()?);
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .step(|| "make a pair of sockets".into())?;
        raw::unshare(UnshareFlags::NEWPID).step(|| "make the container's PID namespace".into())?;
        let forked = raw::fork();
        let pid = match forked.step(|| "fork the container".into()) {
            Ok(raw::Fork::Child) => {
                let output = (stdout.write, stderr.write);
                let failed = sandbox::enter(&self.sandbox.uid, spec, self.network.of_programs(), output, &theirs);
                let _gone = rustix::io::write(&report.write, failed.line().as_bytes());
                raw::exit(127);
            }
            Ok(raw::Fork::Parent(pid)) => Ok(pid),
            Err(failed) => Err(failed),
        };
        self.children_here()?;
        let pid = pid?;
        drop((stdout.write, stderr.write, report.write, theirs));
        let mapped = if spec.has_range { sandbox::range::map_users(spec, &ours, &report.read) } else { Ok(()) };
        if let Err(failed) = mapped.and_then(|()| heard_nothing(report.read)) {
            let _gone = kill_process(pid, Signal::KILL);
            let _reaped = waitpid(Some(pid), WaitOptions::empty());
            return Err(failed);
        }
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).step(|| "watch the container".into())?;
        let key = self.key();
        let path = folder::log(&self.sandbox.uid, &spec.name, spec.attempt);
        self.logs.insert(key, RunLog::new(&path, self.sandbox.log_limit, stdout.read, stderr.read));
        self.children.insert(key, Child { spec: spec.clone(), pid, pidfd, calls: raw::take_over(&ours) });
        Ok(pid)
    }

    /// The next child is born into the pod's own PID namespace again.
    pub(super) fn children_here(&self) -> Result<(), Failed> {
        use std::os::fd::AsFd as _;
        move_into_link_name_space(self.own_pids.as_fd(), Some(LinkNameSpaceType::ProcessID))
            .step(|| "come back to the pod's PID namespace".into())
    }

    /// Notes what a container asks for that it cannot have. Only the first counts.
    pub(super) fn hear_call(&mut self, key: u64) {
        let Some(child) = self.children.get_mut(&key) else { return };
        let Some(calls) = &child.calls else { return };
        // Where nobody is left who could ask there is nothing to hear, and to try would wait for ever.
        let mut asks = [PollFd::new(calls, PollFlags::IN)];
        let asked = poll(&mut asks, Some(&NOW)).is_ok() && asks[0].revents().contains(PollFlags::IN);
        let heard = if asked { raw::hear_call(calls).ok() } else { None };
        let Some((call, arguments)) = heard else {
            if !asked {
                child.calls = None;
            }
            return;
        };
        let wants = sandbox::wanted(&child.spec, call, &arguments);
        let (name, attempt) = (child.spec.name.clone(), child.spec.attempt);
        let Some(state) = self.run(&name, attempt).filter(|it| it.wants.is_none()) else { return };
        let state = ContainerState { wants, ..state.clone() };
        self.record(state);
    }

    fn run(&self, name: &str, attempt: u32) -> Option<&ContainerState> {
        self.state.containers.iter().rev().find(|it| it.name == name && it.attempt == attempt)
    }

    /// Notes that a container ended.
    pub(super) fn reap(&mut self, key: u64) {
        let Some(child) = self.children.get(&key) else { return };
        let status = match waitpid(Some(child.pid), WaitOptions::NOHANG) {
            Ok(None) | Err(Errno::INTR) => return,
            Ok(Some((_, status))) => Some(status),
            Err(_) => None,
        };
        self.close_log(key);
        let Some(child) = self.children.remove(&key) else { return };
        let Some(state) = self.run(&child.spec.name, child.spec.attempt) else { return };
        let finished = self.verdict(&child.spec, status, state.wants);
        let state = ContainerState { finished: Some(finished), ..state.clone() };
        self.record(state);
    }

    fn verdict(&self, spec: &Container, status: Option<WaitStatus>, wants: Option<Want>) -> Finished {
        let (code, signal) = match status {
            Some(status) if status.exited() => (status.exit_status().unwrap_or(0), None),
            Some(status) => {
                let signal = status.terminating_signal().unwrap_or(0);
                (128 + signal, Some(signal))
            }
            None => (START_ERROR_CODE, None),
        };
        let (reason, message) = match wants {
            _ if code == 0 => ("Completed", None),
            _ if ran_out_of_memory(spec) => ("OOMKilled", None),
            // What was ended by a signal was told to end.
            Some(wants) if signal.is_none() => (Want::REASON, Some(wants.hint())),
            _ => ("Error", None),
        };
        let of_processes = || {
            let limit = spec.limits.pids.filter(|_| code != 0 && ran_out_of_processes(spec));
            limit.map(|it| format!("it reached its limit of {it} processes"))
        };
        self.finished(code, signal, reason, message.or_else(of_processes))
    }

    /// Signals a container's first process; what has ended needs no signal.
    pub(super) fn signal(&mut self, name: &str, attempt: u32, signal: i32) -> Result<(), Failed> {
        let signal = Signal::from_named_raw(signal)
            .ok_or_else(|| std::io::Error::from(Errno::INVAL))
            .step(|| format!("understand signal {signal}"))?;
        let mut found = self.children.values().filter(|it| it.spec.name == name && it.spec.attempt == attempt);
        match found.next().map(|it| pidfd_send_signal(&it.pidfd, signal)) {
            None | Some(Ok(()) | Err(Errno::SRCH)) => Ok(()),
            Some(Err(error)) => Err(error).step(|| format!("signal container {name}")),
        }
    }
}

/// Waits until the container's program runs (its end of the pipe closes by itself then) or says why it cannot.
fn heard_nothing(report: OwnedFd) -> Result<(), Failed> {
    let mut ready = [PollFd::new(&report, PollFlags::IN)];
    let told = poll(&mut ready, Some(&START_PATIENCE)).step(|| "wait for the container".into())?;
    let mut said = String::new();
    if told == 0 {
        said.push_str("the sandbox was not ready in time");
    } else {
        let _unreadable = fs::File::from(report).take(4096).read_to_string(&mut said);
    }
    if said.is_empty() { Ok(()) } else { Err(std::io::Error::other(said)).step(|| "start the container".into()) }
}

/// Whether a fork was refused, where the machine counts that.
fn ran_out_of_processes(spec: &Container) -> bool {
    let counts = spec.cgroups.iter().filter_map(|it| fs::read_to_string(it.with_file_name("pids.events")).ok());
    counts
        .flat_map(|it| it.lines().map(str::to_owned).collect::<Vec<_>>())
        .any(|line| line.strip_prefix("max ").is_some_and(|count| count.trim() != "0"))
}

fn ran_out_of_memory(spec: &Container) -> bool {
    let Some(path) = &spec.oom_file else { return false };
    let Ok(text) = fs::read_to_string(path) else { return false };
    text.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))
}
