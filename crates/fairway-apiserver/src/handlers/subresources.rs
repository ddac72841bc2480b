//! What hangs below an object: its status, its scale, its log …

mod binding;
mod log;
mod scale;
mod sessions;

use crate::ApiError;
use crate::pipeline::Part;
use crate::server::{Call, Reply};

pub(super) async fn dispatch(call: &Call) -> Result<Reply, ApiError> {
    let (info, served) = (&call.info, &call.served);
    let Some(subresource) = served.subresource(&info.subresource) else {
        return Err(if is_known(call) { not_served(call) } else { ApiError::no_such_resource() });
    };
    if info.name.is_empty() {
        return Err(ApiError::no_such_resource());
    }
    if !subresource.verbs.iter().any(|it| **it == *info.verb) {
        return Err(ApiError::method_not_allowed());
    }
    match (&*served.storage, info.subresource.as_str(), info.verb) {
        (_, "status", "get") => super::get::get(call),
        (_, "status" | "approval", "update") => super::update::update_part(call, Part::Status).await,
        (_, "status" | "approval", "patch") => super::patch::patch_part(call, Part::Status).await,
        (_, "scale", _) => scale::scale(call, subresource).await,
        ("core/namespaces", "finalize", "update") => super::update::update_part(call, Part::Finalize).await,
        ("core/serviceaccounts", "token", "create") => super::identity::token(call).await,
        ("core/pods", "log", "get") => log::log(call).await,
        ("core/pods", "exec", "create") => sessions::exec(call).await,
        ("core/pods", "portforward", "create") => sessions::port_forward(call).await,
        ("core/pods", "binding", "create") => binding::bind(call).await,
        ("core/pods", "eviction", "create") => binding::evict(call).await,
        ("core/pods", "ephemeralcontainers" | "resize", "get") => super::get::get(call),
        _ => Err(not_served(call)),
    }
}

/// What Kubernetes has below this object and this server does not offer.
fn is_known(call: &Call) -> bool {
    let known: &[&str] = match &*call.served.storage {
        "core/pods" => &["attach", "ephemeralcontainers", "exec", "portforward", "proxy", "resize"],
        "core/services" | "core/nodes" => &["proxy"],
        _ => &[],
    };
    known.contains(&call.info.subresource.as_str())
}

/// Discovery names it because Kubernetes has it; this server does not do it yet, and says so.
fn not_served(call: &Call) -> ApiError {
    let what = format!("{}/{}", call.served.plural, call.info.subresource);
    ApiError::new(501, "NotImplemented", format!("this server does not serve {what} yet"))
}
