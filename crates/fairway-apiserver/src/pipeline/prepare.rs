//! What the server sets in an object that is made.

use fairway_schema::Cause;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object::meta_mut;
use crate::registry::Served;
use crate::server::Shared;
use crate::{crd, kinds};

/// A time as objects hold it: whole seconds, UTC.
pub(crate) fn now_text(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Removes what only the server may say.
fn wipe_for_create(object: &mut Value) {
    let metadata = meta_mut(object);
    for field in
        ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"]
    {
        metadata.remove(field);
    }
}

/// Sets what the server says of a new object.
pub(crate) fn prepare_create(shared: &Shared, served: &Served, object: &mut Value) {
    wipe_for_create(object);
    let metadata = meta_mut(object);
    metadata.insert("uid".to_owned(), json!(shared.world.entropy.uuid()));
    let now = shared.world.clock.now();
    metadata.insert("creationTimestamp".to_owned(), json!(now_text(now)));
    kinds::prepare_create(served, object, now);
}

/// Completes an object with its defaults.
pub(crate) fn complete(served: &Served, object: &mut Value) -> Vec<Cause> {
    if served.is_custom() {
        return crd::complete(served, object);
    }
    kinds::default(served, object);
    if &*served.storage == crate::custom::DEFINITIONS {
        crd::default(object);
    }
    Vec::new()
}

/// What is wrong with an object by the schema of its definition, or with a definition itself.
pub(crate) fn check(served: &Served, object: &mut Value) -> Vec<Cause> {
    if served.is_custom() {
        return crd::check(served, object);
    }
    if &*served.storage == crate::custom::DEFINITIONS { crd::validate(object) } else { Vec::new() }
}
