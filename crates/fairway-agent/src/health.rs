//! What runs: read from the cluster, judged by the pure part.

use std::collections::HashMap;

use fairway_plan::health::{Health, judge};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use crate::{Agent, Error};

/// What a node says of a program that asks for users that it cannot have.
const NEEDS_USERS: &str = "ImageNeedsUidRange";

/// How a workload does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The judgement.
    pub health: Health,
    /// All instances.
    pub total: i32,
    /// Instances that are ready.
    pub ready: i32,
}

impl Agent {
    /// How the workload `name` does, held against the version that is wanted. `None`: there is no such workload.
    pub async fn health(&self, namespace: &str, name: &str, version: &str) -> Result<Option<Report>, Error> {
        let failed = |what| move |source| Error::Read { what, source };
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let Some(deployment) = deployments.get_opt(name).await.map_err(failed("the deployment"))? else {
            return Ok(None);
        };
        let labels = deployment.spec.as_ref().and_then(|it| it.selector.match_labels.clone()).unwrap_or_default();
        let selector = labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let pods = pods.list(&ListParams::default().labels(&selector)).await.map_err(failed("pods"))?.items;
        let status = deployment.status.clone().unwrap_or_default();
        let mut said = HashMap::new();
        // In a rollout the old ones may be as many as are wanted: what counts is whether every pod is ready.
        let wanted = deployment.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1);
        if status.available_replicas.unwrap_or(0) < status.replicas.unwrap_or(0).max(wanted) {
            said = self.last_failed_checks(namespace).await?;
        }
        let unhealthy = |pod: &Pod| said.get(&pod.uid().unwrap_or_default()).cloned();
        Ok(Some(Report {
            health: judge(&deployment, &pods, &unhealthy, version),
            total: status.replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
        }))
    }

    /// What the last failed check of each Pod said, by the Pod's UID.
    async fn last_failed_checks(&self, namespace: &str) -> Result<HashMap<String, String>, Error> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let events = events.list(&ListParams::default()).await;
        let mut events = events.map_err(|source| Error::Read { what: "events", source })?.items;
        events.retain(|it| it.reason.as_deref().is_some_and(|it| it == "Unhealthy" || it == NEEDS_USERS));
        // The last one counts, and a check that fails because of users that are not there less than why it does.
        events.sort_by_key(|it| (it.reason.as_deref() == Some(NEEDS_USERS), it.last_timestamp.clone()));
        let said = events.into_iter().filter_map(|it| Some((it.involved_object.uid?, it.message?)));
        Ok(said.collect())
    }
}
