//! Copies the write-ahead log into the file beside the writer, so that commits do not wait for it.
//!
//! While the writer goes on, the copy never quite catches up, and the log could never start anew. So when it is done
//! the writer copies the little that was added meanwhile itself. The second connection writes no transaction.

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use fairway_failpoints::Failpoints;
use rusqlite::Connection;

use crate::failpoints;

type Outcome = Result<(), rusqlite::Error>;

/// A thread that copies the log when it is told to.
pub(super) struct Checkpointer {
    /// Dropped to end the thread.
    orders: Option<Sender<()>>,
    outcomes: Receiver<Outcome>,
    running: bool,
    thread: Option<JoinHandle<()>>,
}

/// How far the copy is.
pub(super) enum Progress {
    /// Nothing is being copied.
    Idle,
    /// It goes on.
    Running,
    /// It has just ended.
    Done(Outcome),
}

impl Checkpointer {
    pub(super) fn start(connection: Connection, armed: Failpoints) -> io::Result<Self> {
        let (orders, ordered) = channel::<()>();
        let (done, outcomes) = channel();
        let work = move || {
            while ordered.recv().is_ok() {
                let outcome = failpoints::pass(&armed, failpoints::IN_CHECKPOINT).and_then(|()| copy(&connection));
                if done.send(outcome).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("store-checkpoint".into()).spawn(work)?;
        Ok(Self { orders: Some(orders), outcomes, running: false, thread: Some(thread) })
    }

    /// Starts a copy; there must be none under way.
    pub(super) fn order(&mut self) {
        self.running = self.orders.as_ref().is_some_and(|it| it.send(()).is_ok());
    }

    /// How far the copy is; waits for its end if asked to.
    pub(super) fn progress(&mut self, wait: bool) -> Progress {
        if !self.running {
            return Progress::Idle;
        }
        let outcome = if wait { self.outcomes.recv().map_err(TryRecvError::from) } else { self.outcomes.try_recv() };
        match outcome {
            Err(TryRecvError::Empty) => Progress::Running,
            Err(TryRecvError::Disconnected) => Progress::Idle,
            Ok(outcome) => {
                self.running = false;
                Progress::Done(outcome)
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Copies what no reader holds back, and waits for nobody.
pub(super) fn copy(connection: &Connection) -> Outcome {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
