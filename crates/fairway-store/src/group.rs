//! The pending head: writes are judged against what will be there once the writes before them are on disk.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Action, Batch, Event, EventKind, Expect, Key, Op, Revision, Stored};
use crate::state::State;

/// The writes of one transaction that have been accepted so far.
pub(crate) struct Group<'a> {
    state: &'a State,
    /// What differs from the committed state; `None`: will be gone.
    pending: HashMap<Key, Option<Stored>>,
    /// Accepted changes of all batches, in order.
    pub(crate) events: Vec<Arc<Event>>,
}

/// Why a batch was not accepted.
#[derive(Debug)]
pub(crate) struct Conflict {
    pub(crate) op: usize,
    pub(crate) current: Option<Stored>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        Self { state, pending: HashMap::new(), events: Vec::new() }
    }

    /// Accepts all operations of a batch, or none.
    pub(crate) fn accept(&mut self, batch: &Batch) -> Result<std::ops::Range<usize>, Conflict> {
        let start = self.events.len();
        for (index, op) in batch.ops.iter().enumerate() {
            match self.step(op) {
                Ok(event) => {
                    let now = (event.kind != EventKind::Deleted).then(|| event.object.clone());
                    self.pending.insert(event.object.key.clone(), now);
                    self.events.push(Arc::new(event));
                }
                Err(current) => {
                    self.take_back(start);
                    return Err(Conflict { op: index, current });
                }
            }
        }
        Ok(start..self.events.len())
    }

    fn current(&self, key: &Key) -> Option<&Stored> {
        match self.pending.get(key) {
            Some(pending) => pending.as_ref(),
            None => self.state.get(key),
        }
    }

    /// What the operation does, or what stands against it.
    fn step(&self, op: &Op) -> Result<Event, Option<Stored>> {
        let before = self.current(&op.key);
        let met = match op.expect {
            Expect::Any => true,
            Expect::Absent => before.is_none(),
            Expect::At(revision) => before.is_some_and(|it| it.revision == revision),
        };
        if !met {
            return Err(before.cloned());
        }
        let revision = self.next_revision();
        let key = before.map_or_else(|| self.state.intern(&op.key), |it| it.key.clone());
        let (kind, object) = match (&op.action, before) {
            (Action::Put { value, labels }, _) => {
                let kind = if before.is_some() { EventKind::Updated } else { EventKind::Created };
                (kind, Stored { key, revision, value: value.clone(), labels: Arc::clone(labels) })
            }
            (Action::Delete, Some(before)) => (EventKind::Deleted, Stored { revision, ..before.clone() }),
            (Action::Delete, None) => return Err(None),
        };
        Ok(Event { kind, object, before: before.cloned() })
    }

    fn next_revision(&self) -> Revision {
        self.events.last().map_or(self.state.revision, |it| it.object.revision) + 1
    }

    /// Undoes the accepted changes from this index on.
    fn take_back(&mut self, start: usize) {
        for event in self.events.drain(start..).rev() {
            self.pending.insert(event.object.key.clone(), event.before.clone());
        }
    }
}
