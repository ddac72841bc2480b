//! A real API server with the controllers on it. There is no node: the test says what a kubelet would say of each Pod.
#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, bail};
use fairway_apiserver::Identity;
use fairway_clock::{ManualClock, World};
use fairway_controller::Controllers;
use fairway_testkit::{TestPlane, mortal};
use fairway_workloads::Settings;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) struct Cluster {
    pub(crate) plane: TestPlane,
    /// The controllers, while they live.
    workloads: Option<Controllers>,
    pub(crate) client: Client,
    /// Time as the controllers know it.
    world: World,
}

impl Cluster {
    pub(crate) async fn start() -> Result<Self> {
        let mut it = Self::empty().await?;
        it.revive();
        Ok(it)
    }

    /// One on which no controller runs.
    pub(crate) async fn empty() -> Result<Self> {
        let plane = TestPlane::guarded().await?;
        let client = plane.client();
        give_rights(&client).await?;
        let nodes: Api<Node> = Api::all(client.clone());
        nodes
            .create(&PostParams::default(), &serde_json::from_value(json!({ "metadata": { "name": "here" } }))?)
            .await?;
        let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        nodes.patch_status("here", &PatchParams::default(), &Patch::Merge(ready)).await?;
        let world = plane.world().clone();
        Ok(Self { plane, workloads: None, client, world })
    }

    /// One whose controllers' time stands still until it is told to move.
    pub(crate) async fn timed() -> Result<(Self, Arc<ManualClock>)> {
        let mut it = Self::empty().await?;
        let clock = Arc::new(ManualClock::new(it.world.clock.now()));
        it.world.clock = clock.clone();
        Ok((it, clock))
    }

    pub(crate) fn revive(&mut self) {
        self.workloads = Some(self.controllers());
    }

    /// Controllers that act with no more rights than they ask for.
    pub(crate) fn controllers(&self) -> Controllers {
        let service = self.plane.server().service();
        self.controllers_with(Arc::new(move |name| {
            let identity = Identity { user: name.to_owned(), ..Identity::default() };
            Client::new(service.clone().with_identity(identity), "default")
        }))
    }

    fn controllers_with(&self, client_for: Arc<dyn Fn(&'static str) -> Client + Send + Sync>) -> Controllers {
        fairway_workloads::start(&Settings {
            client_for,
            world: self.world.clone(),
            root_certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
        })
    }

    /// Lets controllers die after every `writes` writes and rise again, until `done`. Returns how many died.
    pub(crate) async fn die_until(
        &self,
        writes: usize,
        what: &str,
        done: impl AsyncFn() -> Result<bool>,
    ) -> Result<usize> {
        for deaths in 0..500 {
            let (client, dead) = mortal(&self.plane, writes);
            let doomed = self.controllers_with(Arc::new(move |_| client.clone()));
            let over = self.until(what, async || Ok(dead.load(Ordering::SeqCst) || done().await?)).await;
            doomed.stop().await;
            over?;
            if !dead.load(Ordering::SeqCst) {
                return Ok(deaths);
            }
        }
        bail!("five hundred lives of {writes} writes were not enough")
    }

    pub(crate) async fn stop(self) -> Result<()> {
        if let Some(workloads) = self.workloads {
            workloads.stop().await;
        }
        self.plane.stop().await;
        Ok(())
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    pub(crate) async fn make<K>(&self, object: Value) -> Result<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + DeserializeOwned,
    {
        Ok(self.api().create(&PostParams::default(), &serde_json::from_value(object)?).await?)
    }

    pub(crate) async fn all<K>(&self) -> Result<Vec<K>>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        Ok(self.api::<K>().list(&ListParams::default()).await?.items)
    }

    /// The names of all objects of a kind, sorted.
    pub(crate) async fn names<K>(&self) -> Result<Vec<String>>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let mut names: Vec<String> = self.all::<K>().await?.iter().map(ResourceExt::name_any).collect();
        names.sort();
        Ok(names)
    }

    /// What was said with this reason.
    pub(crate) async fn events(&self, reason: &str) -> Result<Vec<String>> {
        let all = self.all::<Event>().await?.into_iter().filter(|it| it.reason.as_deref() == Some(reason));
        Ok(all.filter_map(|it| it.message).collect())
    }

    /// Says of every Pod that has a node what its kubelet would say, until `done` holds.
    pub(crate) async fn until(&self, what: &str, done: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let pods: Api<Pod> = self.api();
        for turn in 0..1000 {
            let all = self.all::<Pod>().await?;
            // Counted on as they are said: of two that begin in one turn, the second knows how the first ended.
            let mut failed = all.iter().filter(|it| phase(it) == "Failed").count();
            for (index, pod) in all.into_iter().enumerate() {
                failed += usize::from(self.kubelet(&pods, &pod, index + turn, failed).await == Some("Failed".into()));
            }
            if done().await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let pods = self.all::<Pod>().await?;
        let pods = pods.iter().map(|it| (it.name_any(), phase(it).to_owned(), it.metadata.finalizers.clone()));
        let events = self.all::<Event>().await?.into_iter().filter_map(|it| it.message);
        bail!("it never came to this: {what}; {:?} {:#?}", pods.collect::<Vec<_>>(), events.collect::<Vec<_>>())
    }

    /// Where the Pod stands now, if anything was said of it.
    async fn kubelet(&self, pods: &Api<Pod>, pod: &Pod, unique: usize, failed: usize) -> Option<String> {
        let name = pod.name_any();
        if pod.metadata.deletion_timestamp.is_some() {
            let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
            let _may_be_gone = pods.delete(&name, &now).await;
            return None;
        }
        let bound = pod.spec.as_ref().is_some_and(|it| it.node_name.is_some());
        let said = pod.status.as_ref().is_some_and(|it| it.pod_ip.is_some());
        if !bound || said {
            return None;
        }
        let status = Patch::Merge(said_of(pod, unique, failed));
        // It may be gone.
        let told = pods.patch_status(&name, &PatchParams::default(), &status).await.ok()?;
        Some(phase(&told).to_owned())
    }
}

/// What the platform gives each controller.
async fn give_rights(client: &Client) -> Result<()> {
    let group = "rbac.authorization.k8s.io";
    for right in fairway_workloads::rights() {
        let name = right.name;
        let role = json!({ "metadata": { "name": name }, "rules": right.rules });
        let role: ClusterRole = serde_json::from_value(role)?;
        Api::all(client.clone()).create(&PostParams::default(), &role).await?;
        let binding = json!({ "metadata": { "name": name },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": name },
            "subjects": [{ "apiGroup": group, "kind": "User", "name": name }] });
        let binding: ClusterRoleBinding = serde_json::from_value(binding)?;
        Api::all(client.clone()).create(&PostParams::default(), &binding).await?;
    }
    Ok(())
}

/// Where a Pod stands.
pub(crate) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|it| it.phase.as_deref()).unwrap_or_default()
}

/// What a kubelet says of a Pod, from its image: `broken` never gets ready, `exit-<code>` ends at once, `fails-<n>` ends
/// badly until so many have.
fn said_of(pod: &Pod, unique: usize, failed: usize) -> Value {
    let address = format!("10.244.{}.{}", unique / 250, unique % 250 + 1);
    let image = pod.spec.as_ref().and_then(|it| it.containers[0].image.clone()).unwrap_or_default();
    let ready = if image.contains("broken") { "False" } else { "True" };
    let mut status = json!({
        "phase": "Running", "podIP": address,
        "conditions": [{ "type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z" }],
    });
    let flaky = image.strip_prefix("fails-").map(|it| i32::from(failed < it.parse().unwrap()));
    let code = image.strip_prefix("exit-").map(|it| it.parse().unwrap()).or(flaky);
    if let Some(code) = code {
        status["phase"] = json!(if code == 0 { "Succeeded" } else { "Failed" });
        status["conditions"][0]["status"] = json!("False");
        status["containerStatuses"] = json!([{
            "name": "c", "image": image, "imageID": "", "ready": false, "restartCount": 0,
            "state": { "terminated": { "exitCode": code, "finishedAt": "2026-01-01T00:00:01Z" } },
        }]);
    }
    json!({ "status": status })
}
