//! What goes on beside requests: namespaces that end, owners that are gone, definitions that go, events that are old.
//!
//! One task follows every commit, so it needs no watches, and after a start it looks through the store once.

mod events;
mod garbage;
mod quotas;
mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;

use fairway_store::{CommitError, Expect, Key};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::object::{Meta, OwnerReference};
use crate::pipeline::{self, Kept, Origin};
use crate::registry::Served;
use crate::server::Shared;
use crate::{AuditNote, Identity};

use garbage::Garbage;

/// One commit, as background work is told about it.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Written { key: Key, traits: Traits },
    Deleted { key: Key, uid: String },
}

/// What background work wants to know of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traits {
    pub(crate) uid: String,
    pub(crate) owners: Vec<OwnerReference>,
    pub(crate) finalizers: Vec<String>,
    pub(crate) deleting: bool,
}

impl Change {
    pub(crate) fn key(&self) -> &Key {
        match self {
            Self::Written { key, .. } | Self::Deleted { key, .. } => key,
        }
    }
}

impl From<Meta> for Traits {
    fn from(meta: Meta) -> Self {
        let deleting = meta.is_deleting();
        Self { uid: meta.uid, owners: meta.owner_references, finalizers: meta.finalizers, deleting }
    }
}

/// Starts all background work of a server.
pub(crate) fn start(shared: &Arc<Shared>, changes: mpsc::UnboundedReceiver<Change>) {
    let (stop, owned) = (shared.stop.clone(), Arc::clone(shared));
    shared.tasks.spawn(async move { stop.run_until_cancelled(follow(owned, changes)).await });
    let (stop, owned) = (shared.stop.clone(), Arc::clone(shared));
    shared.tasks.spawn(async move { stop.run_until_cancelled(events::expire(owned)).await });
}

async fn follow(shared: Arc<Shared>, mut changes: mpsc::UnboundedReceiver<Change>) {
    let mut garbage = Garbage::default();
    let mut endings = BTreeSet::new();
    let mut quotas = quotas::Touched::all(&shared);
    for (key, traits) in everything(&shared) {
        note_ending(&mut endings, &key, &traits);
        garbage.written(&key, &traits);
    }
    loop {
        garbage.collect(&shared).await;
        sweep::end(&shared, &mut endings).await;
        quotas.count(&shared).await;
        let Some(first) = changes.recv().await else { return };
        let mut next = Some(first);
        // What has piled up is looked at together.
        while let Some(change) = next {
            match &change {
                Change::Written { key, traits } => {
                    note_ending(&mut endings, key, traits);
                    garbage.written(key, traits);
                }
                Change::Deleted { key, uid } => garbage.deleted(key, uid),
            }
            sweep::touched(&mut endings, &change);
            quotas.note(&change);
            crate::namespaces::restore_account(&shared, &change).await;
            next = changes.try_recv().ok();
        }
    }
}

/// What is to end, with its contents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    Namespace(Arc<str>),
    Definition(Arc<str>),
}

fn note_ending(endings: &mut BTreeSet<(Ending, sweep::Due)>, key: &Key, traits: &Traits) {
    if !traits.deleting {
        return;
    }
    let name = Arc::clone(&key.name);
    match &*key.resource {
        "core/namespaces" => endings.insert((Ending::Namespace(name), sweep::Due(true))),
        crate::custom::DEFINITIONS => endings.insert((Ending::Definition(name), sweep::Due(true))),
        _ => false,
    };
}

/// Everything in the store that background work could have to do with.
fn everything(shared: &Shared) -> Vec<(Key, Traits)> {
    let mut found = Vec::new();
    for served in shared.registry().collections() {
        let range = fairway_store::Range { resource: Arc::clone(&served.storage), namespace: None };
        let Ok(page) = shared.store.list(&fairway_store::ListQuery::all(range)) else { continue };
        found.extend(page.items.into_iter().filter_map(|it| {
            let traits = Traits::from(Meta::of(&it.value));
            (traits.deleting || !traits.owners.is_empty()).then_some((it.key, traits))
        }));
    }
    found
}

/// Changes an object for the server's own purposes; it goes if that was what held it.
async fn edit(shared: &Arc<Shared>, served: &Served, key: &Key, who: &str, change: impl Fn(&mut Value)) {
    loop {
        let Some(live) = shared.store.get(key) else { return };
        let old = served.decode(&live);
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return;
        }
        let origin = Origin { note: note(shared, served, key, who, "update") };
        let committed = if pipeline::is_let_go(&new) {
            pipeline::commit_delete(shared, &live, origin).await
        } else {
            pipeline::commit_put(shared, key.clone(), Expect::At(live.revision), Kept::of(served, &new), origin).await
        };
        match committed {
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => {
                tracing::warn!(%error, ?key, "the server could not change an object and will try again after a restart");
                return;
            }
            Ok(_) => return,
        }
    }
}

/// What the journal is told of the server's own writes.
fn note(shared: &Shared, served: &Served, key: &Key, who: &str, verb: &str) -> AuditNote {
    AuditNote {
        identity: Identity::service_account("kube-system", who),
        verb: verb.into(),
        group: Arc::clone(&served.group),
        version: Arc::clone(&served.version),
        resource: Arc::clone(&served.plural),
        subresource: "".into(),
        kind: Arc::clone(&served.kind),
        namespace: Arc::clone(&key.namespace),
        name: Arc::clone(&key.name),
        user_agent: "".into(),
        field_manager: "".into(),
        in_process: true,
        refused: None,
        entered: None,
        at: shared.world.clock.now(),
    }
}
