//! The roles and bindings that every cluster has from its first start.

use std::sync::Arc;

use bytes::Bytes;
use fairway_clock::World;
use fairway_store::{Action, Batch, CommitError, Expect, Key, Labels, Note, Op, Store};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES};

/// Taken from a real cluster; says so itself.
const DATA: &str = include_str!("../../data/bootstrap-rbac.json");
/// `false` on an object keeps it as its owner made it.
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

#[cfg(test)]
mod tests;

/// Why the roles could not be put in place.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapRbac {
    /// The built-in list cannot be read.
    #[error("read the built-in list of roles")]
    ReadList(#[source] serde_json::Error),
    /// The store refused them.
    #[error("write the roles that every cluster has")]
    Write(#[source] CommitError),
}

#[derive(Deserialize)]
struct Listed {
    clusterroles: Vec<Map<String, Value>>,
    clusterrolebindings: Vec<Map<String, Value>>,
}

/// Adds the roles and bindings that are missing; what is there is left as it is. Gives the number added.
///
/// Right for the first start and for every later one: a role that an administrator changed stays changed, one that
/// was deleted comes back, as on a real cluster.
pub async fn bootstrap(store: &Store, world: &World, note: Option<Note>) -> Result<usize, BootstrapRbac> {
    let listed: Listed = serde_json::from_str(DATA).map_err(BootstrapRbac::ReadList)?;
    let roles = listed.clusterroles.into_iter().map(|it| (CLUSTER_ROLES, it));
    let bindings = listed.clusterrolebindings.into_iter().map(|it| (CLUSTER_ROLE_BINDINGS, it));
    let ops: Vec<Op> = roles
        .chain(bindings)
        .map(|(resource, body)| op(world, resource, body))
        .filter(|op| store.get(&op.key).is_none())
        .collect();
    let added = ops.len();
    if added > 0 {
        store.commit(Batch { ops, note }).await.map_err(BootstrapRbac::Write)?;
    }
    Ok(added)
}

fn op(world: &World, resource: &str, mut body: Map<String, Value>) -> Op {
    let name = body.remove("name").unwrap_or_default();
    let labels = body.remove("labels").unwrap_or_else(|| json!({}));
    let sorted: Labels = labels
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
        .collect();
    let key =
        Key { resource: resource.into(), namespace: Arc::from(""), name: name.as_str().unwrap_or_default().into() };
    let seconds = world.clock.now().as_second();
    let created = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string();
    let metadata = json!({
        "name": name, "uid": world.entropy.uuid(), "creationTimestamp": created, "labels": labels,
        "annotations": { AUTOUPDATE: "true" },
    });
    body.insert("metadata".to_owned(), metadata);
    Op { key, expect: Expect::Absent, action: Action::Put { value: bytes(&Value::Object(body)), labels: sorted } }
}

/// The stored form of an object: metadata first.
pub(crate) fn bytes(object: &Value) -> Bytes {
    let rest = object.as_object().into_iter().flatten().filter(|it| it.0 != "metadata");
    let rest: String = rest.map(|(key, value)| format!(",{}:{value}", json!(key))).collect();
    format!("{{\"metadata\":{}{rest}}}", object["metadata"]).into()
}
