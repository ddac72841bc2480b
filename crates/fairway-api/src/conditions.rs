//! Standard `metav1.Condition`s: built from typed reasons, merged so that nothing moves when nothing changed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// The summary condition.
pub const READY: &str = "Ready";
/// Work is going on.
pub const RECONCILING: &str = "Reconciling";
/// Nothing will change until somebody changes something.
pub const STALLED: &str = "Stalled";

/// A condition that a controller wants to report, before it has a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// `Ready`, `Synced` …
    pub r#type: &'static str,
    /// True, False, or Unknown.
    pub status: Option<bool>,
    /// A CamelCase word from a kind's enum of reasons.
    pub reason: &'static str,
    /// One sentence.
    pub message: String,
}

impl Wanted {
    /// The condition holds.
    pub fn yes(r#type: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { r#type, status: Some(true), reason, message: message.into() }
    }

    /// The condition does not hold.
    pub fn no(r#type: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { r#type, status: Some(false), reason, message: message.into() }
    }

    /// It cannot be known yet.
    pub fn unknown(r#type: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { r#type, status: None, reason, message: message.into() }
    }
}

/// Puts what is wanted over what is there. A transition time moves only when a status flips, so that a report of an
/// unchanged world is equal to the one before it, byte by byte.
pub fn merge(current: &[Condition], wanted: &[Wanted], generation: Option<i64>, now: Timestamp) -> Vec<Condition> {
    let mut merged: Vec<Condition> =
        current.iter().filter(|it| wanted.iter().all(|other| other.r#type != it.type_)).cloned().collect();
    for it in wanted {
        let status = match it.status {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let before = current.iter().find(|other| other.type_ == it.r#type);
        let since = before.filter(|other| other.status == status).map(|other| other.last_transition_time.clone());
        merged.push(Condition {
            type_: it.r#type.to_owned(),
            status: status.to_owned(),
            reason: it.reason.to_owned(),
            message: it.message.clone(),
            observed_generation: generation,
            last_transition_time: since.unwrap_or(Time(now)),
        });
    }
    merged.sort_by(|a, b| a.type_.cmp(&b.type_));
    merged
}

/// Whether a condition is there and True.
pub fn is_true(conditions: &[Condition], r#type: &str) -> bool {
    conditions.iter().any(|it| it.type_ == r#type && it.status == "True")
}

#[cfg(test)]
mod tests;
