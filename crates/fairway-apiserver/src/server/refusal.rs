//! Refused writes are told to the journal too, as batches that write nothing.

use std::sync::Arc;

use http::HeaderMap;

use super::Shared;
use crate::request::RequestInfo;
use crate::{ApiError, AuditNote, Identity};

/// How a request came.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) user_agent: &'a str,
    pub(super) in_process: bool,
}

/// Tells the journal of a write that was refused.
pub(super) async fn record(
    shared: &Arc<Shared>,
    info: &RequestInfo,
    identity: Identity,
    who: Who<'_>,
    refused: &ApiError,
) {
    let note = AuditNote {
        identity,
        verb: info.verb.into(),
        group: info.group.as_str().into(),
        version: info.version.as_str().into(),
        resource: info.resource.as_str().into(),
        subresource: info.subresource.as_str().into(),
        kind: "".into(),
        namespace: info.namespace.as_str().into(),
        name: info.name.as_str().into(),
        user_agent: who.user_agent.into(),
        field_manager: "".into(),
        in_process: who.in_process,
        refused: Some((refused.code, refused.message.clone())),
        entered: None,
        at: shared.world.clock.now(),
    };
    let batch = fairway_store::Batch { ops: Vec::new(), note: Some(Arc::new(note)) };
    if let Err(error) = shared.store.commit(batch).await {
        tracing::warn!(%error, "a refusal was not recorded");
    }
}

/// Tells the journal that somebody asked to be somebody they may not be, whatever else they asked for.
pub(super) async fn record_impersonation(
    shared: &Arc<Shared>,
    caller: &Identity,
    headers: &HeaderMap,
    who: Who<'_>,
    refused: &ApiError,
) {
    if refused.code != 403 {
        return;
    }
    let user = headers.get("impersonate-user").map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    let mut name = user.unwrap_or_default();
    name.truncate(name.floor_char_boundary(256));
    let info = RequestInfo { verb: "impersonate", resource: "users".to_owned(), name, ..RequestInfo::default() };
    record(shared, &info, caller.clone(), who, refused).await;
}
