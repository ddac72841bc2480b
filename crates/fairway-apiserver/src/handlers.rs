//! One file per verb: what each request for a resource does once it is authorized.

mod create;
mod delete;
mod deletecollection;
mod get;
mod identity;
mod list;
mod patch;
mod subresources;
mod update;
mod watch;

use crate::ApiError;
use crate::server::{Call, Reply};

pub(crate) use create::create_object;
pub(crate) use delete::{DeleteOptions, Propagation, remove};
pub(crate) use list::parse_revision;

/// Does what is asked, if the resource serves it.
pub(crate) async fn dispatch(call: &Call) -> Result<Reply, ApiError> {
    let (info, served) = (&call.info, &call.served);
    if !served.namespaced && !info.namespace.is_empty() {
        return Err(ApiError::no_such_resource());
    }
    let all_namespaces = served.namespaced && info.namespace.is_empty();
    if all_namespaces && !matches!(info.verb, "list" | "watch") {
        return Err(ApiError::method_not_allowed());
    }
    if !info.subresource.is_empty() {
        return subresources::dispatch(call).await;
    }
    if !served.serves(info.verb) {
        return Err(ApiError::method_not_allowed());
    }
    match info.verb {
        "get" => get::get(call),
        "list" => list::list(call),
        "watch" => watch::watch(call),
        "create" if !info.name.is_empty() => Err(ApiError::method_not_allowed()),
        "create" if identity::is_review(call) => identity::review(call),
        "create" => create::create(call).await,
        "update" => update::update(call).await,
        "patch" => patch::patch(call).await,
        "delete" => delete::delete(call).await,
        "deletecollection" => deletecollection::delete_collection(call).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}
