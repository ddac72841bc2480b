//! What is stored and then not acted upon: the writer hears of it, rather than wait for ever.

use serde_json::Value;

use super::actor;
use super::tree::text;
use crate::{Origin, Resource};

/// The warning for a new object of a built-in kind that nothing here acts on, wholly or in part.
pub fn unattended(resource: &Resource, object: &Value) -> Option<String> {
    if resource.origin != Origin::BuiltIn {
        return None;
    }
    if actor(&resource.storage).is_none() {
        let (plural, group) = (&resource.plural, &resource.group);
        let name = if group.is_empty() { plural.to_string() } else { format!("{plural}.{group}") };
        return Some(format!(
            "{name}: stored, but nothing in this cluster acts on it; see docs/reference/served-kinds.md"
        ));
    }
    match (&*resource.storage, text(&object["spec"]["type"])) {
        ("core/services", kind @ ("NodePort" | "LoadBalancer")) => Some(format!(
            "spec.type: {kind} opens no port outside of the cluster here; inside it the Service works as ClusterIP"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
