//! StatefulSets.

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::Cluster;

pub(crate) fn db(extra: &Value) -> Value {
    let mut set = json!({
        "metadata": { "name": "db" },
        "spec": {
            "replicas": 3, "serviceName": "db", "selector": { "matchLabels": { "app": "db" } },
            "template": {
                "metadata": { "labels": { "app": "db" } }, "spec": { "containers": [{ "name": "c", "image": "a:1" }] },
            },
            "volumeClaimTemplates": [{
                "metadata": { "name": "data" },
                "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Mi" } } },
            }],
        },
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        set["spec"][key] = value.clone();
    }
    set
}

async fn change(cluster: &Cluster, spec: Value) -> Result<()> {
    let patch = Patch::Strategic(json!({ "spec": spec }));
    cluster.api::<StatefulSet>().patch("db", &PatchParams::default(), &patch).await?;
    Ok(())
}

fn image(image: &str) -> Value {
    json!({ "template": { "spec": { "containers": [{ "name": "c", "image": image }] } } })
}

/// Image of each Pod, in the order of their names.
async fn images(cluster: &Cluster) -> Result<Vec<String>> {
    let mut pods = cluster.all::<Pod>().await?;
    pods.sort_by_key(ResourceExt::name_any);
    Ok(pods.into_iter().filter_map(|it| it.spec?.containers[0].image.clone()).collect())
}

async fn status(cluster: &Cluster) -> Result<StatefulSetStatus> {
    Ok(cluster.api::<StatefulSet>().get("db").await?.status.unwrap_or_default())
}

/// Whether so many Pods are ready and of the newest template, and the set says that it is done.
pub(crate) async fn is_done(cluster: &Cluster, replicas: i32) -> Result<bool> {
    let set = cluster.api::<StatefulSet>().get("db").await?;
    let it = set.status.unwrap_or_default();
    let all = |count: Option<i32>| count.unwrap_or(0) == replicas;
    Ok(it.observed_generation == set.metadata.generation
        && it.replicas == replicas
        && all(it.ready_replicas)
        && all(it.available_replicas)
        && all(it.updated_replicas)
        && it.current_revision == it.update_revision)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stateful_set_is_scaled_and_rolled_and_its_claims_stay() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.make::<StatefulSet>(db(&json!({}))).await?;
    cluster.until("three are ready", async || is_done(&cluster, 3).await).await?;
    assert_eq!(cluster.names::<Pod>().await?, ["db-0", "db-1", "db-2"]);
    let claims = ["data-db-0", "data-db-1", "data-db-2"];
    assert_eq!(cluster.names::<PersistentVolumeClaim>().await?, claims);
    let made = cluster.events("SuccessfulCreate").await?;
    assert!(made.contains(&"create Pod db-2 in StatefulSet db successful".to_owned()), "{made:?}");

    // A deleted Pod comes back with its name and its claim.
    let before = cluster.api::<Pod>().get("db-1").await?;
    cluster.api::<Pod>().delete("db-1", &DeleteParams::default()).await?;
    let is_new = async || Ok(cluster.api::<Pod>().get_opt("db-1").await?.is_some_and(|it| it.uid() != before.uid()));
    cluster.until("another stands in", is_new).await?;
    cluster.until("three are ready again", async || is_done(&cluster, 3).await).await?;

    change(&cluster, json!({ "replicas": 1 })).await?;
    cluster.until("one is left", async || is_done(&cluster, 1).await).await?;
    assert_eq!(cluster.names::<Pod>().await?, ["db-0"]);
    assert_eq!(cluster.names::<PersistentVolumeClaim>().await?, claims);

    change(&cluster, json!({ "replicas": 2 })).await?;
    change(&cluster, json!({ "updateStrategy": { "rollingUpdate": { "partition": 1 } } })).await?;
    change(&cluster, image("a:2")).await?;
    cluster.until("the upper half is new", async || Ok(images(&cluster).await? == ["a:1", "a:2"])).await?;
    let is_half = async || Ok(status(&cluster).await?.updated_replicas == Some(1));
    cluster.until("it says so", is_half).await?;
    change(&cluster, json!({ "updateStrategy": { "rollingUpdate": { "partition": 0 } } })).await?;
    cluster.until("all are new", async || is_done(&cluster, 2).await).await?;
    assert_eq!(images(&cluster).await?, ["a:2", "a:2"]);

    // Back to a template of the past: no third revision, the first is the newest again.
    change(&cluster, image("a:1")).await?;
    cluster
        .until("all are old again", async || {
            Ok(is_done(&cluster, 2).await? && images(&cluster).await? == ["a:1", "a:1"])
        })
        .await?;
    let mut numbers: Vec<i64> = cluster.all::<ControllerRevision>().await?.iter().map(|it| it.revision).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3]);

    cluster.api::<StatefulSet>().delete("db", &DeleteParams::background()).await?;
    let gone = async || {
        Ok(cluster.names::<Pod>().await?.is_empty() && cluster.names::<ControllerRevision>().await?.is_empty())
    };
    cluster.until("pods and revisions are collected", gone).await?;
    assert_eq!(cluster.names::<PersistentVolumeClaim>().await?, claims);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_go_with_their_pod_or_their_set_where_that_is_asked_for() -> Result<()> {
    let cluster = Cluster::start().await?;
    let policy = json!({ "whenScaled": "Delete", "whenDeleted": "Delete" });
    let extra = json!({ "persistentVolumeClaimRetentionPolicy": policy, "podManagementPolicy": "Parallel" });
    cluster.make::<StatefulSet>(db(&extra)).await?;
    cluster.until("three are ready", async || is_done(&cluster, 3).await).await?;
    change(&cluster, json!({ "replicas": 1 })).await?;
    let one = async || Ok(cluster.names::<PersistentVolumeClaim>().await? == ["data-db-0"]);
    cluster.until("the claims of those that went are gone", one).await?;
    change(&cluster, json!({ "replicas": 2 })).await?;
    cluster.until("there is a second with a new claim", async || is_done(&cluster, 2).await).await?;
    assert_eq!(cluster.names::<PersistentVolumeClaim>().await?, ["data-db-0", "data-db-1"]);
    cluster.api::<StatefulSet>().delete("db", &DeleteParams::background()).await?;
    let none = async || Ok(cluster.names::<PersistentVolumeClaim>().await?.is_empty());
    cluster.until("no claim is left", none).await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_is_left_behind_finds_its_pods_and_its_history_again() -> Result<()> {
    let cluster = Cluster::start().await?;
    cluster.make::<StatefulSet>(db(&json!({}))).await?;
    cluster.until("three are ready", async || is_done(&cluster, 3).await).await?;
    let uids =
        async || Ok::<_, anyhow::Error>(cluster.all::<Pod>().await?.iter().map(ResourceExt::uid).collect::<Vec<_>>());
    let before = uids().await?;
    cluster.api::<StatefulSet>().delete("db", &DeleteParams::orphan()).await?;
    let gone = async || Ok(cluster.api::<StatefulSet>().get_opt("db").await?.is_none());
    cluster.until("the set is gone", gone).await?;
    cluster.make::<StatefulSet>(db(&json!({}))).await?;
    cluster.until("three are ready", async || is_done(&cluster, 3).await).await?;
    assert_eq!(uids().await?, before);
    assert_eq!(cluster.all::<ControllerRevision>().await?.len(), 1);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_it_ends_where_nobody_was_killed() -> Result<()> {
    for writes in [1, 2, 5] {
        let cluster = Cluster::empty().await?;
        cluster.make::<StatefulSet>(db(&json!({ "replicas": 2 }))).await?;
        let deaths = cluster.die_until(writes, "two are ready", async || is_done(&cluster, 2).await).await?;
        ensure!(deaths * writes > 5, "only {deaths} died after {writes} writes");
        change(&cluster, image("a:2")).await?;
        cluster.die_until(writes, "both are new", async || is_done(&cluster, 2).await).await?;
        assert_eq!(images(&cluster).await?, ["a:2", "a:2"]);
        change(&cluster, json!({ "replicas": 1 })).await?;
        cluster.die_until(writes, "one is left", async || is_done(&cluster, 1).await).await?;
        assert_eq!(cluster.names::<PersistentVolumeClaim>().await?, ["data-db-0", "data-db-1"]);
        assert_eq!(cluster.all::<ControllerRevision>().await?.len(), 2);
        assert_eq!(cluster.names::<Pod>().await?, ["db-0"]);
        cluster.stop().await?;
    }
    Ok(())
}
