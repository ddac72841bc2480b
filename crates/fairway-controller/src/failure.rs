//! What a controller says about a failed pass: the reason on the condition, and when to try again.

use std::time::Duration;

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Soon, then later and later.
    Backoff,
    /// After this long.
    After(Duration),
    /// Not before something changes: trying again would end the same way. Sets `Stalled`.
    OnChange,
}

/// A failed pass.
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// The reason of the condition: a CamelCase word.
    fn reason(&self) -> &'static str;

    /// When to try again.
    fn retry(&self) -> Retry {
        Retry::Backoff
    }
}

/// An error with its sources in one line, each once: this is where it leaves as text.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(it) = source {
        let next = it.to_string();
        // kube's errors print their source too; saying it twice helps nobody.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = it.source();
    }
    text
}

#[cfg(test)]
mod tests;
