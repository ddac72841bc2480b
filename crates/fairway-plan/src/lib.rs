//! Pure rendering and planning: what a workload means, which objects a Release becomes in an Environment, whether
//! what runs is healthy.
//!
//! Functions from data to data, with no client, clock, randomness or disk. A user's mistakes come back as findings
//! beside the value, all at once, never as the first of many errors.

pub mod entry;

pub mod health;

pub mod migration;

pub mod pipeline;

pub mod release;

pub mod render;

pub mod resource;

pub mod score;

pub mod settings;

pub mod template;

pub mod why;

mod digest;

pub(crate) use digest::digest_of_bytes;
pub use digest::{Digest, digest_of};

/// Something a user should mend in a file of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: `containers.web.image`.
    pub path: String,
    /// The line it is on, where that is known; the first is 1.
    pub line: Option<u32>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Finding {
    /// A finding at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, message: message.into() }
    }

    /// The same, on a line; 0 is none.
    #[must_use]
    pub fn on_line(mut self, line: u32) -> Self {
        self.line = Some(line).filter(|it| *it > 0);
        self
    }

    /// As a line of an editor's list: `file:line: path: message`.
    pub fn in_file(&self, file: &str) -> String {
        self.line.map_or_else(|| format!("{file}: {self}"), |line| format!("{file}:{line}: {self}"))
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}
