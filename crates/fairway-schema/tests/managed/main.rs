//! Server-side apply: against what a real server answered, by the rules, and by laws that must always hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod golden;
mod histories;
mod laws;
mod openapi;
mod rules;
