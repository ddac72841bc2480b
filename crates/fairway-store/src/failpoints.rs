//! The places in the writer where a test can make it fail or die.

use fairway_failpoints::{Failpoints, Fault};

/// A group is validated, its transaction not begun.
pub(crate) const BEFORE_TRANSACTION: &str = "before-transaction";
/// The group's rows are inserted, the journal not called.
pub(crate) const BEFORE_JOURNAL: &str = "before-journal";
/// The journal has written, nothing is committed.
pub(crate) const BEFORE_COMMIT: &str = "before-commit";
/// The group is on disk, nobody has been told.
pub(crate) const BEFORE_PUBLISH: &str = "before-publish";
/// History is being trimmed, its transaction open.
pub(crate) const IN_COMPACTION: &str = "in-compaction";
/// The write-ahead log is about to be copied into the file.
pub(crate) const IN_CHECKPOINT: &str = "in-checkpoint";

/// Every named place of the store.
pub const FAILPOINTS: [&str; 6] =
    [BEFORE_TRANSACTION, BEFORE_JOURNAL, BEFORE_COMMIT, BEFORE_PUBLISH, IN_COMPACTION, IN_CHECKPOINT];

/// What strikes at a place, as an error of the database.
pub(crate) fn pass(failpoints: &Failpoints, point: &str) -> Result<(), rusqlite::Error> {
    let code = match failpoints.strike(point) {
        None | Some(Fault::Kill) => return Ok(()),
        Some(Fault::Full) => rusqlite::ffi::SQLITE_FULL,
        Some(Fault::Io) => rusqlite::ffi::SQLITE_IOERR_FSYNC,
    };
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(format!("failpoint {point}"))))
}
