//! Structural schemas and what is built on them: strict decoding, validation, defaulting, pruning, and the four
//! ways Kubernetes changes an object (JSON patch, merge patch, strategic merge patch, server-side apply).
//!
//! Pure: functions from JSON trees and a [`Schema`] to JSON trees and [`Cause`]s. No noun of any product in it.

mod cause;
mod model;

pub use cause::{Cause, CauseReason};
pub use model::{Additional, Link, ListType, MapType, Rules, Schema, Type};
