//! What is used of each quota: counted anew whenever something of its namespace that may count changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use fairway_store::{Key, ListQuery, Range};
use serde_json::{Map, Value, json};

use super::{Change, edit};
use crate::admission::quota::{Usage, limits, used};
use crate::server::Shared;

const QUOTAS: &str = "core/resourcequotas";
/// They change often, and nobody limits how many there are.
const UNCOUNTED: [&str; 4] =
    ["core/events", "events.k8s.io/events", "coordination.k8s.io/leases", "discovery.k8s.io/endpointslices"];

/// The namespaces whose quotas are to be looked at.
#[derive(Default)]
pub(super) struct Touched(BTreeSet<Arc<str>>);

impl Touched {
    pub(super) fn note(&mut self, change: &Change) {
        let key = change.key();
        if !key.namespace.is_empty() && !UNCOUNTED.contains(&&*key.resource) {
            self.0.insert(Arc::clone(&key.namespace));
        }
    }

    /// Every quota there is.
    pub(super) fn all(shared: &Shared) -> Self {
        Self(keys(shared, None).into_iter().map(|it| it.namespace).collect())
    }

    /// Writes what is used.
    pub(super) async fn count(&mut self, shared: &Arc<Shared>) {
        let Some(served) = shared.registry().by_kind("v1", "ResourceQuota").cloned() else { return };
        for namespace in std::mem::take(&mut self.0) {
            for key in keys(shared, Some(Arc::clone(&namespace))) {
                let count = |quota: &mut Value| {
                    let hard = limits(quota);
                    let used = used(shared, &namespace, quota, &hard);
                    quota["status"] = json!({ "hard": shown(&hard), "used": shown(&used) });
                };
                edit(shared, &served, &key, "resourcequota-controller", count).await;
            }
        }
    }
}

fn keys(shared: &Shared, namespace: Option<Arc<str>>) -> Vec<Key> {
    let range = Range { resource: QUOTAS.into(), namespace };
    let page = shared.store.list(&ListQuery::all(range));
    page.map(|it| it.items.into_iter().map(|it| it.key).collect()).unwrap_or_default()
}

fn shown(usage: &Usage) -> Map<String, Value> {
    usage.iter().map(|(what, amount)| (what.to_owned(), json!(amount.to_string()))).collect()
}
