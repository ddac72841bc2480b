//! The end of what holds others: a namespace with everything in it, a definition with all its objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use fairway_store::{Key, ListQuery, Range, Stored};
use futures::StreamExt as _;
use serde_json::Value;

use super::{Change, Ending, edit, note};
use crate::custom;
use crate::handlers::{DeleteOptions, remove};
use crate::object::meta_mut;
use crate::registry::Served;
use crate::server::Shared;

const NAMESPACES: &str = "namespace-controller";
const DEFINITIONS: &str = "customresourcedefinition-controller";
/// How many objects are deleted at the same time: they share commits.
const TOGETHER: usize = 64;

/// Whether something happened that may let it end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due(pub(super) bool);

/// Marks what a change may have set free.
pub(super) fn touched(endings: &mut BTreeSet<(Ending, Due)>, change: &Change) {
    let Change::Deleted { key, .. } = change else { return };
    let waiting: Vec<Ending> = endings.iter().filter(|it| !it.1.0).map(|it| it.0.clone()).collect();
    for ending in waiting {
        let concerns = match &ending {
            Ending::Namespace(name) => *key.namespace == **name || (*key.name == **name && key.namespace.is_empty()),
            Ending::Definition(name) => {
                *key.name == **name
                    || name.split_once('.').is_some_and(|(plural, group)| *key.resource == format!("{group}/{plural}"))
            }
        };
        if concerns {
            endings.remove(&(ending.clone(), Due(false)));
            endings.insert((ending, Due(true)));
        }
    }
}

/// Goes on with everything that is due; what is gone is forgotten.
pub(super) async fn end(shared: &Arc<Shared>, endings: &mut BTreeSet<(Ending, Due)>) {
    let due: Vec<(Ending, Due)> = endings.iter().filter(|it| it.1.0).cloned().collect();
    for it in due {
        endings.remove(&it);
        let ended = match &it.0 {
            Ending::Namespace(name) => namespace(shared, name).await,
            Ending::Definition(name) => definition(shared, name).await,
        };
        if !ended {
            endings.insert((it.0, Due(false)));
        }
    }
}

/// Deletes what is in a namespace, then lets the namespace go. Says whether it did.
async fn namespace(shared: &Arc<Shared>, name: &Arc<str>) -> bool {
    let key = Key::new("core/namespaces", "", Arc::clone(name));
    let Some(namespaces) = shared.registry().by_kind("v1", "Namespace").cloned() else { return true };
    if !shared.store.get(&key).is_some_and(|it| crate::object::Meta::of(&it.value).is_deleting()) {
        return true;
    }
    // Those who run pods must still find what belongs to them: pods go first.
    let mut collections = shared.registry().collections();
    collections.retain(|it| it.namespaced);
    collections.sort_by_key(|it| &*it.storage != "core/pods");
    let mut left = 0;
    for served in collections {
        let items = contents(shared, &served, Some(name));
        delete_all(shared, &served, items, NAMESPACES).await;
        left += contents(shared, &served, Some(name)).len();
    }
    if left > 0 {
        return false;
    }
    edit(shared, &namespaces, &key, NAMESPACES, |object| {
        if let Some(Value::Array(finalizers)) = object.pointer_mut("/spec/finalizers") {
            finalizers.retain(|it| it != "kubernetes");
        }
    })
    .await;
    true
}

/// Deletes the objects of a definition, then lets the definition go. Says whether it did.
async fn definition(shared: &Arc<Shared>, name: &Arc<str>) -> bool {
    let key = Key::new(custom::DEFINITIONS, "", Arc::clone(name));
    if let (Some(served), items) = custom::instances(shared, name, None) {
        delete_all(shared, &served, items, DEFINITIONS).await;
        if !custom::instances(shared, name, Some(1)).1.is_empty() {
            return false;
        }
    }
    let definitions = shared.registry().by_kind("apiextensions.k8s.io/v1", "CustomResourceDefinition").cloned();
    let Some(definitions) = definitions else { return true };
    edit(shared, &definitions, &key, DEFINITIONS, |object| {
        if let Some(Value::Array(finalizers)) = meta_mut(object).get_mut("finalizers") {
            finalizers.retain(|it| it != custom::CLEANUP);
        }
    })
    .await;
    true
}

fn contents(shared: &Shared, served: &Served, namespace: Option<&Arc<str>>) -> Vec<Stored> {
    let range = Range { resource: Arc::clone(&served.storage), namespace: namespace.cloned() };
    shared.store.list(&ListQuery::all(range)).map(|it| it.items).unwrap_or_default()
}

async fn delete_all(shared: &Arc<Shared>, served: &Arc<Served>, items: Vec<Stored>, who: &str) {
    let options = DeleteOptions::default();
    futures::stream::iter(items)
        .for_each_concurrent(TOGETHER, |live| {
            let options = &options;
            async move {
                let note = note(shared, served, &live.key, who, "delete");
                let key = live.key.clone();
                match remove(shared, served, live, options, &note).await {
                    Ok(_) => {}
                    Err(error) if error.code == 404 => {}
                    Err(error) => tracing::warn!(%error, ?key, "an object could not be deleted with what holds it"),
                }
            }
        })
        .await;
}
