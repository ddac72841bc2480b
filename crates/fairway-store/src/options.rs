//! What the caller decides when a store is opened.

use std::path::PathBuf;

use fairway_failpoints::Failpoints;

/// How a store is opened. Start from [`Options::new`] and change what must differ.
#[derive(Debug, Clone)]
pub struct Options {
    /// The SQLite file. `-wal`, `-shm` and `.lock` stand beside it.
    pub path: PathBuf,
    /// Changes that stay readable by watches and by lists at an older revision.
    pub history_revisions: usize,
    /// Bytes of replaced and deleted objects that are kept for them; whichever bound is met first.
    pub history_bytes: usize,
    /// A group of commits is closed at about this many bytes, so that one big write does not hold up many small ones.
    pub group_bytes: usize,
    /// The write-ahead log is copied into the file when it has grown by about this much. Whoever else reads the file
    /// and stays in one transaction holds that up.
    pub checkpoint_bytes: usize,
    /// Places where a test makes the writer fail.
    pub failpoints: Failpoints,
}

impl Options {
    /// The usual settings for a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            history_revisions: 20_000,
            history_bytes: 16 << 20,
            group_bytes: 4 << 20,
            checkpoint_bytes: 8 << 20,
            failpoints: Failpoints::none(),
        }
    }
}
