//! The write of an object that exists, whichever verb brings it.

use std::sync::Arc;

use fairway_store::{CommitError, Expect, Stored};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::commit::{Origin, commit_delete, commit_put, refused};
use crate::object::{self, Meta, meta, meta_mut};
use crate::registry::Served;
use crate::request::WriteOptions;
use crate::server::{Call, Reply};
use crate::{ApiError, admission, standin};

/// Which part of an object a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the status, where that is a part of its own.
    Main,
    /// The status.
    Status,
    /// The finalizers in the spec of a namespace.
    Finalize,
}

/// How a write ended that was well meant.
pub(crate) enum Replaced {
    Done(Reply),
    /// Somebody else was faster.
    Conflict,
}

/// A new state for `live`.
pub(crate) struct Replacement<'a> {
    pub(crate) live: &'a Stored,
    pub(crate) object: Value,
    pub(crate) part: Part,
    pub(crate) options: &'a WriteOptions,
    /// Whether `metadata.managedFields` is already what it must become.
    pub(crate) owned: bool,
}

/// Brings an object into a new state: nothing is written where nothing changes, and the object goes where the last
/// finalizer goes from an object that is to be deleted.
pub(crate) async fn replace(call: &Call, replacement: Replacement<'_>) -> Result<Replaced, ApiError> {
    let Replacement { live, object: mut new, part, options, owned } = replacement;
    let served = &call.served;
    let old = object::decode(served, live);
    check_uid(call, &old, &new)?;
    keep_what_the_server_says(&old, &mut new);
    isolate(served, part, &old, &mut new);
    standin::prepare_update(served, &old, &mut new, part == Part::Status);
    standin::default(served, &mut new);
    if !owned {
        standin::own_update(served, &old, &mut new, options, &call.info.subresource, call.shared.world.clock.now());
    }
    raise_generation(served, &old, &mut new);
    let mut causes = admission::check_finalizers(&old, &new);
    causes.extend(standin::validate_update(served, &old, &new));
    if !causes.is_empty() {
        return Err(ApiError::invalid(&served.group, &served.kind, &live.key.name, &causes));
    }
    admission::guard(call, &live.key.name, Some(&old), &new)?;
    if is_same(&old, &new) {
        return Ok(Replaced::Done(Reply::stored(live.clone())));
    }
    if options.dry_run {
        return Ok(Replaced::Done(Reply::kept(StatusCode::OK, object::encode(&new), Some(live.revision))));
    }
    let origin = Origin { note: call.note(&options.field_manager) };
    let goes = is_let_go(&new);
    let committed = if goes {
        commit_delete(&call.shared, live, origin).await
    } else {
        commit_put(&call.shared, live.key.clone(), Expect::At(live.revision), &new, origin).await
    };
    match committed {
        // The answer shows what was sent, at the revision it was based on.
        Ok(_) if goes => Ok(Replaced::Done(Reply::kept(StatusCode::OK, object::encode(&new), Some(live.revision)))),
        Ok(stored) => Ok(Replaced::Done(Reply::stored(stored))),
        Err(CommitError::Conflict { .. }) => Ok(Replaced::Conflict),
        Err(error) => Err(refused(&error)),
    }
}

/// A uid in the sent object says which object is meant.
fn check_uid(call: &Call, old: &Value, new: &Value) -> Result<(), ApiError> {
    let (given, is) = (object::text_at(new, "/metadata/uid"), object::text_at(old, "/metadata/uid"));
    if given.is_empty() || given == is {
        return Ok(());
    }
    let served = &call.served;
    let why = format!("Precondition failed: UID in precondition: {given}, UID in object meta: {is}");
    Err(ApiError::conflict(&served.group, &served.plural, &call.info.name, &why))
}

fn keep_what_the_server_says(old: &Value, new: &mut Value) {
    let old = meta(old);
    let new = meta_mut(new);
    let server_fields = [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "generation",
        "generateName",
        "resourceVersion",
    ];
    for field in server_fields {
        match old.and_then(|it| it.get(field)) {
            Some(value) => new.insert(field.to_owned(), value.clone()),
            None => new.remove(field),
        };
    }
    if !new.contains_key("managedFields")
        && let Some(kept) = old.and_then(|it| it.get("managedFields"))
    {
        new.insert("managedFields".to_owned(), kept.clone());
    }
}

/// Leaves of a write only what its endpoint may change.
fn isolate(served: &Served, part: Part, old: &Value, new: &mut Value) {
    let take = |new: &mut Value, field: &str, from: &Value| {
        let Value::Object(map) = new else { return };
        match from.get(field) {
            Some(value) => map.insert(field.to_owned(), value.clone()),
            None => map.remove(field),
        };
    };
    match part {
        Part::Main if served.subresource("status").is_some() => take(new, "status", old),
        Part::Main => {}
        Part::Status => {
            let mut kept = old.clone();
            take(&mut kept, "status", new);
            if let Some(managed) = meta(new).and_then(|it| it.get("managedFields")).cloned() {
                meta_mut(&mut kept).insert("managedFields".to_owned(), managed);
            }
            if !served.is_custom() {
                for field in ["labels", "annotations", "finalizers"] {
                    let given = meta(new).and_then(|it| it.get(field)).cloned();
                    let metadata = meta_mut(&mut kept);
                    match given {
                        Some(value) => metadata.insert(field.to_owned(), value),
                        None => metadata.remove(field),
                    };
                }
            }
            *new = kept;
        }
        Part::Finalize => {
            let finalizers = new.pointer("/spec/finalizers").cloned();
            *new = old.clone();
            let spec = new.as_object_mut().map(|it| it.entry("spec").or_insert_with(|| json!({})));
            if let Some(Value::Object(spec)) = spec {
                match finalizers {
                    Some(it) if it.as_array().is_some_and(|it| !it.is_empty()) => spec.insert("finalizers".into(), it),
                    _ => spec.remove("finalizers"),
                };
            }
        }
    }
}

/// Custom resources: every change outside metadata and status. Built-in kinds that count: changes of the spec.
fn raise_generation(served: &Served, old: &Value, new: &mut Value) {
    let Some(generation) = old.pointer("/metadata/generation").and_then(Value::as_i64) else { return };
    let has_status = served.subresource("status").is_some();
    let status_counts = served.is_custom() && !has_status;
    let counts = |key: &str| match key {
        "metadata" | "apiVersion" | "kind" => false,
        "status" => status_counts,
        _ => true,
    };
    if !equal_members(old, new, counts) {
        meta_mut(new).insert("generation".to_owned(), json!(generation + 1));
    }
}

fn equal_members(a: &Value, b: &Value, counts: impl Fn(&str) -> bool) -> bool {
    let empty = Map::new();
    let (a, b) = (a.as_object().unwrap_or(&empty), b.as_object().unwrap_or(&empty));
    let relevant = |map: &Map<String, Value>| map.keys().filter(|it| counts(it)).count();
    relevant(a) == relevant(b) && a.iter().filter(|(key, _)| counts(key)).all(|(key, value)| b.get(key) == Some(value))
}

/// Whether two states differ in nothing but the times at which fields were last touched.
fn is_same(old: &Value, new: &Value) -> bool {
    equal_members(old, new, |key| key != "metadata")
        && equal_members(&old["metadata"], &new["metadata"], |key| key != "managedFields")
        && timeless(&old["metadata"]["managedFields"]) == timeless(&new["metadata"]["managedFields"])
}

fn timeless(managed: &Value) -> Value {
    let mut managed = managed.clone();
    for entry in managed.as_array_mut().into_iter().flatten() {
        if let Value::Object(entry) = entry {
            entry.remove("time");
        }
    }
    managed
}

/// Whether an object that is to be deleted has nothing left that holds it.
pub(super) fn is_let_go(object: &Value) -> bool {
    let meta = Meta::of_tree(object);
    let held_by_spec = object::text_at(object, "/kind") == "Namespace"
        && object.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|it| !it.is_empty());
    meta.is_deleting()
        && meta.finalizers.is_empty()
        && meta.deletion_grace_period_seconds.unwrap_or(0) == 0
        && !held_by_spec
}

/// 409: the object changed since the client read it.
pub(crate) fn modified(served: &Arc<Served>, name: &str) -> ApiError {
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    ApiError::conflict(&served.group, &served.plural, name, why)
}
