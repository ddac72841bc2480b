//! Objects with one global revision, in one SQLite file: durable, watchable, bounded. No nouns.
//!
//! A value is opaque bytes; a key is (resource, namespace, name). A [`Batch`] of operations commits wholly or not at
//! all, together with what the [`Journal`] writes in the same transaction. Readers, watches and the answer to a write
//! see it only after it is on disk.

mod commit;
mod disk;
mod failpoints;
mod group;
mod journal;
mod model;
mod options;
mod read;
mod shared;
mod state;
mod store;
mod watch;
mod writer;

pub use commit::{CommitError, Committed};
pub use disk::OpenStore;
pub use failpoints::FAILPOINTS;
pub use journal::{Entry, Journal, JournalError, NoJournal, ObjectChange};
pub use model::{Action, Batch, Event, EventKind, Expect, Key, Labels, Note, Op, Range, Revision, Stored};
pub use options::Options;
pub use read::{ListQuery, Page, ReadError};
pub use store::Store;
pub use watch::Watch;
