//! CustomResourceDefinitions and the resources they define: pure functions from objects to findings.
//!
//! A definition is defaulted ([`default`]), validated ([`validate`], [`validate_update`]) and settled ([`settle`]:
//! names accepted or in conflict, established, versions stored); then it gives [`resources`], one for each served
//! version. An object of such a resource is [`complete`]d
//! and [`check`]ed on every write, [`read`] on reads of what an older schema let in, and shown by [`cells`]. Rules in CEL
//! (`x-kubernetes-validations`) are kept and served but not evaluated; the condition `RulesNotEvaluated` says so.

mod cells;
mod conditions;
mod defaults;
mod pipeline;
mod resources;
mod schemas;
mod validation;

pub use cells::cells;
pub use conditions::settle;
pub use defaults::{age_column, default};
pub use pipeline::{check, complete, read};
pub use resources::{deprecation, resources};
pub use validation::{validate, validate_update};

#[cfg(test)]
mod tests;
