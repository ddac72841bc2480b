//! What an object says while it is being removed: what goes before it, or what keeps the platform from removing that.

use fairway_api::conditions::{READY, STALLED, Wanted};
use fairway_api::v1alpha1::Explanation;

use crate::Error;

/// The conditions, under the kind's own reason.
pub(crate) fn wanted(reason: &'static str, left: Result<&str, &Error>) -> [Wanted; 2] {
    let message = match left {
        Ok(what) => format!("it is being removed; {what}"),
        Err(error) => format!("it is being removed, and the platform could not {error}; it tries again"),
    };
    [Wanted::no(READY, reason, message), Wanted::no(STALLED, reason, "nothing keeps it")]
}

/// The same in a sentence; nobody has to do anything.
pub(crate) fn explanation(wanted: &[Wanted]) -> Explanation {
    let summary = wanted.first().map(|it| it.message.clone()).unwrap_or_default();
    Explanation { summary, ..Explanation::default() }
}

#[cfg(test)]
mod tests;
