//! The seam through which a ledger writes in the same transaction as the objects it records.

use crate::model::{EventKind, Note, Stored};

/// Writes records into the open transaction. Called in the writer thread, never concurrently.
pub trait Journal: Send + 'static {
    /// Makes its tables and reads what it needs, once, while the store is opened.
    fn prepare(&mut self, transaction: &rusqlite::Transaction<'_>) -> Result<(), JournalError>;

    /// Records every batch of a group, in order. An error fails the whole group: nothing of it is kept.
    fn record(&mut self, transaction: &rusqlite::Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), JournalError>;

    /// Tells how the group ended, so that what was held in memory (the head of a hash chain) is kept or dropped.
    fn settled(&mut self, committed: bool);
}

/// One batch that is about to be committed.
pub struct Entry<'a> {
    /// What the caller said about the batch.
    pub note: Option<&'a Note>,
    /// The objects it changes; empty where only the note is to be recorded.
    pub objects: Vec<ObjectChange<'a>>,
}

/// One object of a batch.
pub struct ObjectChange<'a> {
    /// What happens to it.
    pub kind: EventKind,
    /// After the change (after a delete: the last bytes with the new revision).
    pub after: &'a Stored,
    /// Before the change.
    pub before: Option<&'a Stored>,
}

/// Why nothing could be recorded.
#[derive(Debug, thiserror::Error)]
#[error("record the change in the journal")]
pub struct JournalError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Records nothing: for a store without a ledger.
pub struct NoJournal;

impl Journal for NoJournal {
    fn prepare(&mut self, _: &rusqlite::Transaction<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn record(&mut self, _: &rusqlite::Transaction<'_>, _: &[Entry<'_>]) -> Result<(), JournalError> {
        Ok(())
    }

    fn settled(&mut self, _: bool) {}
}
