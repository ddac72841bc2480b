//! The hub's own cluster as a target of deliveries: bundles are kept in the image store and applied by the agent.

use async_trait::async_trait;
use fairway_agent::{Agent, Bundle, Error};
use fairway_controllers::{BUNDLE_APPLIED, Target, TargetBundle, TargetError, TargetReport, TargetView};
use fairway_failpoints::Failpoints;
use fairway_oci::Layout;
use serde_json::Value;

/// Applies to the cluster that this process serves.
pub(super) struct OwnCluster {
    pub(super) agent: Agent,
    pub(super) images: Layout,
    pub(super) failpoints: Failpoints,
}

/// What a bundle is in the image store.
const ARTIFACT: &str = "application/vnd.fairway.bundle.v1";
/// Its only layer.
const OBJECTS: &str = "application/vnd.fairway.bundle.objects.v1+json";

impl OwnCluster {
    /// Keeps the bundle by its digest, so that what was applied can be read again.
    async fn keep(&self, bundle: &TargetBundle<'_>) -> Result<(), TargetError> {
        let bytes = serde_json::to_vec(bundle.objects).map_err(|it| TargetError::Failed(it.to_string()))?;
        let name = format!("fairway/bundles/{}/{}:latest", bundle.namespace, bundle.name);
        let images = self.images.clone();
        let annotations = [("dev.fairway.bundle.digest".to_owned(), bundle.digest.to_owned())].into();
        let kept = tokio::task::spawn_blocking(move || {
            let descriptor =
                images.put_artifact(ARTIFACT, OBJECTS, &bytes, annotations).map_err(|it| it.to_string())?;
            let reference = name.parse().map_err(|it: fairway_oci::BadReference| it.to_string())?;
            images.tag(&reference, &descriptor).map_err(|it| it.to_string())
        });
        kept.await.map_err(|it| TargetError::Failed(it.to_string()))?.map_err(TargetError::Failed)
    }
}

#[async_trait]
impl Target for OwnCluster {
    /// Our own node does.
    fn enforces_egress(&self) -> bool {
        true
    }

    async fn apply(&self, bundle: &TargetBundle<'_>) -> Result<(), TargetError> {
        let applied = self.agent.apply(&as_bundle(bundle)).await.map_err(as_error)?;
        // A bundle that changed nothing was kept when it did.
        if applied.changed.is_empty() {
            return Ok(());
        }
        self.failpoints.pass(BUNDLE_APPLIED);
        self.keep(bundle).await
    }

    async fn left_over(&self, bundle: &TargetBundle<'_>) -> Result<Vec<Value>, TargetError> {
        self.agent.left_over(&as_bundle(bundle)).await.map_err(as_error)
    }

    async fn prune(&self, bundle: &TargetBundle<'_>) -> Result<(), TargetError> {
        self.agent.prune(&as_bundle(bundle)).await.map(|_| ()).map_err(as_error)
    }

    async fn remove(&self, namespace: &str, name: &str) -> Result<(), TargetError> {
        self.agent.remove(namespace, name).await.map(|_| ()).map_err(as_error)
    }

    async fn look(&self, bundle: &TargetBundle<'_>, label: (&str, &str)) -> Result<TargetView, TargetError> {
        let view = self.agent.look(&as_bundle(bundle), label).await.map_err(as_error)?;
        Ok(TargetView { objects: view.objects, pods: view.pods, unhealthy: view.unhealthy })
    }

    async fn blame(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
        why: &str,
    ) -> Result<Option<String>, TargetError> {
        self.agent.blame(namespace, name, version, why).await.map_err(as_error)
    }

    async fn health(&self, namespace: &str, name: &str, version: &str) -> Result<Option<TargetReport>, TargetError> {
        let report = self.agent.health(namespace, name, version).await.map_err(as_error)?;
        Ok(report.map(|it| TargetReport { health: it.health, total: it.total, ready: it.ready }))
    }
}

fn as_bundle<'a>(it: &TargetBundle<'a>) -> Bundle<'a> {
    Bundle { namespace: it.namespace, name: it.name, objects: it.objects, cause: it.cause }
}

/// A refusal that would be repeated is told apart from a failure that may pass.
fn as_error(error: Error) -> TargetError {
    let said = |source: &kube::Error| match source {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    };
    let lasting = |source: &kube::Error| matches!(source, kube::Error::Api(status) if (400..500).contains(&status.code) && ![408, 409, 429].contains(&status.code));
    let message = error.to_string();
    match &error {
        Error::Taken { .. } => TargetError::Taken(message),
        Error::OverBudget { .. } => TargetError::Refused(message),
        Error::Apply { source, .. } | Error::Prune { source, .. } | Error::FindKind { source, .. }
            if lasting(source) =>
        {
            TargetError::Refused(format!("the cluster refused to {message}: {}", said(source)))
        }
        Error::Apply { source, .. }
        | Error::Prune { source, .. }
        | Error::FindKind { source, .. }
        | Error::WriteInventory { source, .. }
        | Error::Read { source, .. } => TargetError::Failed(format!("{message}: {}", said(source))),
        Error::ReadInventory { source, .. } => TargetError::Failed(format!("{message}: {source}")),
    }
}
