//! DELETE: away at once, or marked and held by finalizers or a grace period.

use std::sync::Arc;

use fairway_schema::Cause;
use fairway_store::{CommitError, Expect, Stored};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::object::{Meta, meta_mut, text_at};
use crate::pipeline::{self, Kept, Origin, now_text};
use crate::registry::Served;
use crate::server::{Call, Reply, Shared};
use crate::{ApiError, AuditNote};

/// How often a deletion that races with writes is tried again.
const ATTEMPTS: usize = 16;
/// What a pod is given where it does not say.
const POD_GRACE: i64 = 30;

/// Kinds that answer with the object rather than with a Status when they are gone at once.
const ANSWER_OBJECT: &[&str] = &[
    "core/pods",
    "core/services",
    "core/serviceaccounts",
    "core/namespaces",
    "core/persistentvolumes",
    "core/persistentvolumeclaims",
    "core/podtemplates",
    "core/resourcequotas",
    "storage.k8s.io/storageclasses",
    "storage.k8s.io/volumeattachments",
    "storage.k8s.io/volumeattributesclasses",
    "storage.k8s.io/csidrivers",
    "storage.k8s.io/csinodes",
    "resource.k8s.io/deviceclasses",
    "resource.k8s.io/resourceclaims",
    "resource.k8s.io/resourceclaimtemplates",
    "resource.k8s.io/resourceslices",
];

/// How something is to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    pub(crate) grace: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) dry_run: bool,
}

/// What happens to the objects that belong to a deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They stay, without their owner.
    Orphan,
    /// They go after it.
    Background,
    /// They go before it.
    Foreground,
}

/// How a deletion ended.
pub(crate) enum Removal {
    /// The object is gone; this was its last state.
    Gone(Stored),
    /// It is marked and held.
    Held(Stored),
}

pub(super) async fn delete(call: &Call) -> Result<Reply, ApiError> {
    let options = read_options(call)?;
    let live = super::get::read(call)?;
    crate::namespaces::check_deletable(call)?;
    let removal = remove(&call.shared, &call.served, live, &options, &call.note("")).await?;
    Ok(match removal {
        Removal::Held(stored) => Reply::stored(stored),
        Removal::Gone(stored) if ANSWER_OBJECT.contains(&&*call.served.storage) => Reply::stored(stored),
        Removal::Gone(stored) => Reply::tree(StatusCode::OK, success(&call.served, &stored)),
    })
}

/// A Status that names what was deleted.
fn success(served: &Served, stored: &Stored) -> Value {
    let mut details = json!({
        "name": &*stored.key.name, "kind": &*served.plural, "uid": Meta::of(&stored.value).uid,
    });
    if !served.group.is_empty() {
        details["group"] = json!(&*served.group);
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// Deletes an object, or marks it for deletion.
pub(crate) async fn remove(
    shared: &Arc<Shared>,
    served: &Arc<Served>,
    mut live: Stored,
    options: &DeleteOptions,
    note: &AuditNote,
) -> Result<Removal, ApiError> {
    let name = Arc::clone(&live.key.name);
    for _ in 0..ATTEMPTS {
        check_preconditions(served, &live, options)?;
        let old = served.decode(&live);
        let plan = plan(shared, served, &old, options);
        if options.dry_run {
            return Ok(if plan.is_some() { Removal::Held(live) } else { Removal::Gone(live) });
        }
        let origin = Origin { note: note.clone() };
        let committed = match plan {
            None => pipeline::commit_delete(shared, &live, origin).await.map(Removal::Gone),
            Some(marked) if marked == old => return Ok(Removal::Held(live)),
            Some(marked) => {
                // The end of a namespace waits for what is being made in it, and nothing is begun after it.
                let _gate = match &*served.storage {
                    "core/namespaces" => Some(shared.namespace_gate.write().await),
                    _ => None,
                };
                let expect = Expect::At(live.revision);
                let kept = Kept::of(served, &marked);
                let written = pipeline::commit_put(shared, live.key.clone(), expect, kept, origin).await;
                written.map(Removal::Held)
            }
        };
        match committed {
            Ok(Removal::Gone(gone)) => return Ok(Removal::Gone(Stored { revision: live.revision, ..gone })),
            Ok(held) => return Ok(held),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(pipeline::refused(&error)),
        }
        live = shared.store.get(&live.key).ok_or_else(|| ApiError::not_found(&served.group, &served.plural, &name))?;
    }
    Err(pipeline::modified(served, &name))
}

/// The object as it stays, marked; `None` if it goes at once.
fn plan(shared: &Shared, served: &Served, old: &Value, options: &DeleteOptions) -> Option<Value> {
    let meta = Meta::of_tree(old);
    let finalizers = finalizers(&meta, options.propagation);
    let grace = grace(served, old, &meta, options.grace);
    let namespace_held = &*served.storage == "core/namespaces"
        && old.pointer("/spec/finalizers").and_then(Value::as_array).is_some_and(|it| !it.is_empty());
    let custom_held = crate::custom::holds(shared, served, old);
    if finalizers.is_empty() && grace == 0 && !namespace_held && !custom_held {
        return None;
    }
    let mut new = old.clone();
    if &*served.storage == "core/namespaces" {
        new["status"]["phase"] = json!("Terminating");
    }
    let metadata = meta_mut(&mut new);
    if finalizers != meta.finalizers {
        if finalizers.is_empty() {
            metadata.remove("finalizers")
        } else {
            metadata.insert("finalizers".into(), json!(finalizers))
        };
    }
    let shortened = meta.deletion_grace_period_seconds.is_none_or(|it| grace < it);
    if !meta.is_deleting() || shortened {
        let end = shared.world.clock.now() + jiff::SignedDuration::from_secs(grace.clamp(0, 10 * 365 * 86400));
        metadata.insert("deletionTimestamp".to_owned(), json!(now_text(end)));
        metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
    }
    if let Some(generation) = meta.generation.filter(|it| *it > 0 && !meta.is_deleting()) {
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
    crate::custom::mark_terminating(shared, served, &mut new);
    Some(new)
}

fn finalizers(meta: &Meta, propagation: Option<Propagation>) -> Vec<String> {
    let wanted = match propagation {
        None => return meta.finalizers.clone(),
        Some(Propagation::Orphan) => Some("orphan"),
        Some(Propagation::Foreground) => Some("foregroundDeletion"),
        Some(Propagation::Background) => None,
    };
    let others = meta.finalizers.iter().filter(|it| !matches!(it.as_str(), "orphan" | "foregroundDeletion"));
    others.cloned().chain(wanted.map(ToOwned::to_owned)).collect()
}

/// Only pods are given time: they stop by themselves, and whoever runs them deletes them again with 0.
fn grace(served: &Served, old: &Value, meta: &Meta, asked: Option<i64>) -> i64 {
    if &*served.storage != "core/pods" {
        return 0;
    }
    let never_ran = text_at(old, "/spec/nodeName").is_empty();
    if never_ran || matches!(text_at(old, "/status/phase"), "Succeeded" | "Failed") {
        return 0;
    }
    let own = old.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(POD_GRACE);
    let wanted = match asked {
        Some(it) if it < 0 => 1,
        Some(it) => it,
        None if own < 0 => 1,
        None => own,
    };
    meta.deletion_grace_period_seconds.filter(|_| meta.is_deleting()).map_or(wanted, |it| wanted.min(it))
}

fn check_preconditions(served: &Served, live: &Stored, options: &DeleteOptions) -> Result<(), ApiError> {
    let conflict = |why: &str| Err(ApiError::conflict("", &served.kind, &live.key.name, why));
    let uid = Meta::of(&live.value).uid;
    if let Some(asked) = options.uid.as_deref().filter(|it| *it != uid) {
        return conflict(&format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({uid}). The object might have \
             been deleted and then recreated"
        ));
    }
    if let Some(asked) = options.revision.as_deref().filter(|it| *it != live.revision.to_string()) {
        return conflict(&format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({}). The \
             object might have been modified",
            live.revision
        ));
    }
    Ok(())
}

/// The body of a deletion, as far as it is understood.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    grace_period_seconds: Option<i64>,
    propagation_policy: Option<String>,
    orphan_dependents: Option<bool>,
    preconditions: Option<Preconditions>,
    dry_run: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

/// The options of a deletion, from the body or the query.
pub(super) fn read_options(call: &Call) -> Result<DeleteOptions, ApiError> {
    let body: Body = if call.body.iter().all(u8::is_ascii_whitespace) {
        Body::default()
    } else {
        let tree = pipeline::decode_options(call, "DeleteOptions")?;
        Body::deserialize(tree)
            .map_err(|error| ApiError::bad_request(format!("the DeleteOptions in the body cannot be read: {error}")))?
    };
    let query = &call.query;
    let policy = body.propagation_policy.or_else(|| query.given("propagationPolicy").map(ToOwned::to_owned));
    let orphan =
        body.orphan_dependents.or_else(|| query.get("orphanDependents").map(|_| query.flag("orphanDependents")));
    let mut causes = Vec::new();
    let propagation = match policy.as_deref() {
        None => orphan.map(|it| if it { Propagation::Orphan } else { Propagation::Background }),
        Some("Orphan") => Some(Propagation::Orphan),
        Some("Background") => Some(Propagation::Background),
        Some("Foreground") => Some(Propagation::Foreground),
        Some(other) => {
            let allowed = ["Foreground", "Background", "Orphan", "nil"];
            causes.push(Cause::not_supported("propagationPolicy", &json!(other), &allowed));
            None
        }
    };
    if policy.is_some() && orphan.is_some() {
        let why = "orphanDependents and deletionPropagation cannot be both set";
        causes.push(Cause::invalid("propagationPolicy", &json!(policy), why));
    }
    let dry_run = if body.dry_run.is_empty() {
        query.all("dryRun").into_iter().map(ToOwned::to_owned).collect()
    } else {
        body.dry_run
    };
    if dry_run.iter().any(|it| it != "All") {
        causes.push(Cause::not_supported("dryRun", &json!(dry_run), &["All"]));
    }
    if !causes.is_empty() {
        return Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &causes));
    }
    let preconditions = body.preconditions.unwrap_or_default();
    Ok(DeleteOptions {
        grace: body.grace_period_seconds.or(query.number("gracePeriodSeconds")?),
        propagation,
        uid: preconditions.uid,
        revision: preconditions.resource_version,
        dry_run: !dry_run.is_empty(),
    })
}
