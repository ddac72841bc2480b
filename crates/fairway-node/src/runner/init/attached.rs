//! Commands that somebody is attached to: their ends of pipes, or of a terminal, go to whoever asked.

use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use super::Init;
use super::children::Pipe;
use super::execs::Exec;
use crate::runner::failed::{Failed, Step as _};

/// As many as a pod may have at a time: each holds descriptors.
const MOST: usize = 64;

/// What a command gets.
pub(in crate::runner) struct Streams {
    /// Nothing to read without it.
    pub(in crate::runner) input: Option<OwnedFd>,
    pub(in crate::runner) output: OwnedFd,
    pub(in crate::runner) errors: OwnedFd,
    /// All three are a terminal, and it is to be the command's own.
    pub(in crate::runner) is_terminal: bool,
}

impl Init {
    /// Starts a command. Gives the other ends of what it got, in the order input, output, errors.
    pub(super) fn attach(
        &mut self,
        peer: u64,
        id: u64,
        name: &str,
        argv: &[String],
        stdin: bool,
        terminal: bool,
    ) -> Result<Vec<OwnedFd>, Failed> {
        if self.execs.values().filter(|it| it.deadline.is_none()).count() >= MOST {
            return Err(std::io::Error::from(Errno::AGAIN))
                .step(|| format!("run more than {MOST} commands in the pod"));
        }
        let (streams, ends) = if terminal { a_terminal()? } else { pipes(stdin)? };
        let (pid, pidfd) = self.run_inside(name, argv, streams)?;
        let key = self.key();
        self.execs.insert(key, Exec::attached(peer, id, pid, pidfd));
        Ok(ends)
    }

    /// Kills the command that a request of this peer started.
    pub(super) fn stop_exec(&mut self, peer: u64, request: u64) {
        let found = self.execs.values_mut().find(|it| it.is_attached_to(peer) && it.is_of(request));
        found.into_iter().for_each(Exec::kill);
    }

    /// Kills what nobody is attached to any more.
    pub(super) fn stop_execs_of(&mut self, peer: u64) {
        self.execs.values_mut().filter(|it| it.is_attached_to(peer)).for_each(Exec::kill);
    }
}

fn pipes(stdin: bool) -> Result<(Streams, Vec<OwnedFd>), Failed> {
    let (output, errors) = (Pipe::new()?, Pipe::new()?);
    let mut ends = vec![output.read, errors.read];
    let mut input = None;
    if stdin {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).step(|| "make a pipe".into())?;
        fcntl_setfl(&write, OFlags::NONBLOCK).step(|| "make a pipe".into())?;
        ends.insert(0, write);
        input = Some(read);
    }
    Ok((Streams { input, output: output.write, errors: errors.write, is_terminal: false }, ends))
}

fn a_terminal() -> Result<(Streams, Vec<OwnedFd>), Failed> {
    let what = || "make a terminal".to_owned();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).step(what)?;
    grantpt(&ours).step(what)?;
    unlockpt(&ours).step(what)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags).step(what)?;
    fcntl_setfl(&ours, OFlags::RDWR | OFlags::NONBLOCK).step(what)?;
    let again = || theirs.try_clone().step(what);
    let streams = Streams { input: Some(again()?), output: again()?, errors: again()?, is_terminal: true };
    Ok((streams, vec![ours]))
}
