//! The one place from which objects are written.

use std::sync::Arc;

use bytes::Bytes;
use fairway_store::{Action, Batch, CommitError, Expect, Key, Labels, Op, Stored};
use serde_json::Value;

use crate::background::{Change, Traits};
use crate::object::{self, Meta};
use crate::registry::Served;
use crate::server::Shared;
use crate::{ApiError, AuditNote};

/// Who writes, for the journal.
pub(crate) struct Origin {
    pub(crate) note: AuditNote,
}

/// An object ready to be kept.
pub(crate) struct Kept {
    value: Bytes,
    labels: Labels,
    traits: Traits,
}

impl Kept {
    /// An object as it is served.
    pub(crate) fn of(served: &Served, object: &Value) -> Self {
        Self::new(served.encode(object), object)
    }

    /// An object of a resource that is kept as it is served.
    pub(crate) fn plain(object: &Value) -> Self {
        Self::new(object::encode(object), object)
    }

    fn new(value: Bytes, object: &Value) -> Self {
        Self { value, labels: object::labels(object), traits: Traits::from(Meta::of_tree(object)) }
    }
}

/// Writes an object.
pub(crate) async fn commit_put(
    shared: &Arc<Shared>,
    key: Key,
    expect: Expect,
    kept: Kept,
    origin: Origin,
) -> Result<Stored, CommitError> {
    commit_puts(shared, vec![(key, expect, kept)], origin).await
}

/// Writes several objects, all or none; gives back the first.
pub(crate) async fn commit_puts(
    shared: &Arc<Shared>,
    puts: Vec<(Key, Expect, Kept)>,
    origin: Origin,
) -> Result<Stored, CommitError> {
    let (mut ops, mut changes) = (Vec::with_capacity(puts.len()), Vec::with_capacity(puts.len()));
    for (key, expect, Kept { value, labels, traits }) in puts {
        changes.push(Change::Written { key: key.clone(), traits });
        ops.push(Op { key, expect, action: Action::Put { value, labels } });
    }
    commit(shared, ops, origin, changes).await
}

/// Removes an object.
pub(crate) async fn commit_delete(shared: &Arc<Shared>, live: &Stored, origin: Origin) -> Result<Stored, CommitError> {
    let key = live.key.clone();
    let change = Change::Deleted { key: key.clone(), uid: Meta::of(&live.value).uid };
    let op = Op { key, expect: Expect::At(live.revision), action: Action::Delete };
    commit(shared, vec![op], origin, vec![change]).await
}

/// Runs to its end even if the request that began it is dropped: what was committed is always told to those who
/// follow it.
async fn commit(
    shared: &Arc<Shared>,
    ops: Vec<Op>,
    origin: Origin,
    changes: Vec<Change>,
) -> Result<Stored, CommitError> {
    let owned = Arc::clone(shared);
    let task = shared.tasks.spawn(async move {
        let batch = Batch { ops, note: Some(Arc::new(origin.note)) };
        let committed = owned.store.commit(batch).await?;
        for change in changes {
            crate::custom::committed(&owned, &change);
            // Nobody listens any more once the server stops.
            let _ = owned.changes.send(change);
        }
        Ok::<_, CommitError>(committed)
    });
    let committed = task.await.map_err(|error| {
        tracing::error!(%error, "a commit broke off");
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
