//! What goes on beside requests: namespaces that end, owners that are gone, events that are old.

use std::sync::Arc;

use fairway_store::Key;
use tokio::sync::mpsc;

use crate::object::Meta;
use crate::server::Shared;

/// One commit, as background work is told about it.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "garbage collection, which reads it, is the next step")]
pub(crate) enum Change {
    Written { key: Key, meta: Box<Meta> },
    Deleted { key: Key, uid: String },
}

impl Change {
    pub(crate) fn key(&self) -> &Key {
        match self {
            Self::Written { key, .. } | Self::Deleted { key, .. } => key,
        }
    }
}

/// Starts all background work of a server.
pub(crate) fn start(shared: &Arc<Shared>, mut changes: mpsc::UnboundedReceiver<Change>) {
    let (stop, owned) = (shared.stop.clone(), Arc::clone(shared));
    let work = async move {
        while let Some(change) = changes.recv().await {
            crate::namespaces::changed(&owned, &change);
        }
    };
    shared.tasks.spawn(async move { stop.run_until_cancelled(work).await });
}
