//! Applies Bundles to a cluster: server-side apply with an inventory, pruning by UID, health from what is there.
//!
//! The inventory (a ConfigMap in the target namespace) names every object *before* it is applied and knows its UID
//! after: so nothing is ever applied and forgotten, and nothing is pruned that somebody else made.

mod inventory;

mod apply;

mod kinds;

mod health;

mod blame;

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Client;
use serde_json::Value;
use tokio::sync::Mutex;

pub use health::{Report, View};

/// The field manager of everything applied from a Bundle.
pub const MANAGER: &str = "fairway-agent";
/// No more objects than this are pruned in one go: a bundle that suddenly lost most of itself is more likely a mistake.
pub const DELETION_BUDGET: usize = 20;

/// Applies bundles to one cluster.
#[derive(Clone)]
pub struct Agent {
    client: Client,
    kinds: Arc<kinds::Kinds>,
    /// One pass at a time per inventory: two would write over each other.
    busy: Arc<Mutex<BTreeMap<String, Arc<Mutex<()>>>>>,
}

/// What is applied, under which name it is remembered.
pub struct Bundle<'a> {
    /// The namespace of the inventory, and of objects that name none.
    pub namespace: &'a str,
    /// The name of the inventory: the Component's.
    pub name: &'a str,
    /// In this order.
    pub objects: &'a [Value],
    /// The id of the event that led to it.
    pub cause: Option<&'a str>,
}

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Objects whose content differs from what was applied last: `Deployment/web`.
    pub changed: Vec<String>,
    /// All objects of the bundle.
    pub total: usize,
}

/// Why a bundle could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its inventory cannot be read.
    #[error("read the inventory {namespace}/{name}")]
    ReadInventory {
        /// Where.
        namespace: String,
        /// Whose.
        name: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its inventory cannot be written: nothing was applied that it does not name.
    #[error("write the inventory {namespace}/{name}")]
    WriteInventory {
        /// Where.
        namespace: String,
        /// Whose.
        name: String,
        /// Why.
        source: kube::Error,
    },
    /// An object has no kind or name, or the cluster has no such kind.
    #[error("find the kind of {object}")]
    FindKind {
        /// `Deployment/web`.
        object: String,
        /// Why.
        source: kube::Error,
    },
    /// An object of that name exists and was not applied by this bundle.
    #[error("{object} exists in {namespace} and belongs to somebody else; rename one of the two or delete it")]
    Taken {
        /// `Deployment/web`.
        object: String,
        /// Where.
        namespace: String,
    },
    /// The cluster refused an object.
    #[error("apply {object}")]
    Apply {
        /// `Deployment/web`.
        object: String,
        /// Why.
        source: kube::Error,
    },
    /// An object that is no longer wanted could not be deleted.
    #[error("prune {object}")]
    Prune {
        /// `Deployment/web`.
        object: String,
        /// Why.
        source: kube::Error,
    },
    /// More objects would go than one pass may delete.
    #[error(
        "{count} objects would be pruned at once, and the deletion budget is {budget}; confirm by deleting them by hand"
    )]
    OverBudget {
        /// How many.
        count: usize,
        /// How many may.
        budget: usize,
    },
    /// What runs cannot be read.
    #[error("read {what}")]
    Read {
        /// What.
        what: &'static str,
        /// Why.
        source: kube::Error,
    },
}

impl Agent {
    /// An agent for the cluster behind `client`.
    pub fn new(client: Client) -> Self {
        Self { kinds: Arc::new(kinds::Kinds::new(client.clone())), client, busy: Arc::default() }
    }

    async fn lock(&self, namespace: &str, name: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let mut busy = self.busy.lock().await;
        // Whoever waits holds a clone: only locks that nobody wants are forgotten.
        busy.retain(|_, it| Arc::strong_count(it) > 1);
        let lock = Arc::clone(busy.entry(format!("{namespace}/{name}")).or_default());
        drop(busy);
        lock.lock_owned().await
    }
}
