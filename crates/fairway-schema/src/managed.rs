//! Server-side apply: who owns which field of an object, and what happens when several managers write to it.
//!
//! [`apply`] merges a manager's whole intent into an object; [`update`] watches every other write and moves ownership
//! along. Both record the result in `metadata.managedFields` in the form and with the rules of Kubernetes, so that
//! `kubectl`, controllers and other servers read it as their own.
//!
//! From the bottom up: [`PathElement`] and [`FieldSet`] name fields, `place` says what the schema makes of a value,
//! `fields`, `compare`, `merge` and `remove` walk values with it, `entries` reads and writes the list of managers, and
//! `ownership` holds the rules that `apply` and `update` share.

mod path;
mod set;

mod fields_v1;

mod place;

mod check;
mod compare;
mod fields;
mod merge;
mod remove;
mod zero;

mod conflict;
mod entries;
mod last_applied;
mod ownership;

mod apply;
mod update;

use jiff::Timestamp;
use serde_json::Value;

use crate::Schema;

pub use apply::{ApplyError, apply};
pub use conflict::{Conflict, ConflictCause};
pub use fields_v1::DecodeFields;
pub use path::{Path, PathElement};
pub use set::FieldSet;
pub use update::update;

/// Who writes, as `managedFields` records it.
#[derive(Debug, Clone, Copy)]
pub struct Manager<'a> {
    /// The field manager's name: `kubectl`, `my-controller`.
    pub name: &'a str,
    /// The version the request was made in: `apps/v1`.
    pub api_version: &'a str,
    /// The subresource that was written, or "".
    pub subresource: &'a str,
}

/// What both ways of writing need to know.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The schema of the kind.
    pub schema: &'a Schema,
    /// Whether the kind is built in: the fresh object of such a kind holds the zero values of its plain fields, so a
    /// create does not own `spec` itself. That of a custom resource is empty.
    pub built_in: bool,
    /// The object as it is stored, with its `managedFields`; none when it is being created.
    pub live: Option<&'a Value>,
    /// Who writes.
    pub manager: Manager<'a>,
    /// The time that changed entries get.
    pub now: Timestamp,
    /// Fields that this endpoint puts back whatever the client says (`status` on the main one, `metadata` and `spec`
    /// on the status one): nobody comes to own them through it.
    pub reset: &'a FieldSet,
}

/// The set of fields in a value, as its writer would own them.
pub fn fields_of(schema: &Schema, value: &Value) -> FieldSet {
    fields::of(place::Place::Root(schema), value)
}

/// The part of `object` that lies under `set`, with the key fields of list items: what the owner of `set` applied.
pub fn extract(schema: &Schema, object: &Value, set: &FieldSet) -> Value {
    remove::extract(place::Place::Root(schema), object, set).unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}
