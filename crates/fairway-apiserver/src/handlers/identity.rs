//! Questions and tokens: what is created, answered and not kept.

use std::sync::Arc;

use fairway_store::Batch;
use http::StatusCode;
use serde_json::json;

use crate::ApiError;
use crate::pipeline::{self, Given};
use crate::reviews::Review;
use crate::server::{Call, Reply};

/// Whether the resource is one that is asked rather than kept.
pub(super) fn is_review(call: &Call) -> bool {
    matches!(&*call.served.group, "authentication.k8s.io" | "authorization.k8s.io")
}

/// Answers a review.
pub(super) fn review(call: &Call) -> Result<Reply, ApiError> {
    let options = call.write_options("CreateOptions")?;
    let Given { mut object, warnings } = pipeline::decode(call, &options)?;
    pipeline::check_identity(call, &mut object)?;
    let (shared, served) = (&call.shared, &call.served);
    let review =
        Review { authorize: &*shared.authorize, authenticate: &*shared.authenticate, identity: &call.identity };
    let answer = review.answer(&served.group, &served.plural, &call.info.namespace, &object)?;
    Ok(Reply::tree(StatusCode::CREATED, answer).with_warnings(warnings))
}

/// A token for the service account the path names. That it was given is recorded before it is told.
pub(super) async fn token(call: &Call) -> Result<Reply, ApiError> {
    let options = call.write_options("CreateOptions")?;
    let request = pipeline::decode_options(call, "TokenRequest")?;
    let (shared, info) = (&call.shared, &call.info);
    let mut answer = shared.authenticate.issue_token(&info.namespace, &info.name, &request)?;
    if options.dry_run {
        answer["status"]["token"] = json!("");
    } else {
        let note = Some(Arc::new(call.note(&options.field_manager)) as fairway_store::Note);
        let recorded = shared.store.commit(Batch { ops: Vec::new(), note }).await;
        recorded.map_err(|error| pipeline::refused(&error))?;
    }
    Ok(Reply::tree(StatusCode::CREATED, answer))
}
