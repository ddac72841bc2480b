//! The built-in kinds: what Kubernetes knows about its own resources beyond generic machinery.
//!
//! Everything here is a pure function on JSON trees. The table of resources and their schemas is data, generated from
//! what a real kube-apiserver says (`cargo xtask gen`). A write of a built-in kind walks through here in this order:
//! [`normalize`] → [`default`] → (the handler completes the metadata) → [`prepare_create`] or [`prepare_update`] →
//! [`validate_create`] or [`validate_update`].

mod components;
mod table;
mod tree;

mod defaults;
mod normalize;
mod strategy;
mod validate;

mod addresses;
mod cells;
mod events;
mod unattended;

use fairway_schema::Cause;
use jiff::Timestamp;
use serde_json::Value;

pub use addresses::{AddressRange, allocate_cluster_ip};
pub use cells::human_duration;
pub use components::{component, component_names, component_text};
pub use events::{from_stored, is_converted, to_stored};
pub use strategy::{NoServiceAccount, service_account};
pub use table::{actor, builtin, schema_name};
pub use unattended::unattended;

use crate::{Origin, Resource};

/// Brings the body of a built-in kind into the form in which it is kept: no nulls, canonical quantities and times, no
/// unknown fields. Does nothing to custom resources. The error is what follows
/// `Deployment in version "v1" cannot be handled as a Deployment: ` in a 400.
pub fn normalize(resource: &Resource, object: &mut Value) -> Result<(), String> {
    match resource.origin {
        Origin::BuiltIn => normalize::normalize(&resource.schema, object),
        Origin::Custom { .. } => Ok(()),
    }
}

/// The same for the metadata of any object, custom resources among them.
pub(crate) fn normalize_metadata(metadata: &mut Value) -> Result<(), String> {
    normalize::normalize(fairway_schema::compile::object_meta(), metadata)
}

/// Sets every default: those of the schema and, for built-in kinds, those that no schema carries. Doing it twice
/// changes nothing.
pub fn default(resource: &Resource, object: &mut Value) {
    fairway_schema::default(&resource.schema, object);
    if resource.origin == Origin::BuiltIn {
        defaults::default(resource, object);
    }
}

/// Prepares a new object whose `metadata` is complete (name, namespace, uid): resets the status, sets the first
/// generation and what else the server decides. Of custom resources it resets the status only where it is a
/// subresource.
pub fn prepare_create(resource: &Resource, object: &mut Value, now: Timestamp) {
    strategy::prepare_create(resource, object, now);
}

/// Prepares an update: what the endpoint (`None` is the object itself, `Some("status")` …) may not change comes from
/// the old object, and `metadata.generation` counts the changes of what is wanted.
pub fn prepare_update(resource: &Resource, subresource: Option<&str>, new: &mut Value, old: &Value) {
    strategy::prepare_update(resource, subresource, new, old);
}

/// What is wrong with a new object beyond its schema: metadata for every kind, the rest for built-in kinds.
pub fn validate_create(resource: &Resource, object: &Value) -> Vec<Cause> {
    validate::create(resource, object)
}

/// What is wrong with a change beyond its schema.
pub fn validate_update(resource: &Resource, subresource: Option<&str>, new: &Value, old: &Value) -> Vec<Cause> {
    validate::update(resource, subresource, new, old)
}

/// The cells of an object's row in a Table of a built-in resource, one for each of [`Resource::columns`].
pub fn cells(resource: &Resource, object: &Value, now: Timestamp) -> Vec<Value> {
    cells::cells(resource, object, now)
}

#[cfg(test)]
mod tests;
