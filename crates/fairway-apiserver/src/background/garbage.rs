//! Objects that belong to others: they go when their owners are gone, before them, or stay without them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use fairway_store::Key;
use futures::StreamExt as _;
use serde_json::Value;

use super::{Traits, edit, note};
use crate::handlers::{DeleteOptions, Propagation, remove};
use crate::object::{Meta, OwnerReference, meta_mut, text_at};
use crate::registry::Served;
use crate::server::Shared;

const COLLECTOR: &str = "generic-garbage-collector";
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// How many objects are looked at at the same time.
const TOGETHER: usize = 64;

/// Who belongs to whom, by uid, and what is to be looked at.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    dependents: HashMap<String, HashSet<Key>>,
    owners: HashMap<Key, Vec<String>>,
    /// Owners that wait for their dependents, or for these to be told that they have no owner any more.
    waiting: HashMap<String, Key>,
    /// Dependents whose owners may be gone.
    suspects: BTreeSet<Key>,
    /// Owners of which a dependent changed.
    due: BTreeSet<String>,
}

/// What became of an owner.
enum Found {
    Here,
    /// It wants its dependents gone before it goes.
    Waiting,
    Gone,
    /// Nobody can tell: its kind is not served, or it cannot own this object.
    Unknown,
}

impl Garbage {
    /// Follows a write.
    pub(super) fn written(&mut self, key: &Key, traits: &Traits) {
        let owners: Vec<String> = traits.owners.iter().map(|it| it.uid.clone()).collect();
        if self.owners.get(key).map_or(!owners.is_empty(), |it| *it != owners) {
            self.forget(key);
            for uid in &owners {
                self.dependents.entry(uid.clone()).or_default().insert(key.clone());
            }
            if !owners.is_empty() {
                self.owners.insert(key.clone(), owners);
                self.suspects.insert(key.clone());
            }
        }
        if traits.deleting && traits.finalizers.iter().any(|it| it == FOREGROUND || it == ORPHAN) {
            self.waiting.insert(traits.uid.clone(), key.clone());
            self.due.insert(traits.uid.clone());
        }
    }

    /// Follows a deletion.
    pub(super) fn deleted(&mut self, key: &Key, uid: &str) {
        self.forget(key);
        self.suspects.remove(key);
        self.waiting.remove(uid);
        if let Some(dependents) = self.dependents.get(uid) {
            self.suspects.extend(dependents.iter().cloned());
        }
    }

    fn forget(&mut self, key: &Key) {
        for uid in self.owners.remove(key).unwrap_or_default() {
            if let Some(dependents) = self.dependents.get_mut(&uid) {
                dependents.remove(key);
                if dependents.is_empty() {
                    self.dependents.remove(&uid);
                }
            }
            if self.waiting.contains_key(&uid) {
                self.due.insert(uid);
            }
        }
    }

    /// Deletes what has no owner left, and lets owners go that waited long enough. What it deletes comes back as a
    /// change and is followed then.
    pub(super) async fn collect(&mut self, shared: &Arc<Shared>) {
        for uid in std::mem::take(&mut self.due) {
            let Some(key) = self.waiting.get(&uid).cloned() else { continue };
            self.serve_waiting(shared, &uid, &key).await;
        }
        let suspects = std::mem::take(&mut self.suspects);
        let this = &*self;
        // Together, because they share commits.
        futures::stream::iter(suspects)
            .for_each_concurrent(TOGETHER, |key| async move { this.judge(shared, &key).await })
            .await;
    }

    async fn serve_waiting(&mut self, shared: &Arc<Shared>, uid: &str, key: &Key) {
        let Some(live) = shared.store.get(key) else { return };
        let meta = Meta::of(&live.value);
        let Some(served) = by_storage(shared, &key.resource) else { return };
        let has = |finalizer: &str| meta.finalizers.iter().any(|it| it == finalizer);
        let dependents: Vec<Key> = self.dependents.get(uid).into_iter().flatten().cloned().collect();
        if has(ORPHAN) {
            for dependent in &dependents {
                let Some(served) = by_storage(shared, &dependent.resource) else { continue };
                edit(shared, &served, dependent, COLLECTOR, |object| drop_owners(object, |it| it == uid)).await;
            }
            edit(shared, &served, key, COLLECTOR, |object| drop_finalizer(object, ORPHAN)).await;
        } else if has(FOREGROUND) {
            let blocking = dependents.iter().any(|it| blocks(shared, it, uid));
            if blocking {
                self.suspects.extend(dependents);
            } else {
                edit(shared, &served, key, COLLECTOR, |object| drop_finalizer(object, FOREGROUND)).await;
            }
        }
    }

    /// Looks again at every owner of an object, as it is now.
    async fn judge(&self, shared: &Arc<Shared>, key: &Key) {
        let (Some(live), Some(served)) = (shared.store.get(key), by_storage(shared, &key.resource)) else { return };
        let meta = Meta::of(&live.value);
        let (mut here, mut gone, mut waiting) = (0, Vec::new(), Vec::new());
        for owner in &meta.owner_references {
            match find(shared, key, owner) {
                Found::Here | Found::Unknown => here += 1,
                Found::Waiting => waiting.push(owner.uid.clone()),
                Found::Gone => gone.push(owner.uid.clone()),
            }
        }
        if gone.is_empty() && waiting.is_empty() {
            return;
        }
        if here > 0 {
            let lost = |uid: &str| gone.iter().chain(&waiting).any(|it| it == uid);
            edit(shared, &served, key, COLLECTOR, |object| drop_owners(object, lost)).await;
            return;
        }
        let owns = self.dependents.contains_key(&meta.uid);
        let propagation = (!waiting.is_empty() && owns).then_some(Propagation::Foreground);
        let options = DeleteOptions { propagation, uid: Some(meta.uid), ..DeleteOptions::default() };
        let note = note(shared, &served, key, COLLECTOR, "delete");
        match remove(shared, &served, live, &options, &note).await {
            Ok(_) => {}
            Err(error) if matches!(error.code, 404 | 409) => {}
            Err(error) => tracing::warn!(%error, ?key, "an object without owner could not be deleted"),
        }
    }
}

fn by_storage(shared: &Shared, storage: &str) -> Option<Arc<Served>> {
    shared.registry().resources().iter().find(|it| &*it.storage == storage && it.serves("delete")).cloned()
}

fn find(shared: &Shared, dependent: &Key, owner: &OwnerReference) -> Found {
    let registry = shared.registry();
    let Some(served) = registry.by_kind(&owner.api_version, &owner.kind) else { return Found::Unknown };
    if served.namespaced && dependent.namespace.is_empty() {
        return Found::Unknown;
    }
    let namespace = if served.namespaced { Arc::clone(&dependent.namespace) } else { "".into() };
    let key = Key::new(Arc::clone(&served.storage), namespace, owner.name.as_str());
    let Some(live) = shared.store.get(&key) else { return Found::Gone };
    let meta = Meta::of(&live.value);
    match () {
        () if meta.uid != owner.uid => Found::Gone,
        () if meta.is_deleting() && meta.finalizers.iter().any(|it| it == FOREGROUND) => Found::Waiting,
        () => Found::Here,
    }
}

/// Whether an owner must wait for this dependent.
fn blocks(shared: &Shared, dependent: &Key, uid: &str) -> bool {
    let Some(live) = shared.store.get(dependent) else { return false };
    Meta::of(&live.value).owner_references.iter().any(|it| it.uid == uid && it.block_owner_deletion == Some(true))
}

fn drop_owners(object: &mut Value, lost: impl Fn(&str) -> bool) {
    let metadata = meta_mut(object);
    if let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") {
        owners.retain(|it| !lost(text_at(it, "/uid")));
        if owners.is_empty() {
            metadata.remove("ownerReferences");
        }
    }
}

fn drop_finalizer(object: &mut Value, finalizer: &str) {
    let metadata = meta_mut(object);
    if let Some(Value::Array(finalizers)) = metadata.get_mut("finalizers") {
        finalizers.retain(|it| it != finalizer);
        if finalizers.is_empty() {
            metadata.remove("finalizers");
        }
    }
}
