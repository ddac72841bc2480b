//! What the server sets in an object that is made.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object::meta_mut;
use crate::registry::Served;
use crate::server::Shared;
use crate::standin;

/// A time as objects hold it: whole seconds, UTC.
pub(crate) fn now_text(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Removes what only the server may say.
pub(crate) fn wipe_for_create(object: &mut Value) {
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
    standin::prepare_create(served, object);
    let metadata = meta_mut(object);
    metadata.insert("uid".to_owned(), json!(shared.world.entropy.uuid()));
    metadata.insert("creationTimestamp".to_owned(), json!(now_text(shared.world.clock.now())));
}
