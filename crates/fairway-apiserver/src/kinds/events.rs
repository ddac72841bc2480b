//! Events are served by two groups with different names for the same fields. They are kept as the core group has
//! them; the other form is made when it is read.

use serde_json::{Value, json};

use super::tree::{blank, child, remove};
use crate::Resource;

/// `events.k8s.io` → core.
const FIELDS: [(&str, &str); 7] = [
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("deprecatedCount", "count"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedSource", "source"),
    ("reportingController", "reportingComponent"),
];

/// Whether objects of this resource are kept in another form than they are served in.
pub fn is_converted(resource: &Resource) -> bool {
    &*resource.group == "events.k8s.io"
}

/// Turns an object as it is served into what is kept.
pub fn to_stored(resource: &Resource, object: &mut Value) {
    if is_converted(resource) {
        rename(object, FIELDS);
        child(object, "involvedObject");
        child(object, "source");
        for (field, empty) in [("firstTimestamp", Value::Null), ("lastTimestamp", Value::Null)] {
            super::tree::fill(object, field, empty);
        }
    }
}

/// Turns what is kept into the form this resource serves.
pub fn from_stored(resource: &Resource, object: &mut Value) {
    if is_converted(resource) {
        rename(object, FIELDS.map(|(served, kept)| (kept, served)));
        // Fields that the core form may lack and this one always writes.
        for field in ["reportingInstance", "action", "reason", "type", "reportingController"] {
            if blank(&object[field]) {
                remove(object, field);
            }
        }
        super::tree::fill(object, "eventTime", json!(null));
    }
}

fn rename(object: &mut Value, names: [(&str, &str); 7]) {
    let Some(map) = object.as_object_mut() else { return };
    let taken: Vec<(&str, Value)> = names.iter().filter_map(|(from, to)| Some((*to, map.remove(*from)?))).collect();
    for (to, value) in taken {
        map.insert(to.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
