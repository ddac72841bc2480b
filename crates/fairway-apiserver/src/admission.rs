//! Admission that is part of the server: rules that no schema can say because they look at other objects, or at what
//! was there before.

use fairway_schema::Cause;
use fairway_store::Key;
use serde_json::{Value, json};

use crate::ApiError;
use crate::authorization::{self, Attributes};
use crate::object::Meta;
use crate::server::Call;

/// 404 in a namespace that does not exist, 403 in one that is ending.
pub(crate) fn namespace_is_open(call: &Call, name: &str) -> Result<(), ApiError> {
    let namespace = call.info.namespace.as_str();
    let Some(live) = call.shared.store.get(&Key::new("core/namespaces", "", namespace)) else {
        return Err(ApiError::not_found("", "namespaces", namespace));
    };
    // Its end is marked near the start of its bytes; only an object that is ending names the time of its end there.
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

/// What is filled in when an object is made.
pub(crate) fn create(call: &Call, object: &mut Value) {
    if &*call.served.storage == "core/pods" {
        give_service_account(object);
    }
}

/// A pod runs as somebody. Its token is not mounted: nothing in a pod of this plane may speak to the API unasked.
fn give_service_account(pod: &mut Value) {
    let Some(Value::Object(spec)) = pod.get_mut("spec") else { return };
    let named = |it: Option<&Value>| it.and_then(Value::as_str).filter(|it| !it.is_empty()).map(ToOwned::to_owned);
    let account = named(spec.get("serviceAccountName")).or_else(|| named(spec.get("serviceAccount")));
    let account = account.unwrap_or_else(|| "default".to_owned());
    spec.insert("serviceAccountName".to_owned(), json!(account));
    spec.insert("serviceAccount".to_owned(), json!(account));
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
