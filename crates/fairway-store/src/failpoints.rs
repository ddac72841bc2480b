//! Named places where a test makes the writer fail or die.
//!
//! The library reads no environment: whoever opens the store parses a text such as `before-commit=kill@3` once and
//! hands it over in the options. Without one, a point costs one branch.

#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place in the writer thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// A group is validated, its transaction not begun.
    BeforeTransaction,
    /// The group's rows are inserted, the journal not called.
    BeforeJournal,
    /// The journal has written, nothing is committed.
    BeforeCommit,
    /// The group is on disk, nobody has been told.
    BeforePublish,
    /// History is being trimmed, its transaction open.
    InCompaction,
    /// The write-ahead log is about to be copied into the file.
    InCheckpoint,
}

/// Every point with the name it has in a text.
const POINTS: [(&str, Point); 6] = [
    ("before-transaction", Point::BeforeTransaction),
    ("before-journal", Point::BeforeJournal),
    ("before-commit", Point::BeforeCommit),
    ("before-publish", Point::BeforePublish),
    ("in-compaction", Point::InCompaction),
    ("in-checkpoint", Point::InCheckpoint),
];

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process ends at once, as after `kill -9`.
    Kill,
    /// The disk is full.
    Full,
    /// The disk does not do what it was told.
    Io,
}

#[derive(Debug)]
struct Armed {
    point: Point,
    fault: Fault,
    /// Passes before it strikes; then it strikes once.
    passes: AtomicU64,
}

/// Which points are armed; by default none.
#[derive(Debug, Clone, Default)]
pub struct Failpoints {
    armed: Arc<[Armed]>,
}

/// A text that names no point or no fault.
#[derive(Debug, thiserror::Error)]
pub enum ParseFailpoints {
    /// Not of the form `point=fault` or `point=fault@nth`.
    #[error("failpoint {0:?} is not of the form point=fault or point=fault@nth")]
    Split(String),
    /// No such point.
    #[error("there is no failpoint {name:?}; there are {known}")]
    FindPoint {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No such fault.
    #[error("there is no fault {0:?}; there are kill, full and io")]
    FindFault(String),
}

impl Failpoints {
    /// No point armed.
    pub fn none() -> Self {
        Self::default()
    }

    /// The name of every point there is.
    pub fn names() -> impl Iterator<Item = &'static str> {
        POINTS.iter().map(|it| it.0)
    }

    /// What strikes at this point now, if anything. [`Fault::Kill`] does not return.
    pub(crate) fn strike(&self, point: Point) -> Option<Fault> {
        let armed = self.armed.iter().find(|it| it.point == point)?;
        let left = armed.passes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1)).ok()?;
        match (left, armed.fault) {
            (1, Fault::Kill) => std::process::abort(),
            (1, fault) => Some(fault),
            _ => None,
        }
    }

    /// The same as an error of the database.
    pub(crate) fn pass(&self, point: Point) -> Result<(), rusqlite::Error> {
        let code = match self.strike(point) {
            None | Some(Fault::Kill) => return Ok(()),
            Some(Fault::Full) => rusqlite::ffi::SQLITE_FULL,
            Some(Fault::Io) => rusqlite::ffi::SQLITE_IOERR_FSYNC,
        };
        Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(format!("failpoint {point:?}"))))
    }
}

impl FromStr for Failpoints {
    type Err = ParseFailpoints;

    fn from_str(text: &str) -> Result<Self, ParseFailpoints> {
        let armed = text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(parse);
        Ok(Self { armed: armed.collect::<Result<Vec<_>, _>>()?.into() })
    }
}

fn parse(text: &str) -> Result<Armed, ParseFailpoints> {
    let split = || ParseFailpoints::Split(text.to_owned());
    let (name, rest) = text.split_once('=').ok_or_else(split)?;
    let (fault, nth) = rest.split_once('@').unwrap_or((rest, "1"));
    let point = POINTS
        .iter()
        .find(|it| it.0 == name)
        .map(|it| it.1)
        .ok_or_else(|| ParseFailpoints::FindPoint { name: name.to_owned(), known: POINTS.map(|it| it.0).join(", ") })?;
    let fault = match fault {
        "kill" => Fault::Kill,
        "full" => Fault::Full,
        "io" => Fault::Io,
        other => return Err(ParseFailpoints::FindFault(other.to_owned())),
    };
    let passes = nth.parse().ok().filter(|it| *it > 0).ok_or_else(split)?;
    Ok(Armed { point, fault, passes: AtomicU64::new(passes) })
}
