//! ResourceQuotas: what a namespace may have at most. A creation that would go beyond one is refused, in the words of the
//! real admission plugin. What is used is counted from what is there, under a lock until the new object is.

mod usage;

use std::sync::Arc;

use fairway_schema::quantity::Quantity;
use fairway_store::{ListQuery, Range};
use serde_json::Value;
use tokio::sync::MutexGuard;

use crate::ApiError;
use crate::object::{self, text_at};
use crate::registry::Served;
use crate::server::{Call, Shared};

pub(crate) use usage::{Usage, counted, limits};

const QUOTAS: &str = "core/resourcequotas";

/// Refuses what is beyond a quota of the namespace. What it takes is its own until the result is dropped.
pub(crate) async fn within<'a>(call: &'a Call, new: &Value) -> Result<Option<MutexGuard<'a, ()>>, ApiError> {
    let (shared, served, namespace) = (&call.shared, &call.served, call.info.namespace.as_str());
    if namespace.is_empty() || of(shared, namespace).is_empty() {
        return Ok(None);
    }
    let one = shared.quotas.lock().await;
    let name = text_at(new, "/metadata/name");
    let refuse = |why: &str| ApiError::forbidden(&served.group, &served.plural, name, why);
    for quota in of(shared, namespace) {
        let hard = limits(&quota);
        let asked = usage::of(served, new, &quota).only(&hard);
        let unsaid = usage::unsaid(served, new, &quota, &hard);
        let own = text_at(&quota, "/metadata/name");
        if !unsaid.is_empty() {
            return Err(refuse(&format!("failed quota: {own}: must specify {unsaid}")));
        }
        if asked.is_empty() {
            continue;
        }
        let used = used(shared, namespace, &quota, &hard);
        let beyond: Vec<&str> = asked
            .iter()
            .filter(|(what, more)| used.amount(what).plus(**more) > hard.amount(what))
            .map(|(what, _)| what)
            .collect();
        if !beyond.is_empty() {
            let shown = |it: &Usage| it.shown(&beyond);
            let (asked, used, hard) = (shown(&asked), shown(&used), shown(&hard));
            return Err(refuse(&format!("exceeded quota: {own}, requested: {asked}, used: {used}, limited: {hard}")));
        }
    }
    Ok(Some(one))
}

/// The quotas of a namespace.
fn of(shared: &Shared, namespace: &str) -> Vec<Value> {
    objects(shared, QUOTAS, namespace)
}

fn objects(shared: &Shared, storage: &str, namespace: &str) -> Vec<Value> {
    let range = Range { resource: storage.into(), namespace: Some(namespace.into()) };
    let items = shared.store.list(&ListQuery::all(range)).map(|it| it.items).unwrap_or_default();
    items.iter().map(|it| object::parse(&it.value)).collect()
}

/// What is used of what a quota limits.
pub(crate) fn used(shared: &Shared, namespace: &str, quota: &Value, hard: &Usage) -> Usage {
    let mut used: Usage = hard.iter().map(|(what, _)| (what.to_owned(), Quantity::from_units(0))).collect();
    let registry = shared.registry();
    let is_counted = |it: &Arc<Served>| it.namespaced && counted(it, hard);
    for served in registry.collections().into_iter().filter(is_counted) {
        for object in objects(shared, &served.storage, namespace) {
            used.add(&usage::of(&served, &object, quota).only(hard));
        }
    }
    used
}
