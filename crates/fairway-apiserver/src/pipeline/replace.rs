//! The write of an object that exists, whichever verb brings it.

use std::sync::Arc;

use fairway_schema::Cause;
use fairway_store::{CommitError, Expect, Stored};
use http::StatusCode;
use serde_json::{Map, Value};

use super::commit::{Kept, Origin, commit_delete, commit_put, refused};
use super::ownership;
use super::prepare::{check, complete};
use crate::object::{self, Meta, meta, meta_mut};
use crate::registry::Served;
use crate::request::WriteOptions;
use crate::server::{Call, Reply};
use crate::{ApiError, admission, crd, custom, kinds};

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

impl Part {
    /// The endpoint that changes this part, where it is not the object itself.
    fn subresource(self) -> Option<&'static str> {
        match self {
            Self::Main => None,
            Self::Status => Some("status"),
            Self::Finalize => Some("finalize"),
        }
    }
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
    let old = served.decode(live);
    check_uid(call, &old, &new)?;
    keep_what_the_server_says(&old, &mut new);
    let mut causes = complete(served, &mut new);
    if !owned {
        ownership::record(call, options, Some(&old), &mut new);
    }
    kinds::prepare_update(served, part.subresource(), &mut new, &old);
    custom::settle(call, &mut new);
    causes.extend(admission::check_finalizers(&old, &new));
    add_causes(&mut causes, kinds::validate_update(served, part.subresource(), &new, &old));
    add_causes(&mut causes, check(served, &mut new));
    if &*served.storage == custom::DEFINITIONS {
        add_causes(&mut causes, crd::validate_update(&new, &old));
    }
    if !causes.is_empty() {
        return Err(ApiError::invalid(&served.group, &served.kind, &live.key.name, &causes));
    }
    admission::guard(call, &live.key.name, Some(&old), &new)?;
    if is_same(&old, &new) {
        return Ok(Replaced::Done(Reply::stored(live.clone())));
    }
    if options.dry_run {
        return Ok(Replaced::Done(Reply::kept(StatusCode::OK, served.encode(&new), Some(live.revision))));
    }
    let origin = Origin { note: call.note(&options.field_manager) };
    let goes = is_let_go(&new);
    let committed = if goes {
        commit_delete(&call.shared, live, origin).await
    } else {
        commit_put(&call.shared, live.key.clone(), Expect::At(live.revision), Kept::of(served, &new), origin).await
    };
    match committed {
        // The answer shows what was sent, at the revision it was based on.
        Ok(_) if goes => Ok(Replaced::Done(Reply::kept(StatusCode::OK, served.encode(&new), Some(live.revision)))),
        Ok(stored) => Ok(Replaced::Done(Reply::stored(stored))),
        Err(CommitError::Conflict { .. }) => Ok(Replaced::Conflict),
        Err(error) => Err(refused(&error)),
    }
}

/// Adds what is wrong, each thing once.
pub(crate) fn add_causes(causes: &mut Vec<Cause>, more: Vec<Cause>) {
    for it in more {
        if !causes.contains(&it) {
            causes.push(it);
        }
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
pub(crate) fn is_let_go(object: &Value) -> bool {
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
