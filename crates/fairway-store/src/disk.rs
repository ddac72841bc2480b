//! The file: its tables, and the statements of the writer thread.
//!
//! `revisions` is the log. A value is written once; what an object is now is the row that no later row names as its
//! `previous`. Each row carries a checksum, and `head` the count and the sum of all of them, so that a flipped byte, a
//! lost row or an old page is an error at the next start and never a wrong answer. The one exception: in the
//! write-ahead log that a crash leaves behind, SQLite takes a damaged byte for the end of what was written.

mod checkpoint;
mod load;
mod open;
mod row;

use std::sync::Arc;

use fairway_failpoints::Failpoints;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::{CachedStatement, Connection, ErrorCode, Transaction, TransactionBehavior, params};

use checkpoint::{Checkpointer, Progress};

use crate::failpoints;
use crate::journal::{Entry, Journal, JournalError};
use crate::model::{Event, Revision};
pub use open::OpenStore;
pub(crate) use open::open;
use row::Row;

/// The file, its only writing connection, and what its `head` row says.
pub(crate) struct Disk {
    connection: Connection,
    checkpointer: Checkpointer,
    head: Head,
    failpoints: Failpoints,
    /// Estimated growth of the write-ahead log since it was last copied into the file.
    logged: usize,
}

/// What is true of the whole log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Head {
    revision: Revision,
    oldest: Revision,
    rows: u64,
    sum: u64,
}

impl WriteError {
    /// The database's error, where it is one or the journal's comes from one.
    pub(crate) fn sqlite(&self) -> Option<&rusqlite::ffi::Error> {
        let mut cause: &(dyn std::error::Error + 'static) = match self {
            Self::Sqlite(error) => return error.sqlite_error(),
            Self::Journal(error) => &*error.0,
        };
        loop {
            if let Some(sqlite) = cause.downcast_ref::<rusqlite::Error>() {
                return sqlite.sqlite_error();
            }
            cause = cause.source()?;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        // Growing the index of the log fails with the second one.
        let full =
            |it: &rusqlite::ffi::Error| it.code == ErrorCode::DiskFull || it.extended_code == SQLITE_IOERR_SHMSIZE;
        self.sqlite().is_some_and(full)
    }
}

impl Head {
    fn checksum(&self) -> u64 {
        let bytes = [self.revision, self.oldest, self.rows, self.sum].map(u64::to_le_bytes);
        u64::from(crc32fast::hash(bytes.as_flattened()))
    }
}

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("write the store's file")]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Journal(JournalError),
}

const INSERT: &str = "INSERT INTO revisions (revision, kind, previous, resource, namespace, name, labels, value, checksum) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const HEAD: &str = "UPDATE head SET revision = ?1, oldest = ?2, rows = ?3, sum = ?4, checksum = ?5";
const DELETE: &str = "DELETE FROM revisions WHERE revision = ?1 RETURNING checksum";

/// A row costs about this much in the log beside its value.
const ROW_OVERHEAD: usize = 512;
/// And a group about this much beside its rows.
const GROUP_OVERHEAD: usize = 8192;

impl Disk {
    /// Commits the changes together with what the journal records of them.
    pub(crate) fn commit(
        &mut self,
        events: &[Arc<Event>],
        journal: &mut dyn Journal,
        entries: &[Entry<'_>],
    ) -> Result<(), WriteError> {
        let written = self.write(events, journal, entries);
        if written.as_ref().is_err_and(WriteError::is_full) {
            self.logged = usize::MAX; // a log that is copied starts anew, in the room that it has
        }
        written
    }

    fn write(
        &mut self,
        events: &[Arc<Event>],
        journal: &mut dyn Journal,
        entries: &[Entry<'_>],
    ) -> Result<(), WriteError> {
        let mut head = self.head;
        failpoints::pass(&self.failpoints, failpoints::BEFORE_TRANSACTION)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !events.is_empty() {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for event in events {
                write_row(&mut insert, &Row::of(event), &mut head)?;
            }
            write_head(&transaction, &head)?;
        }
        failpoints::pass(&self.failpoints, failpoints::BEFORE_JOURNAL)?;
        journal.record(&transaction, entries).map_err(WriteError::Journal)?;
        failpoints::pass(&self.failpoints, failpoints::BEFORE_COMMIT)?;
        transaction.commit()?;
        self.head = head;
        let bytes: usize = events.iter().map(|it| it.object.value.len() + ROW_OVERHEAD).sum();
        self.logged = self.logged.saturating_add(bytes + GROUP_OVERHEAD);
        Ok(())
    }

    /// Forgets what these changes, the oldest of the history, replaced and deleted.
    pub(crate) fn compact(&mut self, oldest: &[Arc<Event>]) -> Result<(), rusqlite::Error> {
        let Some(last) = oldest.last() else { return Ok(()) };
        let mut head = self.head;
        head.oldest = last.object.revision;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut delete = transaction.prepare_cached(DELETE)?;
            for revision in oldest.iter().flat_map(|it| row::obsolete_after(it)) {
                let checksum: i64 = delete.query_row([to_sql(revision)], |it| it.get(0))?;
                head.rows -= 1;
                head.sum = head.sum.wrapping_sub(from_sql(checksum));
            }
        }
        write_head(&transaction, &head)?;
        failpoints::pass(&self.failpoints, failpoints::IN_COMPACTION)?;
        transaction.commit()?;
        self.head = head;
        self.logged = self.logged.saturating_add(oldest.len() * ROW_OVERHEAD);
        Ok(())
    }

    /// Lets the journal make its tables and read what it needs.
    pub(crate) fn prepare(&mut self, journal: &mut dyn Journal) -> Result<(), WriteError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        journal.prepare(&transaction).map_err(WriteError::Journal)?;
        transaction.commit()?;
        Ok(())
    }

    /// The place between a commit and its publication where a test may end the process.
    pub(crate) fn told(&self) {
        self.failpoints.pass(failpoints::BEFORE_PUBLISH);
    }

    /// Sees to it that the write-ahead log is copied into the file once it has grown by `bytes`.
    pub(crate) fn checkpoint(&mut self, bytes: usize) -> Result<(), rusqlite::Error> {
        // A copy that falls far behind is waited for: the log must not grow without end.
        match self.checkpointer.progress(self.logged > bytes.saturating_mul(8)) {
            Progress::Running => Ok(()),
            Progress::Idle => {
                if self.logged > bytes {
                    self.logged = 0;
                    self.checkpointer.order();
                }
                Ok(())
            }
            Progress::Done(outcome) => {
                self.logged = 0;
                outcome.and_then(|()| checkpoint::copy(&self.connection))
            }
        }
    }

    /// Copies all of the write-ahead log into the file and leaves it empty.
    pub(crate) fn finish(&mut self) -> Result<(), rusqlite::Error> {
        if let Progress::Done(outcome) = self.checkpointer.progress(true) {
            outcome?;
        }
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

fn write_row(insert: &mut CachedStatement<'_>, row: &Row<'_>, head: &mut Head) -> Result<(), rusqlite::Error> {
    let checksum = row.checksum();
    insert.execute(params![
        to_sql(row.revision),
        row.kind,
        row.previous.map(to_sql),
        row.resource,
        row.namespace,
        row.name,
        row.labels,
        row.value,
        to_sql(checksum),
    ])?;
    head.revision = row.revision;
    head.rows += 1;
    head.sum = head.sum.wrapping_add(checksum);
    Ok(())
}

fn write_head(transaction: &Transaction<'_>, head: &Head) -> Result<(), rusqlite::Error> {
    let values = [head.revision, head.oldest, head.rows, head.sum, head.checksum()].map(to_sql);
    transaction.prepare_cached(HEAD)?.execute(values)?;
    Ok(())
}

/// SQLite's integers are signed; the bits are what counts.
fn to_sql(number: u64) -> i64 {
    number.cast_signed()
}

fn from_sql(number: i64) -> u64 {
    number.cast_unsigned()
}
