//! Objects with one global revision, in one SQLite file: durable, watchable, bounded. No nouns.
//!
//! A value is opaque bytes; a key is (resource, namespace, name). A [`Batch`] of operations commits wholly or not at
//! all, together with what the [`Journal`] writes in the same transaction. Readers, watches and the answer to a write
//! see it only after it is on disk.

mod journal;
mod model;

pub use journal::{Entry, Journal, JournalError, ObjectChange};
pub use model::{Action, Batch, Event, EventKind, Expect, Key, Labels, Note, Op, Range, Revision, Stored};
