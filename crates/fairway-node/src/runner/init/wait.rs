//! The one place where pod init waits.

use std::os::fd::AsFd as _;
use std::time::Duration;

use fairway_clock::Clock as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{Failed, Init};
use crate::runner::failed::Step as _;

/// What can be done without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    Listener,
    Peer(u64),
    Stream(u64, usize),
    Call(u64),
    Child(u64),
    ExecOutput(u64),
    ExecEnded(u64),
    Connected(u64),
}

impl Init {
    /// Waits until something is ready or an exec's time is over.
    pub(super) fn wait(&self) -> Result<Vec<Ready>, Failed> {
        let mut names = vec![Ready::Listener];
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        let mut add = |name, fd, flags| {
            names.push(name);
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        };
        for (key, peer) in &self.peers {
            add(Ready::Peer(*key), peer.fd.as_fd(), PollFlags::IN);
        }
        for (key, log) in &self.logs {
            for (index, stream) in log.streams.iter().enumerate() {
                if let Some(stream) = stream {
                    add(Ready::Stream(*key, index), stream.pipe.as_fd(), PollFlags::IN);
                }
            }
        }
        for (key, child) in &self.children {
            if let Some(calls) = &child.calls {
                add(Ready::Call(*key), calls.as_fd(), PollFlags::IN);
            }
        }
        // After the streams: what a container said before it ended is read before its end is told.
        for (key, child) in &self.children {
            add(Ready::Child(*key), child.pidfd.as_fd(), PollFlags::IN);
        }
        for (key, exec) in &self.execs {
            if let Some(pipe) = &exec.pipe {
                add(Ready::ExecOutput(*key), pipe.as_fd(), PollFlags::IN);
            }
            add(Ready::ExecEnded(*key), exec.pidfd.as_fd(), PollFlags::IN);
        }
        for (key, connecting) in &self.connecting {
            add(Ready::Connected(*key), connecting.socket.as_fd(), PollFlags::OUT);
        }
        match poll(&mut fds, self.patience().as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).step(|| "wait".into()),
        }
        Ok(names.into_iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty()).map(|(name, _)| name).collect())
    }

    /// How long to wait at most: until the first exec that is not stopped yet must be.
    fn patience(&self) -> Option<Timespec> {
        let now = self.clock.monotonic();
        let first = self.execs.values().filter(|it| !it.stopped).filter_map(|it| it.deadline).min()?;
        // One millisecond more, so that the deadline has passed when poll comes back.
        let left = first.saturating_sub(now) + Duration::from_millis(1);
        Timespec::try_from(left).ok()
    }
}
