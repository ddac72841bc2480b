//! The one place from which objects are written.

use std::sync::Arc;

use fairway_store::{Action, Batch, CommitError, Expect, Key, Op, Stored};
use serde_json::Value;

use crate::background::Change;
use crate::object::{self, Meta};
use crate::server::Shared;
use crate::{ApiError, AuditNote};

/// Who writes, for the journal.
pub(crate) struct Origin {
    pub(crate) note: AuditNote,
}

/// Writes an object.
pub(crate) async fn commit_put(
    shared: &Arc<Shared>,
    key: Key,
    expect: Expect,
    object: &Value,
    origin: Origin,
) -> Result<Stored, CommitError> {
    let meta = Meta::of_tree(object);
    let action = Action::Put { value: object::encode(object), labels: object::labels(object) };
    let change = Change::Written { key: key.clone(), meta: Box::new(meta) };
    commit(shared, Op { key, expect, action }, origin, change).await
}

/// Removes an object.
pub(crate) async fn commit_delete(shared: &Arc<Shared>, live: &Stored, origin: Origin) -> Result<Stored, CommitError> {
    let key = live.key.clone();
    let change = Change::Deleted { key: key.clone(), uid: Meta::of(&live.value).uid };
    let op = Op { key, expect: Expect::At(live.revision), action: Action::Delete };
    commit(shared, op, origin, change).await
}

/// Runs to its end even if the request that began it is dropped: what was committed is always told to those who
/// follow it.
async fn commit(shared: &Arc<Shared>, op: Op, origin: Origin, change: Change) -> Result<Stored, CommitError> {
    let owned = Arc::clone(shared);
    let name = op.key.clone();
    let task = shared.tasks.spawn(async move {
        let batch = Batch { ops: vec![op], note: Some(Arc::new(origin.note)) };
        let committed = owned.store.commit(batch).await?;
        crate::custom::committed(&owned, &change);
        // Nobody listens any more once the server stops.
        let _ = owned.changes.send(change);
        Ok::<_, CommitError>(committed)
    });
    let committed = task.await.map_err(|error| {
        tracing::error!(%error, key = ?name, "a commit broke off");
        CommitError::Stopped
    })??;
    committed.objects.into_iter().next().ok_or(CommitError::Stopped)
}

/// What a client is told of a commit that failed for no fault of its own.
pub(crate) fn refused(error: &CommitError) -> ApiError {
    match error {
        CommitError::Full => {
            ApiError::new(507, "StorageFull", "the disk is full: nothing was written; free some space and try again")
        }
        CommitError::Conflict { .. } => ApiError::new(409, "Conflict", "the object was changed meanwhile"),
        other => ApiError::new(503, "ServiceUnavailable", format!("nothing was written: {other}")),
    }
}
