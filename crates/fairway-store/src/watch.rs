//! Watching a range: a cursor into the shared history and a bell.
//!
//! Nothing is queued per watcher: a thousand of them share one `Arc` of each change, and one that is slow only falls
//! behind until history no longer reaches back to it, and is told so.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::model::{Event, Range, Revision};
use crate::read::ReadError;
use crate::shared::Shared;

/// Changes that are fetched under one lock.
const FETCH: usize = 256;

/// One bell for each range that somebody watches; none after the store is closed.
pub(crate) struct Bells {
    bells: Mutex<Option<HashMap<Range, watch::Sender<()>>>>,
}

impl Bells {
    pub(crate) fn new() -> Self {
        Self { bells: Mutex::new(Some(HashMap::new())) }
    }

    fn hear(&self, range: &Range) -> Result<watch::Receiver<()>, ReadError> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        let bells = bells.as_mut().ok_or(ReadError::Closed)?;
        let bell = bells.entry(range.clone()).or_insert_with(|| watch::Sender::new(()));
        Ok(bell.subscribe())
    }

    /// Rings for every range that holds one of the changes.
    pub(crate) fn ring(&self, events: &[Arc<Event>]) {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bells) = bells.as_mut() else { return };
        let mut ranges = HashSet::new();
        for key in events.iter().map(|it| &it.object.key) {
            ranges.insert(Range { resource: Arc::clone(&key.resource), namespace: None });
            ranges.insert(Range { resource: Arc::clone(&key.resource), namespace: Some(Arc::clone(&key.namespace)) });
        }
        for range in ranges {
            if let Some(bell) = bells.get(&range) {
                bell.send_replace(());
            }
        }
    }

    /// Takes the bell away with its last listener, who calls this while he still listens.
    fn leave(&self, range: &Range) {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bells) = bells.as_mut() else { return };
        if bells.get(range).is_some_and(|it| it.receiver_count() <= 1) {
            bells.remove(range);
        }
    }

    /// Ends every watch once it has told what there is.
    pub(crate) fn silence(&self) {
        *self.bells.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The changes of a range after a revision, each once and in order.
pub struct Watch {
    shared: Arc<Shared>,
    bell: watch::Receiver<()>,
    range: Range,
    /// Every change up to here was fetched or is outside the range.
    fetched: Revision,
    /// Fetched and not handed out, newest first.
    ready: Vec<Arc<Event>>,
}

impl Watch {
    pub(crate) fn start(shared: Arc<Shared>, range: Range, after: Revision) -> Result<Self, ReadError> {
        // Listening first: what is committed between the two is heard.
        let bell = shared.bells.hear(&range)?;
        let watch = Self { shared, bell, range, fetched: after, ready: Vec::new() };
        watch.shared.read().readable(&watch.range, after)?;
        Ok(watch)
    }

    /// The next change. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<Arc<Event>, ReadError> {
        loop {
            if let Some(event) = self.ready.pop() {
                return Ok(event);
            }
            self.wait().await?;
        }
    }

    /// The next changes, at least one, in order. Cancelling it loses nothing.
    pub async fn next_many(&mut self) -> Result<Vec<Arc<Event>>, ReadError> {
        while self.ready.is_empty() {
            self.wait().await?;
        }
        self.ready.reverse();
        Ok(std::mem::take(&mut self.ready))
    }

    /// The next change if it is already there.
    pub fn try_next(&mut self) -> Result<Option<Arc<Event>>, ReadError> {
        if self.ready.is_empty() {
            self.fetch()?;
        }
        Ok(self.ready.pop())
    }

    /// The revision up to which everything was handed out, if nothing is waiting: what a bookmark says.
    pub fn caught_up(&mut self) -> Result<Option<Revision>, ReadError> {
        if self.ready.is_empty() {
            self.fetch()?;
        }
        Ok(self.ready.is_empty().then_some(self.fetched))
    }

    async fn wait(&mut self) -> Result<(), ReadError> {
        self.bell.mark_unchanged();
        self.fetch()?;
        if self.ready.is_empty() && self.bell.changed().await.is_err() {
            self.fetch()?;
            if self.ready.is_empty() {
                return Err(ReadError::Closed);
            }
        }
        Ok(())
    }

    fn fetch(&mut self) -> Result<(), ReadError> {
        let state = self.shared.read();
        state.readable(&self.range, self.fetched)?;
        state.changes(&self.range, self.fetched, FETCH, &mut self.ready);
        self.fetched = match self.ready.last() {
            Some(last) if self.ready.len() == FETCH => last.object.revision,
            _ => state.revision,
        };
        self.ready.reverse();
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.bells.leave(&self.range);
    }
}
