//! The real agent as the target of deliveries, as the binary wires it, without the image store.

use async_trait::async_trait;
use fairway_agent::{Agent, Bundle, Error};
use fairway_controllers::{Target, TargetBundle, TargetError, TargetReport, TargetView};
use kube::Client;
use serde_json::Value;

pub(super) struct OwnCluster {
    agent: Agent,
}

impl OwnCluster {
    pub(super) fn new(client: Client) -> Self {
        Self { agent: Agent::new(client) }
    }
}

#[async_trait]
impl Target for OwnCluster {
    fn enforces_egress(&self) -> bool {
        true
    }

    async fn apply(&self, bundle: &TargetBundle<'_>) -> Result<(), TargetError> {
        self.agent.apply(&as_bundle(bundle)).await.map(|_| ()).map_err(as_error)
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
    let message = error.to_string();
    match error {
        Error::Taken { .. } => TargetError::Taken(message),
        Error::OverBudget { .. } => TargetError::Refused(message),
        Error::Apply { source: kube::Error::Api(status), .. } if status.code == 422 => {
            TargetError::Refused(format!("{message}: {}", status.message))
        }
        other => TargetError::Failed(format!("{message}: {other:?}")),
    }
}
