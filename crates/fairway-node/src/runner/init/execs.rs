//! Commands run inside a running container: exec probes and hooks.

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use fairway_clock::Clock as _;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, pidfd_send_signal, waitpid,
};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

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
    pub(super) deadline: Duration,
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
        let mut found = self.children.values().filter(|it| it.spec.name == name);
        let child = found
            .next()
            .ok_or_else(|| std::io::Error::from(Errno::SRCH))
            .step(|| format!("find container {name} running"))?;
        let pipe = Pipe::new()?;
        move_into_thread_name_spaces(child.pidfd.as_fd(), ThreadNameSpaceType::PROCESS_ID)
            .step(|| "enter the container's PID namespace".into())?;
        let forked = raw::fork().step(|| "fork the command".into());
        let pid = match forked {
            Ok(raw::Fork::Child) => {
                let failed = sandbox::follow(&child.spec, &child.pidfd, argv, &pipe.write);
                let _gone = rustix::io::write(&pipe.write, failed.line().as_bytes());
                raw::exit(126);
            }
            Ok(raw::Fork::Parent(pid)) => Ok(pid),
            Err(failed) => Err(failed),
        };
        self.children_here()?;
        let pid = pid?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).step(|| "watch the command".into())?;
        let deadline = self.clock.monotonic() + Duration::from_millis(timeout_ms);
        let key = self.key();
        let exec = Exec { peer, id, pid, pidfd, pipe: Some(pipe.read), output: Vec::new(), deadline, stopped: false };
        self.execs.insert(key, exec);
        Ok(())
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
        let result = ExecResult {
            exit_code: if exec.stopped { None } else { code.or(Some(128)) },
            output: String::from_utf8_lossy(&exec.output).into_owned(),
        };
        self.send(exec.peer, &Packet::Reply { id: exec.id, answer: Answer::Exec(result) }, None);
    }

    /// Kills commands whose time is over, and what they started.
    pub(super) fn stop_late_execs(&mut self) {
        let now = self.clock.monotonic();
        for exec in self.execs.values_mut().filter(|it| !it.stopped && it.deadline <= now) {
            let _gone = kill_process_group(exec.pid, Signal::KILL);
            let _gone = pidfd_send_signal(&exec.pidfd, Signal::KILL);
            exec.stopped = true;
        }
    }
}

impl Exec {
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
