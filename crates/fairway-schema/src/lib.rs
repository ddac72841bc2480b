//! Structural schemas and what is built on them: strict decoding, validation, defaulting, pruning, and the four
//! ways Kubernetes changes an object (JSON patch, merge patch, strategic merge patch, server-side apply).
//!
//! Pure: functions from JSON trees and a [`Schema`] to JSON trees and [`Cause`]s. No noun of any product in it.

mod cause;
mod go_text;
mod model;
mod path;
mod pattern;

pub mod compile;
pub mod decode;
pub mod encode;

mod default;
mod prune;
pub mod validate;

pub mod json_patch;
pub mod managed;
pub mod merge_patch;
pub mod strategic;

pub mod destinations;
pub mod jsonpath;
pub mod names;
pub mod quantity;
pub mod selector;

pub use cause::{Cause, CauseReason};
pub use decode::{Decoded, Finding, json as decode_json, yaml as decode_yaml};
pub use default::{default, default_within};
pub use model::{Additional, Link, ListType, MapType, Rules, Schema, Type};
pub use path::Path;
pub use pattern::Pattern;
pub use prune::{prune, unknown_fields};
pub use validate::validate;
