//! A push in the ledger, and the right to it while it goes on.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fairway_apiserver::{Authenticate, Authorize};
use fairway_clock::World;
use fairway_git::{Access, Forge as _, Host, Push, RefusedPush, RepositoryId, Update, Witness};
use fairway_ledger::{by_id, open_reader};
use fairway_store::{Batch, Store};
use http::request::Parts;
use jiff::Timestamp;

use super::super::Asker;
use super::allowed;

/// What a push is refused with that the rules, or its pusher's rights, do not allow.
const FORBIDDEN: u16 = 403;

/// What the journal is told about a push. A batch that carries it changes no object.
pub(in crate::platform) struct PushNote {
    pub(in crate::platform) push: Push,
    pub(in crate::platform) at: Timestamp,
    pub(in crate::platform) outcome: Outcome,
}

/// What became of a push.
pub(in crate::platform) enum Outcome {
    Taken,
    /// It was taken, and found at a start, after the platform had died between the push and its record.
    FoundLater,
    /// Nothing of it was taken.
    Refused {
        code: u16,
        why: String,
    },
}

/// Who pushes, and what they showed for it.
pub(super) struct Standing {
    pub(super) parts: Parts,
    pub(super) access: Access,
    pub(super) repository: RepositoryId,
    pub(super) authenticate: Arc<dyn Authenticate>,
    pub(super) authorize: Arc<dyn Authorize>,
    pub(super) store: Store,
    pub(super) world: World,
}

#[async_trait]
impl Witness for Standing {
    fn may_go_on(&self) -> bool {
        let Ok(identity) = self.authenticate.authenticate(&self.parts) else { return false };
        let asker = Asker { identity: &identity, authorize: self.authorize.as_ref() };
        allowed(&asker, &self.repository, self.access)
    }

    async fn record(&self, push: &Push) -> Result<(), String> {
        append(&self.store, &self.world, push.clone(), Outcome::Taken).await
    }

    async fn record_refused(&self, refused: &RefusedPush) -> Result<(), String> {
        let outcome = Outcome::Refused { code: FORBIDDEN, why: refused.why.clone() };
        append(&self.store, &self.world, refused.push.clone(), outcome).await
    }
}

/// Adds a push to the ledger.
pub(super) async fn append(store: &Store, world: &World, push: Push, outcome: Outcome) -> Result<(), String> {
    let note = PushNote { push, at: world.clock.now(), outcome };
    let batch = Batch { ops: Vec::new(), note: Some(Arc::new(note)) };
    store.commit(batch).await.map(|_| ()).map_err(|it| it.to_string())
}

/// Records the pushes whose refs moved and whose record a death prevented: each ref names the event that moved it.
pub(in crate::platform) async fn settle(host: Host, ledger: &Path, store: Store, world: World) -> Result<(), String> {
    for repository in host.list().await.map_err(|it| it.to_string())? {
        // One that goes meanwhile has nothing left to record.
        for (reference, at) in host.refs(&repository).await.unwrap_or_default() {
            let Some(cause) = at.cause else { continue };
            let (path, id) = (ledger.to_owned(), cause.clone());
            let known = tokio::task::spawn_blocking(move || by_id(&open_reader(&path)?, &id).map(|it| it.is_some()));
            if known.await.map_err(|it| it.to_string())?.map_err(|it| it.to_string())? {
                continue;
            }
            let updates = vec![Update { reference, from: None, to: Some(at.commit) }];
            let pushed_by = at.pushed_by.unwrap_or_default();
            let push = Push { repository: repository.clone(), pushed_by, cause, updates };
            append(&store, &world, push, Outcome::FoundLater).await?;
        }
    }
    Ok(())
}
