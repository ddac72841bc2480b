//! The words of reading: what is asked, what comes back, what can be wrong.

use std::sync::Arc;

use crate::model::{Range, Revision, Stored};

/// Which objects, as of when, and how many.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Which part of the key space.
    pub range: Range,
    /// As of this revision; the newest if none.
    pub at: Option<Revision>,
    /// Only what comes after this namespace and name.
    pub after: Option<(Arc<str>, Arc<str>)>,
    /// No more than so many.
    pub limit: Option<usize>,
}

impl ListQuery {
    /// Everything in the range, as it is now.
    pub fn all(range: Range) -> Self {
        Self { range, at: None, after: None, limit: None }
    }
}

/// A list, or the part of it that was asked for.
#[derive(Debug, Clone)]
pub struct Page {
    /// The objects by namespace and name.
    pub items: Vec<Stored>,
    /// The revision at which they were so.
    pub revision: Revision,
    /// How many more there are after these.
    pub remaining: usize,
}

/// Why a list or a watch cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// History no longer reaches back to the revision: list anew.
    #[error("the revision is too old: history begins at {oldest}")]
    Expired {
        /// The oldest revision that can be read.
        oldest: Revision,
    },
    /// The revision has not been written yet.
    #[error("the revision lies in the future: the newest is {current}")]
    Future {
        /// The newest revision.
        current: Revision,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}
