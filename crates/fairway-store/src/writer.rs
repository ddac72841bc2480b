//! The one thread that writes.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::commit::{CommitError, Committed};
use crate::disk::{Disk, WriteError};
use crate::group::Group;
use crate::journal::{Entry, Journal, ObjectChange};
use crate::model::{Action, Batch, Event};
use crate::options::Options;
use crate::shared::Shared;

/// Commits that join one transaction at most.
const GROUP_COMMITS: usize = 4096;
/// Changes over the bounds before any are let go.
const COMPACT_CHANGES: usize = 512;

type Answer = oneshot::Sender<Result<Committed, CommitError>>;

/// A batch that waits for the writer, and who waits for it.
struct Request {
    batch: Batch,
    answer: Answer,
}

/// What waits for the writer. A group is whatever has gathered while it was busy.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Request>,
    closed: bool,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::new(Waiting::default()), arrived: Condvar::new() }
    }

    /// Hands a batch to the writer; none where it no longer takes any.
    pub(crate) fn push(&self, batch: Batch) -> Option<oneshot::Receiver<Result<Committed, CommitError>>> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.closed {
            return None;
        }
        waiting.requests.push_back(Request { batch, answer });
        drop(waiting);
        self.arrived.notify_one();
        Some(answered)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.lock().closed
    }

    /// Takes no more batches; those that wait are still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// The next group; none when the queue is closed and empty.
    fn take(&self, bytes: usize) -> Option<Vec<Request>> {
        let waiting = self.lock();
        let mut waiting = self
            .arrived
            .wait_while(waiting, |it| it.requests.is_empty() && !it.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let mut size = 0;
        let fits = waiting.requests.iter().take(GROUP_COMMITS).take_while(|it| {
            let room = size < bytes;
            size += it.batch.ops.iter().map(bytes_of).sum::<usize>();
            room
        });
        let count = fits.count();
        (count > 0).then(|| waiting.requests.drain(..count).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(op: &crate::model::Op) -> usize {
    match &op.action {
        Action::Put { value, .. } => value.len(),
        Action::Delete => 0,
    }
}

/// Everything the thread owns.
pub(crate) struct Writer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) disk: Disk,
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) options: Options,
    /// Released when nothing can be written any more: fields are dropped in this order.
    #[expect(dead_code, reason = "held, not read")]
    pub(crate) lock: Arc<File>,
    /// Dropped when the thread ends.
    #[expect(dead_code, reason = "its drop is the signal")]
    pub(crate) running: oneshot::Sender<()>,
}

/// A batch that was judged: its changes among those of the group, or what stood against it.
type Judged = Result<Range<usize>, CommitError>;

impl Writer {
    /// Writes until the queue is closed or the disk can no longer be trusted.
    pub(crate) fn run(mut self) {
        let _refuse = Refuse(Arc::clone(&self.queue));
        while let Some(requests) = self.queue.take(self.options.group_bytes) {
            if let Err(error) = self.write(requests) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    path = %self.options.path.display(),
                    "the store stops writing; what it holds can still be read"
                );
                return;
            }
        }
        if let Err(error) = self.disk.finish() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the write-ahead log stays behind");
        }
        self.shared.bells.silence();
    }

    /// Commits a group and answers. An error means that the disk cannot be trusted any more.
    fn write(&mut self, requests: Vec<Request>) -> Result<(), WriteError> {
        let (judged, events) = self.judge(&requests);
        let entries = entries(&requests, &judged, &events);
        if entries.is_empty() {
            answer(requests, judged, &events);
            return Ok(());
        }
        let committed = self.disk.commit(&events, &mut *self.journal, &entries);
        drop(entries);
        self.journal.settled(committed.is_ok());
        match committed {
            Ok(()) => {
                self.disk.told();
                self.shared.publish(&events);
                answer(requests, judged, &events);
                // Last, for it takes the longest: a thousand watchers must not hold up those who write.
                self.shared.bells.ring(&events);
                self.tend(events.len())
            }
            Err(error) => {
                let (told, fatal) = CommitError::of(error);
                for request in requests {
                    let _gone = request.answer.send(Err(told.clone()));
                }
                fatal.map_or_else(|| self.tend(0), Err)
            }
        }
    }

    fn judge(&self, requests: &[Request]) -> (Vec<Judged>, Vec<Arc<Event>>) {
        let state = self.shared.read();
        let mut group = Group::new(&state);
        let judged = requests.iter().map(|it| {
            let accepted = group.accept(&it.batch);
            accepted.map_err(|it| CommitError::Conflict { op: it.op, current: it.current.map(Box::new) })
        });
        let judged = judged.collect();
        (judged, group.events)
    }

    /// Trims history and copies the write-ahead log when either has grown enough. Trimming takes away twice what was
    /// just added, so that it keeps up whatever the load.
    fn tend(&mut self, added: usize) -> Result<(), WriteError> {
        let (revisions, bytes) = (self.options.history_revisions, self.options.history_bytes);
        let over = {
            let state = self.shared.read();
            let (held, held_bytes) = state.history();
            // Wait for a whole step's worth, so that trimming costs one commit in hundreds.
            let due = held > revisions + COMPACT_CHANGES || held_bytes > bytes + bytes / 16;
            if due { state.excess(revisions, bytes, 2 * added.max(COMPACT_CHANGES)) } else { Vec::new() }
        };
        if let Some(last) = over.last() {
            let oldest = last.object.revision;
            match self.disk.compact(&over) {
                Ok(()) => self.shared.forget(oldest),
                Err(error) => put_off("history is not trimmed", error)?,
            }
        }
        let copied = self.disk.checkpoint(self.options.checkpoint_bytes);
        copied.or_else(|error| put_off("the write-ahead log is not copied", error))
    }
}

/// What can be done later is only told; anything else ends the writing.
fn put_off(what: &str, error: rusqlite::Error) -> Result<(), WriteError> {
    tracing::warn!(error = &error as &dyn std::error::Error, "{what}");
    CommitError::of(error.into()).1.map_or(Ok(()), Err)
}

/// What the journal is told: each accepted batch that says anything.
fn entries<'a>(requests: &'a [Request], judged: &[Judged], events: &'a [Arc<Event>]) -> Vec<Entry<'a>> {
    let accepted = requests.iter().zip(judged).filter_map(|(request, it)| Some((request, it.as_ref().ok()?)));
    let telling = accepted.filter(|(request, it)| !it.is_empty() || request.batch.note.is_some());
    telling
        .map(|(request, it)| Entry {
            note: request.batch.note.as_ref(),
            objects: events[it.clone()].iter().map(|it| change(it)).collect(),
        })
        .collect()
}

fn change(event: &Event) -> ObjectChange<'_> {
    ObjectChange { kind: event.kind, after: &event.object, before: event.before.as_ref() }
}

fn answer(requests: Vec<Request>, judged: Vec<Judged>, events: &[Arc<Event>]) {
    for (request, judged) in requests.into_iter().zip(judged) {
        let committed = judged.map(|it| Committed { objects: events[it].iter().map(|it| it.object.clone()).collect() });
        // Who does not wait for the answer any more does not need it.
        let _gone = request.answer.send(committed);
    }
}

/// However the thread ends, nobody waits for it.
struct Refuse(Arc<Queue>);

impl Drop for Refuse {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.closed = true;
        waiting.requests.clear();
    }
}
