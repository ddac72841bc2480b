//! The controllers on a real API server. There is no node: the test says what a kubelet would say of each Pod.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fairway_controller::Controllers;
use fairway_testkit::TestPlane;
use fairway_workloads::Settings;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;

struct Cluster {
    plane: TestPlane,
    workloads: Controllers,
    client: Client,
}

impl Cluster {
    async fn start() -> Result<Self> {
        let plane = TestPlane::start().await?;
        let client = plane.client();
        let own = client.clone();
        let workloads = fairway_workloads::start(&Settings {
            client_for: Arc::new(move |_| own.clone()),
            world: plane.world().clone(),
            root_certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
        });
        let nodes: Api<Node> = Api::all(client.clone());
        nodes
            .create(&PostParams::default(), &serde_json::from_value(json!({ "metadata": { "name": "here" } }))?)
            .await?;
        let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        nodes.patch_status("here", &PatchParams::default(), &Patch::Merge(ready)).await?;
        Ok(Self { plane, workloads, client })
    }

    async fn stop(self) -> Result<()> {
        self.workloads.stop().await;
        self.plane.stop().await;
        Ok(())
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    /// Says of every Pod that has a node what its kubelet would say, until `done` holds.
    async fn until(&self, what: &str, done: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let pods: Api<Pod> = self.api();
        for turn in 0..1000 {
            for (index, pod) in pods.list(&ListParams::default()).await?.items.into_iter().enumerate() {
                self.kubelet(&pods, &pod, index + turn).await?;
            }
            if done().await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let seen = self.api::<Deployment>().list(&ListParams::default()).await?.items;
        let sets = self.api::<ReplicaSet>().list(&ListParams::default()).await?.items;
        let sets: Vec<_> = sets.into_iter().map(|it| (it.spec.and_then(|it| it.replicas), it.status)).collect();
        bail!("it never came to this: {what}; {:?} {sets:?}", seen.into_iter().map(|it| it.status).collect::<Vec<_>>())
    }

    async fn kubelet(&self, pods: &Api<Pod>, pod: &Pod, unique: usize) -> Result<()> {
        let name = pod.name_any();
        if pod.metadata.deletion_timestamp.is_some() {
            let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
            let _ = pods.delete(&name, &now).await;
            return Ok(());
        }
        let bound = pod.spec.as_ref().is_some_and(|it| it.node_name.is_some());
        let said = pod.status.as_ref().is_some_and(|it| it.pod_ip.is_some());
        if bound && !said {
            let address = format!("10.244.{}.{}", unique / 250, unique % 250 + 1);
            let image = pod.spec.as_ref().and_then(|it| it.containers[0].image.clone()).unwrap_or_default();
            let ready = if image.contains("broken") { "False" } else { "True" };
            let status = json!({ "status": {
                "phase": "Running", "podIP": address,
                "conditions": [{ "type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z" }],
            }});
            let _ = pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await;
        }
        Ok(())
    }

    async fn status(&self) -> Result<(i32, i32, i32)> {
        let it = self.api::<Deployment>().get("web").await?.status.unwrap_or_default();
        Ok((it.replicas.unwrap_or(0), it.updated_replicas.unwrap_or(0), it.available_replicas.unwrap_or(0)))
    }

    async fn set_image(&self, image: &str) -> Result<()> {
        let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "c", "image": image }] } } } });
        self.api::<Deployment>().patch("web", &PatchParams::default(), &Patch::Strategic(patch)).await?;
        Ok(())
    }
}

fn web(replicas: i32) -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "c", "image": "a:1", "ports": [{ "name": "http", "containerPort": 8080 }] }] },
            },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
        },
    }))
    .expect("a deployment")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_rolls_out_updates_stops_at_a_broken_version_and_goes_away_whole() -> Result<()> {
    let cluster = Cluster::start().await?;
    let deployments = cluster.api::<Deployment>();
    deployments.create(&PostParams::default(), &web(3)).await?;
    cluster.until("three are available", async || Ok(cluster.status().await? == (3, 3, 3))).await?;

    cluster.set_image("a:2").await?;
    let images = async || -> Result<Vec<String>> {
        let pods = cluster.api::<Pod>().list(&ListParams::default()).await?.items;
        Ok(pods.iter().filter_map(|it| it.spec.as_ref()?.containers[0].image.clone()).collect())
    };
    cluster.until("all run the second", async || Ok(images().await? == ["a:2", "a:2", "a:2"])).await?;
    cluster.until("it settles", async || Ok(cluster.status().await? == (3, 3, 3))).await?;

    cluster.set_image("broken:3").await?;
    cluster.until("one of the broken is there", async || Ok(cluster.status().await? == (4, 1, 3))).await?;

    deployments.delete("web", &DeleteParams::background()).await?;
    let gone = async || -> Result<bool> {
        let sets = cluster.api::<ReplicaSet>().list(&ListParams::default()).await?.items;
        let pods = cluster.api::<Pod>().list(&ListParams::default()).await?.items;
        Ok(sets.is_empty() && pods.is_empty())
    };
    cluster.until("sets and pods are collected", gone).await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_has_the_ready_pods_as_endpoints() -> Result<()> {
    let cluster = Cluster::start().await?;
    let service = json!({
        "metadata": { "name": "web" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80, "targetPort": "http" }] },
    });
    cluster.api::<Service>().create(&PostParams::default(), &serde_json::from_value(service)?).await?;
    cluster.api::<Deployment>().create(&PostParams::default(), &web(2)).await?;
    let ready = async || -> Result<usize> {
        let slices = cluster.api::<EndpointSlice>().list(&ListParams::default()).await?.items;
        let ready = slices.iter().flat_map(|it| &it.endpoints);
        Ok(ready.filter(|it| it.conditions.as_ref().and_then(|it| it.ready) == Some(true)).count())
    };
    cluster.until("two endpoints are ready", async || Ok(ready().await? == 2)).await?;
    let scale = Patch::Merge(json!({ "spec": { "replicas": 1 } }));
    cluster.api::<Deployment>().patch_scale("web", &PatchParams::default(), &scale).await.context("scale")?;
    cluster.until("one endpoint is left", async || Ok(ready().await? == 1)).await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_look_at_a_settled_world_writes_nothing() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.api::<Deployment>().create(&PostParams::default(), &web(2)).await?;
    cluster.until("two are available", async || Ok(cluster.status().await? == (2, 2, 2))).await?;
    let account = async || Ok(cluster.api::<ServiceAccount>().get_opt("default").await?.is_some());
    cluster.until("the namespace has its account", account).await?;
    let map = async || Ok(cluster.api::<ConfigMap>().get_opt("kube-root-ca.crt").await?.is_some());
    cluster.until("the namespace has its certificate", map).await?;
    let mut settled = cluster.plane.store().revision();
    // Quiet for a while: then another set of controllers starts, looks at everything, and finds nothing to write.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = cluster.plane.store().revision();
        if now == settled {
            break;
        }
        settled = now;
    }
    let own = cluster.client.clone();
    let second = fairway_workloads::start(&Settings {
        client_for: Arc::new(move |_| own.clone()),
        world: cluster.plane.world().clone(),
        root_certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(cluster.plane.store().revision(), settled);
    second.stop().await;
    cluster.stop().await
}
