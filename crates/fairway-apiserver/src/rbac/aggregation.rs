//! Cluster roles that are the union of others: `aggregationRule`.
//!
//! Decisions use the union at once, from the index. [`Aggregation`] also writes it into the objects, where people and
//! clients look for it.

use std::collections::HashSet;
use std::sync::Arc;

use fairway_schema::selector::LabelSelector;
use fairway_store::{Action, Batch, CommitError, Expect, Key, Labels, Note, Op, Range, Store};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::CLUSTER_ROLES;
use super::follow::Followed;
use super::rules::Rule;

#[cfg(test)]
mod tests;

/// `aggregationRule` of a cluster role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AggregationRule {
    #[serde(deserialize_with = "selectors")]
    cluster_role_selectors: Vec<LabelSelector>,
}

fn selectors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LabelSelector>, D::Error> {
    let objects = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    objects.iter().map(|it| LabelSelector::from_object(it).map_err(D::Error::custom)).collect()
}

/// A cluster role as aggregation sees it.
pub(crate) struct Labelled<'a> {
    pub(crate) name: &'a Arc<str>,
    pub(crate) labels: &'a Labels,
    pub(crate) rules: &'a Arc<[Rule]>,
    pub(crate) aggregation: Option<&'a AggregationRule>,
}

/// The rules that aggregated roles have, from roles sorted by name. A selected role may be aggregated itself.
pub(crate) fn unite(roles: &[Labelled<'_>]) -> Vec<(Arc<str>, Arc<[Rule]>)> {
    let aggregated = roles.iter().enumerate().filter(|it| it.1.aggregation.is_some());
    aggregated
        .map(|(start, role)| {
            let mut reached = vec![start];
            let mut order = Vec::new();
            while let Some(at) = reached.get(order.len()).copied() {
                order.push(at);
                let Some(rule) = roles[at].aggregation else { continue };
                for selector in &rule.cluster_role_selectors {
                    for (index, _) in roles.iter().enumerate().filter(|it| selector.matches(it.1.labels)) {
                        if !reached.contains(&index) {
                            reached.push(index);
                        }
                    }
                }
            }
            let mut seen = HashSet::new();
            let plain = order.into_iter().filter(|it| roles[*it].aggregation.is_none());
            let rules = plain.flat_map(|it| roles[it].rules.iter()).filter(|it| seen.insert(*it)).cloned();
            (Arc::clone(role.name), rules.collect())
        })
        .collect()
}

/// Writes the united rules into aggregated cluster roles, whenever a cluster role changes.
pub struct Aggregation {
    store: Store,
    followed: Followed,
    /// What the journal is told about these writes.
    note: Option<Note>,
}

impl Aggregation {
    /// Not running yet; [`Aggregation::run`] is to be spawned by the owner.
    pub fn new(store: Store, note: Option<Note>) -> Self {
        Self { followed: Followed::new(store.clone()), store, note }
    }

    /// Runs until the store is closed. It may be dropped at any point.
    pub async fn run(self) {
        loop {
            let range = Range { resource: CLUSTER_ROLES.into(), namespace: None };
            let Ok(mut watch) = self.store.watch(range, self.store.revision()) else { return };
            loop {
                match self.write().await {
                    Ok(()) | Err(CommitError::Conflict { .. }) => {}
                    Err(_) => return,
                }
                match watch.next_many().await {
                    Ok(_) => {}
                    Err(fairway_store::ReadError::Expired { .. }) => break,
                    Err(_) => return,
                }
            }
        }
    }

    /// One pass; a conflict is somebody else's change, which calls for the next.
    async fn write(&self) -> Result<(), CommitError> {
        for (name, rules) in self.followed.read(super::index::Index::outdated) {
            let key = Key::new(CLUSTER_ROLES, "", name);
            let Some(stored) = self.store.get(&key) else { continue };
            let Ok(mut value) = serde_json::from_slice::<Value>(&stored.value) else { continue };
            value["rules"] = json!(rules.as_ref());
            let action = Action::Put { value: super::bootstrap::bytes(&value), labels: stored.labels };
            let op = Op { key, expect: Expect::At(stored.revision), action };
            self.store.commit(Batch { ops: vec![op], note: self.note.clone() }).await?;
        }
        Ok(())
    }
}
