//! Commands run inside a running container: exec probes and hooks.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use fairway_clock::Clock as _;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, pidfd_send_signal, waitpid,
};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::attached::Streams;
use super::children::Pipe;
use super::{Answer, Init, Packet};
use crate::runner::failed::{Failed, Step as _};
use crate::runner::protocol::{EXEC_OUTPUT_LIMIT, ExecResult};
use crate::runner::{raw, sandbox};

/// A command that runs.
pub(super) struct Exec {
    peer: u64,
    id: u64,
    pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) pipe: Option<OwnedFd>,
    output: Vec<u8>,
    /// When it must have ended. Whoever is attached to it ends it when he goes.
    pub(super) deadline: Option<Duration>,
    pub(super) stopped: bool,
}

impl Init {
    pub(super) fn exec(
        &mut self,
        peer: u64,
        id: u64,
        name: &str,
        argv: &[String],
        timeout_ms: u64,
    ) -> Result<(), Failed> {
        let pipe = Pipe::new()?;
        let errors = pipe.write.try_clone().step(|| "hand the output over".into())?;
        let streams = Streams { input: None, output: pipe.write, errors, is_terminal: false };
        let (pid, pidfd) = self.run_inside(name, argv, streams)?;
        let deadline = Some(self.clock.monotonic() + Duration::from_millis(timeout_ms));
        let key = self.key();
        let exec = Exec { peer, id, pid, pidfd, pipe: Some(pipe.read), output: Vec::new(), deadline, stopped: false };
        self.execs.insert(key, exec);
        Ok(())
    }

    /// Runs a command in a running container.
    pub(super) fn run_inside(
        &mut self,
        name: &str,
        argv: &[String],
        streams: Streams,
    ) -> Result<(Pid, OwnedFd), Failed> {
        let mut found = self.children.values().filter(|it| it.spec.name == name);
        let child = found
            .next()
            .ok_or_else(|| std::io::Error::from(Errno::SRCH))
            .step(|| format!("find container {name} running"))?;
        move_into_thread_name_spaces(child.pidfd.as_fd(), ThreadNameSpaceType::PROCESS_ID)
            .step(|| "enter the container's PID namespace".into())?;
        let forked = raw::fork().step(|| "fork the command".into());
        let pid = match forked {
            Ok(raw::Fork::Child) => {
                let failed = sandbox::follow(&child.spec, &child.pidfd, argv, &streams);
                let _gone = rustix::io::write(&streams.errors, format!("{}\n", failed.line()).as_bytes());
                // What shells say for a command that is not there, and for one that cannot be run.
                raw::exit(if failed.errno() == Some(Errno::NOENT.raw_os_error()) { 127 } else { 126 });
            }
            Ok(raw::Fork::Parent(pid)) => Ok(pid),
            Err(failed) => Err(failed),
        };
        self.children_here()?;
        let pid = pid?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).step(|| "watch the command".into())?;
        Ok((pid, pidfd))
    }

    pub(super) fn read_exec(&mut self, key: u64) {
        let Some(exec) = self.execs.get_mut(&key) else { return };
        exec.read();
    }

    pub(super) fn end_exec(&mut self, key: u64) {
        let Some(exec) = self.execs.get_mut(&key) else { return };
        let status = match waitpid(Some(exec.pid), WaitOptions::NOHANG) {
            Ok(None) | Err(Errno::INTR) => return,
            Ok(Some((_, status))) => Some(status),
            Err(_) => None,
        };
        while exec.read() {}
        let Some(exec) = self.execs.remove(&key) else { return };
        let code = status.and_then(|it| it.exit_status().or_else(|| it.terminating_signal().map(|it| 128 + it)));
        if exec.deadline.is_none() {
            let packet = Packet::Ended { request: exec.id, exit_code: code.unwrap_or(128) };
            return self.send(exec.peer, &packet, None);
        }
        let result = ExecResult {
            exit_code: if exec.stopped { None } else { code.or(Some(128)) },
            output: String::from_utf8_lossy(&exec.output).into_owned(),
        };
        self.send(exec.peer, &Packet::Reply { id: exec.id, answer: Answer::Exec(result) }, None);
    }

    /// Kills commands whose time is over, and what they started.
    pub(super) fn stop_late_execs(&mut self) {
        let now = self.clock.monotonic();
        let is_late = |it: &&mut Exec| !it.stopped && it.deadline.is_some_and(|it| it <= now);
        self.execs.values_mut().filter(is_late).for_each(Exec::kill);
    }
}

impl Exec {
    pub(super) fn attached(peer: u64, id: u64, pid: Pid, pidfd: OwnedFd) -> Self {
        Self { peer, id, pid, pidfd, pipe: None, output: Vec::new(), deadline: None, stopped: false }
    }

    /// Whether it ends when this peer goes.
    pub(super) fn is_attached_to(&self, peer: u64) -> bool {
        self.deadline.is_none() && self.peer == peer
    }

    /// Whether it was started by this request.
    pub(super) fn is_of(&self, request: u64) -> bool {
        self.id == request
    }

    /// Kills it and what it started.
    pub(super) fn kill(&mut self) {
        let _gone = kill_process_group(self.pid, Signal::KILL);
        let _gone = pidfd_send_signal(&self.pidfd, Signal::KILL);
        self.stopped = true;
    }

    /// Reads some output, keeps the beginning. False when there is no more now.
    fn read(&mut self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut chunk = [0u8; 4096];
        match rustix::io::read(pipe, &mut chunk) {
            Ok(0) => {
                self.pipe = None;
                false
            }
            Ok(count) => {
                let room = EXEC_OUTPUT_LIMIT - self.output.len();
                self.output.extend(&chunk[..count.min(room)]);
                count == chunk.len()
            }
            Err(_) => false,
        }
    }
}
