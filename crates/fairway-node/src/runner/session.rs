//! A command in a running container that somebody is attached to.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::termios::{Winsize, tcsetwinsize};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::oneshot;

use super::pod::{AskPod, Line, Pod};
use super::protocol::{Answer, Ask};

/// A command and the ends of its streams. Dropping it kills the command.
pub struct Session {
    /// What it reads, if it was to have an input. Dropping this is the end of the input.
    pub stdin: Option<Sender>,
    /// What it prints; all of it, where it has a terminal.
    pub stdout: Option<Receiver>,
    /// Its errors, where it has no terminal.
    pub stderr: Option<Receiver>,
    terminal: Option<OwnedFd>,
    ended: oneshot::Receiver<i32>,
    line: Arc<Line>,
    request: u64,
}

/// Sets the size of a command's terminal.
pub struct Resize(OwnedFd);

impl Resize {
    /// Tells the command that its terminal has another size. A command that is gone needs none.
    pub fn to(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let _gone = tcsetwinsize(&self.0, size);
    }
}

impl Pod {
    /// Runs a command in a running container until it ends or what is given is dropped.
    pub async fn attach(&self, name: &str, argv: &[String], stdin: bool, terminal: bool) -> Result<Session, AskPod> {
        let request = self.next_id();
        let ended = self.line.attach(request);
        let mut session = Session {
            stdin: None,
            stdout: None,
            stderr: None,
            terminal: None,
            ended,
            line: Arc::clone(&self.line),
            request,
        };
        let ask = Ask::Attach { name: name.into(), argv: argv.to_vec(), stdin, terminal };
        let (Answer::Done, ends) = self.ask_as(request, ask).await? else { return Err(AskPod::Answer) };
        session.take(ends, stdin, terminal)?;
        Ok(session)
    }
}

impl Session {
    fn take(&mut self, ends: Vec<OwnedFd>, stdin: bool, terminal: bool) -> Result<(), AskPod> {
        let mut ends = ends.into_iter();
        let mut next = || ends.next().ok_or(AskPod::Answer);
        if terminal {
            let end = next()?;
            // A terminal is no pipe, but read and written like one.
            self.stdout = Some(Receiver::from_owned_fd_unchecked(end.try_clone()?)?);
            if stdin {
                self.stdin = Some(Sender::from_owned_fd_unchecked(end.try_clone()?)?);
            }
            self.terminal = Some(end);
            return Ok(());
        }
        if stdin {
            self.stdin = Some(Sender::from_owned_fd(next()?)?);
        }
        self.stdout = Some(Receiver::from_owned_fd(next()?)?);
        self.stderr = Some(Receiver::from_owned_fd(next()?)?);
        Ok(())
    }

    /// What changes the size of its terminal, if it has one.
    pub fn resize(&self) -> io::Result<Option<Resize>> {
        self.terminal.as_ref().map(|it| it.try_clone().map(Resize)).transpose()
    }

    /// The code with which it ended, 128 and the signal where a signal ended it; nothing if its pod is gone.
    pub async fn exit_code(&mut self) -> Option<i32> {
        (&mut self.ended).await.ok()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.line.leave(self.request);
    }
}
