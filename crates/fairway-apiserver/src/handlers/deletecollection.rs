//! DELETE of a collection: everything that the selectors match.

use fairway_store::ListQuery;
use http::StatusCode;
use serde_json::json;

use super::delete::{Removal, read_options, remove};
use crate::ApiError;
use crate::object::api_version;
use crate::selection::Selection;
use crate::server::{Call, Reply, tree_response};

pub(super) async fn delete_collection(call: &Call) -> Result<Reply, ApiError> {
    let options = read_options(call)?;
    let selection = Selection::parse(call)?;
    let page = call.shared.store.list(&ListQuery::all(call.range()));
    let page = page.map_err(|error| ApiError::new(503, "ServiceUnavailable", error.to_string()))?;
    let mut removed = Vec::new();
    for live in page.items.into_iter().filter(|it| selection.matches(it)) {
        let mut note = call.note("");
        note.namespace = live.key.namespace.clone();
        note.name = live.key.name.clone();
        match remove(&call.shared, &call.served, live, &options, &note).await {
            Ok(Removal::Gone(stored) | Removal::Held(stored)) => removed.push(call.served.decode(&stored)),
            // Somebody else deleted it first: that is what was wanted.
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let list = json!({
        "kind": &*call.served.list_kind, "apiVersion": api_version(&call.served),
        "metadata": { "resourceVersion": call.shared.store.revision().to_string() }, "items": removed,
    });
    Ok(Reply::ready(tree_response(StatusCode::OK, &list, call.accept.format)))
}
