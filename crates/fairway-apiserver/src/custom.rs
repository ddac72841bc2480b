//! Custom resources: from the definitions in the store to what is served, and back to nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use fairway_store::{ListQuery, Range, Stored};
use serde_json::{Value, json};

use crate::background::Change;
use crate::object::{self, Meta, meta_mut, text_at};
use crate::registry::{Definition, Definitions, Registry, Served};
use crate::server::{Call, Shared};
use crate::{ApiError, Resource, crd, kinds};

/// Where definitions are kept.
pub(crate) const DEFINITIONS: &str = "apiextensions.k8s.io/customresourcedefinitions";
/// Holds a definition until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Serves the built-in resources and those that the store holds definitions of.
pub(crate) fn refresh(shared: &Shared) {
    // One at a time: what the last one read is what is served.
    let _one = shared.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
    let before = shared.registry();
    let mut builtin: Vec<Arc<Served>> =
        before.resources().iter().filter(|it| !it.is_custom()).map(Arc::clone).collect();
    if builtin.is_empty() {
        builtin = kinds::builtin().into_iter().map(|it| Arc::new(Served::new(it))).collect();
    }
    let range = Range { resource: DEFINITIONS.into(), namespace: None };
    let stored = shared.store.list(&ListQuery::all(range)).map(|it| it.items).unwrap_or_default();
    let definitions: Definitions = stored
        .iter()
        .filter_map(|it| Some((Arc::clone(&it.key.name), definition(before.definitions(), it)?)))
        .collect();
    shared.replace_registry(Registry::new(builtin, definitions));
}

/// What a kept definition serves; the same as before if nothing about it changed.
fn definition(before: &Definitions, stored: &Stored) -> Option<Arc<Definition>> {
    let tree = object::parse(&stored.value);
    let meta = Meta::of_tree(&tree);
    let established = is_true(&tree, "Established");
    if !established {
        return None;
    }
    let known = before.get(&stored.key.name);
    let mark = (meta.uid.clone(), meta.generation.unwrap_or(0), established, meta.is_deleting());
    if let Some(known) = known.filter(|it| it.mark == mark) {
        return Some(Arc::clone(known));
    }
    let same_schema = known.filter(|it| (&it.mark.0, it.mark.1) == (&mark.0, mark.1));
    let since = same_schema.and_then(|it| it.served.first()).map_or(stored.revision, |it| it.schema_since);
    let resources = crd::resources(&tree);
    // Objects written in one version may lack what another one defaults.
    let since = if resources.len() > 1 { u64::MAX } else { since };
    let serve = |resource: Resource| {
        let deprecation = crd::deprecation(&tree, &resource.version);
        let mut served = Served::new(resource);
        (served.schema_since, served.terminating) = (since, meta.is_deleting());
        served.deprecation = deprecation;
        Arc::new(served)
    };
    Some(Arc::new(Definition { served: resources.into_iter().map(serve).collect(), schemas: schemas(&tree), mark }))
}

fn schemas(definition: &Value) -> BTreeMap<Arc<str>, Arc<Value>> {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let schema =
        |it: &Value| Some((Arc::from(it["name"].as_str()?), it.pointer("/schema/openAPIV3Schema")?.clone().into()));
    versions.filter_map(schema).collect()
}

fn is_true(definition: &Value, condition: &str) -> bool {
    let conditions = definition["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|it| it["type"] == condition && it["status"] == "True")
}

/// Follows a commit: a definition that came, changed or went changes what is served before its writer is answered.
pub(crate) fn committed(shared: &Shared, change: &Change) {
    if &*change.key().resource == DEFINITIONS {
        refresh(shared);
    }
}

/// Writes the status of a definition that is made or changed: it is served as soon as it is kept.
pub(crate) fn settle(call: &Call, object: &mut Value) {
    if &*call.served.storage != DEFINITIONS {
        return;
    }
    let registry = call.shared.registry();
    let served: Vec<Resource> = registry.resources().iter().map(|it| it.resource.clone()).collect();
    crd::settle(object, &served, call.shared.world.clock.now());
}

/// 403 while the definition is being deleted.
pub(crate) fn check_creatable(served: &Served, name: &str) -> Result<(), ApiError> {
    if served.terminating {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(ApiError::forbidden(&served.group, &served.plural, name, why));
    }
    Ok(())
}

/// Whether a definition must stay until its objects are gone.
pub(crate) fn holds(shared: &Shared, served: &Served, definition: &Value) -> bool {
    &*served.storage == DEFINITIONS && !instances(shared, text_at(definition, "/metadata/name"), Some(1)).1.is_empty()
}

/// Some objects of a definition, and the resource to delete them by.
pub(crate) fn instances(shared: &Shared, name: &str, limit: Option<usize>) -> (Option<Arc<Served>>, Vec<Stored>) {
    let registry = shared.registry();
    let served = registry.definitions().get(name).and_then(|it| it.served.first()).cloned();
    let Some(served) = served else { return (None, Vec::new()) };
    let range = Range { resource: Arc::clone(&served.storage), namespace: None };
    let page = shared.store.list(&ListQuery { limit, ..ListQuery::all(range) });
    (Some(served), page.map(|it| it.items).unwrap_or_default())
}

/// Marks a definition whose objects are still there: it ends when they have ended.
pub(crate) fn mark_terminating(shared: &Shared, served: &Served, definition: &mut Value) {
    if !holds(shared, served, definition) {
        return;
    }
    let finalizers = meta_mut(definition).entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = finalizers.as_array_mut().filter(|it| !it.iter().any(|it| it == CLEANUP)) {
        list.push(json!(CLEANUP));
    }
    let now = crate::pipeline::now_text(shared.world.clock.now());
    let conditions = definition["status"]["conditions"].as_array_mut();
    if let Some(conditions) = conditions.filter(|it| !it.iter().any(|it| it["type"] == "Terminating")) {
        conditions.push(json!({
            "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending",
            "message": "CustomResource deletion is in progress", "lastTransitionTime": now,
        }));
    }
}
