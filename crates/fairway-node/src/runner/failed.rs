//! The one error of everything that happens inside a pod: which step, and what the kernel said.

use std::io;

use thiserror::Error;

/// A step that did not work.
#[derive(Debug, Error)]
#[error("{step}")]
pub(crate) struct Failed {
    step: String,
    #[source]
    source: io::Error,
}

impl Failed {
    /// Step and cause in one line, for where errors leave as text.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}", self.step, self.source)
    }

    /// What the kernel said, as a number.
    pub(crate) fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }
}

/// Names the step that a system call belongs to.
pub(crate) trait Step<T> {
    /// Turns the error into one that says which step failed.
    fn step(self, step: impl FnOnce() -> String) -> Result<T, Failed>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: impl FnOnce() -> String) -> Result<T, Failed> {
        self.map_err(|error| Failed { step: step(), source: error.into() })
    }
}
