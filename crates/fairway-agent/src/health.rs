//! What runs: read from the cluster, judged by the pure part.

use std::collections::HashMap;

use fairway_controller::list;
use fairway_plan::health::{Health, judge};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams};
use serde_json::Value;

use crate::inventory::Entry;
use crate::{Agent, Bundle, Error};

/// One sentence is told: what keeps the first few is what keeps the rest.
const MOST_EXPLAINED: usize = 5;
/// The same said again raises a count: more different failures of one Pod are not looked at.
const MOST_EVENTS: u32 = 50;
/// What a node says of a check that failed.
const UNHEALTHY: &str = "Unhealthy";
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

/// What there is of some objects and their pods.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Of each object, in the order of the bundle.
    pub objects: Vec<Option<Value>>,
    /// The pods that carry the label.
    pub pods: Vec<Pod>,
    /// What the last failed check of a pod that is not ready said, by the pod's UID.
    pub unhealthy: HashMap<String, String>,
}

impl Agent {
    /// What there is of the objects of a bundle, and of the pods that carry a label.
    pub async fn look(&self, bundle: &Bundle<'_>, label: (&str, &str)) -> Result<View, Error> {
        let mut view = View::default();
        for object in bundle.objects {
            view.objects.push(self.read(&Entry::of(object, bundle.namespace)).await?);
        }
        let selector = ListParams::default().labels(&format!("{}={}", label.0, label.1));
        let pods = list::<Pod>(&self.client, bundle.namespace, &selector).await;
        view.pods = pods.map_err(|source| Error::Read { what: "pods", source })?;
        let unready = view.pods.iter().filter(|it| !is_ready(it) && it.metadata.deletion_timestamp.is_none());
        for pod in unready.take(MOST_EXPLAINED) {
            view.unhealthy.extend(self.last_failed_check(bundle.namespace, pod).await?);
        }
        Ok(view)
    }

    /// How the workload `name` does, held against the version that is wanted. `None`: there is no such workload.
    pub async fn health(&self, namespace: &str, name: &str, version: &str) -> Result<Option<Report>, Error> {
        let failed = |what| move |source| Error::Read { what, source };
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let Some(deployment) = deployments.get_opt(name).await.map_err(failed("the deployment"))? else {
            return Ok(None);
        };
        let labels = deployment.spec.as_ref().and_then(|it| it.selector.match_labels.clone()).unwrap_or_default();
        let selector = labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let pods = list::<Pod>(&self.client, namespace, &ListParams::default().labels(&selector)).await;
        let pods = pods.map_err(failed("pods"))?;
        let status = deployment.status.clone().unwrap_or_default();
        let mut said = HashMap::new();
        // In a rollout the old ones may be as many as are wanted: what counts is whether every pod is ready.
        let wanted = deployment.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1);
        if status.available_replicas.unwrap_or(0) < status.replicas.unwrap_or(0).max(wanted) {
            for pod in pods.iter().filter(|it| !is_ready(it)).take(MOST_EXPLAINED) {
                said.extend(self.last_failed_check(namespace, pod).await?);
            }
        }
        let unhealthy = |pod: &Pod| said.get(&pod.uid().unwrap_or_default()).cloned();
        Ok(Some(Report {
            health: judge(&deployment, &pods, &unhealthy, version),
            total: status.replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
        }))
    }

    /// What the last failed check of a Pod said, under the Pod's UID.
    async fn last_failed_check(&self, namespace: &str, pod: &Pod) -> Result<Option<(String, String)>, Error> {
        let uid = pod.uid().unwrap_or_default();
        let mut events = Vec::new();
        for reason in [UNHEALTHY, NEEDS_USERS] {
            let of_it = ListParams::default().fields(&format!("involvedObject.uid={uid},reason={reason}"));
            let found = list::<Event>(&self.client, namespace, &of_it.limit(MOST_EVENTS)).await;
            events.extend(found.map_err(|source| Error::Read { what: "events", source })?);
        }
        // The last one counts, and a check that fails because of users that are not there less than why it does.
        events.sort_by_key(|it| (it.reason.as_deref() == Some(NEEDS_USERS), it.last_timestamp.clone()));
        Ok(events.pop().and_then(|it| it.message).map(|it| (uid, it)))
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|it| it.conditions.iter().flatten());
    conditions.filter(|it| it.type_ == "Ready").any(|it| it.status == "True")
}
