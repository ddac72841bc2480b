//! The seam to a cluster: what a Delivery needs of the agent there.

use std::collections::HashMap;

use async_trait::async_trait;
use fairway_plan::health::Health;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

/// Applies bundles and says how they do.
#[async_trait]
pub trait Target: Send + Sync + 'static {
    /// Applies every object of a bundle; what it no longer has stays for now.
    async fn apply(&self, bundle: &TargetBundle<'_>) -> Result<(), TargetError>;

    /// What was applied under its name, is still there, and is not in the bundle any more.
    async fn left_over(&self, bundle: &TargetBundle<'_>) -> Result<Vec<Value>, TargetError>;

    /// Removes what the bundle no longer has.
    async fn prune(&self, bundle: &TargetBundle<'_>) -> Result<(), TargetError>;

    /// Removes everything that was ever applied under this name.
    async fn remove(&self, namespace: &str, name: &str) -> Result<(), TargetError>;

    /// Whether pods there reach only the names outside that their namespace lists.
    fn enforces_egress(&self) -> bool {
        false
    }

    /// What there is of the objects of a bundle, and of the pods that carry a label.
    async fn look(&self, bundle: &TargetBundle<'_>, label: (&str, &str)) -> Result<TargetView, TargetError>;

    /// What is to blame for a version that is given up for the reason `why`, if something says so beyond that.
    async fn blame(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
        why: &str,
    ) -> Result<Option<String>, TargetError> {
        let _ = (namespace, name, version, why);
        Ok(None)
    }

    /// How the workload does, held against a version.
    async fn health(&self, namespace: &str, name: &str, version: &str) -> Result<Option<TargetReport>, TargetError>;
}

/// A bundle and what it is remembered under.
#[derive(Debug, Clone, Copy)]
pub struct TargetBundle<'a> {
    /// Where.
    pub namespace: &'a str,
    /// The Component.
    pub name: &'a str,
    /// What.
    pub objects: &'a [Value],
    /// Its digest.
    pub digest: &'a str,
    /// The id of the event that led to it.
    pub cause: Option<&'a str>,
}

/// How a workload does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetReport {
    /// The judgement.
    pub health: Health,
    /// All instances.
    pub total: i32,
    /// Those that are ready.
    pub ready: i32,
}

/// What there is.
#[derive(Debug, Clone, Default)]
pub struct TargetView {
    /// Of each object of the bundle, in its order.
    pub objects: Vec<Option<Value>>,
    /// The pods.
    pub pods: Vec<Pod>,
    /// What the last failed check of a pod that is not ready said, by the pod's UID.
    pub unhealthy: HashMap<String, String>,
}

/// Why the target did not do it.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// An object of that name is somebody else's.
    #[error("{0}")]
    Taken(String),
    /// The cluster says no, and will say so again until something changes.
    #[error("{0}")]
    Refused(String),
    /// It could not be asked, or failed on the way.
    #[error("{0}")]
    Failed(String),
}

impl TargetError {
    /// The reason of the condition.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Taken(_) => "ObjectTaken",
            Self::Refused(_) | Self::Failed(_) => "ApplyFailed",
        }
    }
}
