//! The built-in kinds: what Kubernetes knows about its own resources beyond generic machinery.
//!
//! Everything here is a pure function on JSON trees. The table of resources and their schemas is data, generated from
//! what a real kube-apiserver says (`cargo xtask gen`).

mod components;
mod table;

pub use components::{component, component_names, component_text};
pub use table::{actor, builtin, schema_name};

#[cfg(test)]
mod tests;
