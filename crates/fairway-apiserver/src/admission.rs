//! Admission that is part of the server: rules that no schema can say because they look at other objects, or at what
//! was there before.

mod addresses;

pub(crate) mod quota;

use fairway_schema::Cause;
use fairway_store::Key;
use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use crate::authorization::{self, Attributes};
use crate::object::{Meta, text_at};
use crate::server::Call;
use crate::{ApiError, custom, kinds};

/// What was set aside for an object until it is kept.
pub(crate) type Reserved<'a> = Option<MutexGuard<'a, ()>>;

/// 404 in a namespace that does not exist, 403 in one that is ending.
pub(crate) fn namespace_is_open(call: &Call, name: &str) -> Result<(), ApiError> {
    let namespace = call.info.namespace.as_str();
    let Some(live) = call.shared.store.get(&Key::new("core/namespaces", "", namespace)) else {
        return Err(ApiError::not_found("", "namespaces", namespace));
    };
    // Only an object that is ending names the time of its end, so most need no parsing.
    if !live.value.windows(DELETION.len()).any(|it| it == DELETION) || !Meta::of(&live.value).is_deleting() {
        return Ok(());
    }
    let served = &call.served;
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut error = ApiError::forbidden(&served.group, &served.plural, name, &why);
    let message = format!("namespace {namespace} is being terminated");
    let causes = json!([{ "reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace" }]);
    if let Some(Value::Object(details)) = &mut error.details {
        details.insert("causes".to_owned(), causes);
    }
    Err(error)
}

const DELETION: &[u8] = b"\"deletionTimestamp\"";

/// Whoever makes an object by replacing or applying it needs the right to create.
pub(crate) fn may_create(call: &Call, name: &str) -> Result<(), ApiError> {
    if call.info.verb == "create" {
        return Ok(());
    }
    let asked = Attributes { verb: "create", name, ..call.info.attributes() };
    authorization::check(&*call.shared.authorize, &call.identity, &asked)
}

/// Nobody gives away rights they do not have: see [`Authorize::guard`](crate::Authorize::guard).
pub(crate) fn guard(call: &Call, name: &str, old: Option<&Value>, new: &Value) -> Result<(), ApiError> {
    let write = authorization::Write { storage: &call.served.storage, namespace: &call.info.namespace, name, new, old };
    call.shared.authorize.guard(&call.identity, &write)
}

/// What is filled in or refused when an object is made. What is reserved for it stays so until the result is dropped.
pub(crate) async fn create<'a>(call: &'a Call, object: &mut Value) -> Result<Reserved<'a>, ApiError> {
    custom::check_creatable(&call.served, text_at(object, "/metadata/name"))?;
    match &*call.served.storage {
        "core/pods" => give_service_account(call, object)?,
        "core/services" => return addresses::reserve(call, object).await,
        _ => {}
    }
    Ok(None)
}

/// A pod runs as somebody. Its token is mounted only where the pod itself asks for it: most programs in a pod have
/// nothing to say to the API, and what is not there cannot be stolen.
fn give_service_account(call: &Call, pod: &mut Value) -> Result<(), ApiError> {
    let (shared, namespace) = (&call.shared, call.info.namespace.as_str());
    let wants_token = pod.pointer("/spec/automountServiceAccountToken") == Some(&json!(true));
    let suffix = shared.world.entropy.suffix(5);
    let found = kinds::service_account(pod, namespace, &suffix, |name| {
        let live = shared.store.get(&Key::new("core/serviceaccounts", namespace, name))?;
        let mut account = crate::object::parse(&live.value);
        if !wants_token {
            account["automountServiceAccountToken"] = json!(false);
        }
        Some(account)
    });
    found.map_err(|error| ApiError::forbidden("", "pods", text_at(pod, "/metadata/name"), &error.to_string()))
}

/// An object that is to be deleted gets no new finalizers.
pub(crate) fn check_finalizers(old: &Value, new: &Value) -> Vec<Cause> {
    let (old, new) = (Meta::of_tree(old), Meta::of_tree(new));
    if !old.is_deleting() {
        return Vec::new();
    }
    let added: Vec<&String> = new.finalizers.iter().filter(|it| !old.finalizers.contains(it)).collect();
    if added.is_empty() {
        return Vec::new();
    }
    let why = format!("no new finalizers can be added if the object is being deleted, found new finalizers {added:?}");
    vec![Cause::forbidden("metadata.finalizers", &why)]
}
