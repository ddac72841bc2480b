//! Deployments, and the Services before them.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::support::Cluster;

async fn status(cluster: &Cluster) -> Result<(i32, i32, i32)> {
    let it = cluster.api::<Deployment>().get("web").await?.status.unwrap_or_default();
    Ok((it.replicas.unwrap_or(0), it.updated_replicas.unwrap_or(0), it.available_replicas.unwrap_or(0)))
}

async fn set_image(cluster: &Cluster, image: &str) -> Result<()> {
    let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "c", "image": image }] } } } });
    cluster.api::<Deployment>().patch("web", &PatchParams::default(), &Patch::Strategic(patch)).await?;
    Ok(())
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
    cluster.until("three are available", async || Ok(status(&cluster).await? == (3, 3, 3))).await?;

    set_image(&cluster, "a:2").await?;
    let images = async || -> Result<Vec<String>> {
        let pods = cluster.api::<Pod>().list(&ListParams::default()).await?.items;
        Ok(pods.iter().filter_map(|it| it.spec.as_ref()?.containers[0].image.clone()).collect())
    };
    cluster.until("all run the second", async || Ok(images().await? == ["a:2", "a:2", "a:2"])).await?;
    cluster.until("it settles", async || Ok(status(&cluster).await? == (3, 3, 3))).await?;

    set_image(&cluster, "broken:3").await?;
    cluster.until("one of the broken is there", async || Ok(status(&cluster).await? == (4, 1, 3))).await?;

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
    cluster.make::<StatefulSet>(crate::stateful::db(&json!({ "replicas": 1 }))).await?;
    cluster.until("two are available", async || Ok(status(&cluster).await? == (2, 2, 2))).await?;
    cluster.until("one of the other is", async || crate::stateful::is_done(&cluster, 1).await).await?;
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
    let second = cluster.controllers();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(cluster.plane.store().revision(), settled);
    second.stop().await;
    cluster.stop().await
}
