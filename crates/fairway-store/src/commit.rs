//! How a write ends.

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::disk::WriteError;
use crate::journal::JournalError;
use crate::model::Stored;

/// A batch that is on disk.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The objects as they are after each operation, in its order (after a delete: the last bytes with the revision of
    /// the delete).
    pub objects: Vec<Stored>,
}

/// Why nothing of a batch was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// An expectation was not met, or there was nothing to delete.
    #[error("operation {op} expected another object than there is")]
    Conflict {
        /// Which operation, counted from 0.
        op: usize,
        /// What is there instead.
        current: Option<Box<Stored>>,
    },
    /// The disk is full. The next write is tried again.
    #[error("the disk is full; make room, then try again")]
    Full,
    /// Another process has held the file for seconds. The next write is tried again.
    #[error("another process holds the store's file; try again once it has let go")]
    Busy,
    /// The store no longer writes: it was closed, or the disk failed it. Reading goes on. What was under way when the
    /// disk failed is there wholly or not at all after the next start.
    #[error("the store no longer takes writes")]
    Stopped,
    /// The journal could not record the group.
    #[error(transparent)]
    Journal(Arc<JournalError>),
}

impl CommitError {
    /// What the callers are told, and the error again if nothing may be written after it.
    pub(crate) fn of(error: WriteError) -> (Self, Option<WriteError>) {
        if error.is_full() {
            return (Self::Full, None);
        }
        match (error.sqlite().map(|it| it.code), error) {
            (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => (Self::Busy, None),
            (Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase), error)
            | (_, error @ WriteError::Sqlite(_)) => (Self::Stopped, Some(error)),
            (_, WriteError::Journal(it)) => (Self::Journal(Arc::new(it)), None),
        }
    }
}
