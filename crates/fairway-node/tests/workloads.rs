//! What keeps Pods and what makes them run to their end, on a real node.
#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use std::sync::Arc;

use fairway_node::runner::LogOptions;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Resource, ResourceExt};
use plane::{Plane, is_ready, phase, restarts, state};
use serde_json::{Value, json};

fn controllers(plane: &Plane) -> impl Sized + use<> {
    let client = plane.api.client();
    fairway_workloads::start(&fairway_workloads::Settings {
        client_for: Arc::new(move |_| client.clone()),
        world: fairway_clock::World::system(),
        root_certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
    })
}

fn api<K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>>(plane: &Plane) -> Api<K> {
    Api::namespaced(plane.api.client(), "default")
}

/// A template of Pods that run these words, with a volume at /data.
fn template(words: &[&str], policy: &str) -> Value {
    let container = json!({
        "name": "app", "image": "program", "args": words, "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
    });
    let spec = json!({
        "restartPolicy": policy, "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 1,
        "containers": [container], "volumes": [{ "name": "data", "emptyDir": {} }],
    });
    json!({ "metadata": { "labels": { "app": "db" } }, "spec": spec })
}

/// Another Pod of this name than the one before, once it is ready.
async fn another(plane: &Plane, name: &str, before: Option<&Pod>) -> Pod {
    let uid = before.and_then(ResourceExt::uid);
    plane.until(name, "ready", |it| is_ready(it) && it.uid() != uid).await
}

/// What a Pod printed, once it printed a line.
async fn says(plane: &Plane, pod: &str) -> String {
    loop {
        let text = plane.log(pod, LogOptions::default()).await;
        if text.ends_with('\n') {
            return text;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stateful_set_of_two_keeps_its_data() {
    let Some(mut plane) = Plane::start().await else { return };
    let working = controllers(&plane);
    let claim = json!({ "metadata": { "name": "data" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "8Mi" } } } });
    let set = json!({ "metadata": { "name": "db" }, "spec": {
        "replicas": 2, "serviceName": "db", "selector": { "matchLabels": { "app": "db" } },
        "template": template(&["count", "/data/times"], "Always"), "volumeClaimTemplates": [claim],
    } });
    api::<StatefulSet>(&plane).create(&PostParams::default(), &serde_json::from_value(set).unwrap()).await.unwrap();
    let first = another(&plane, "db-0", None).await;
    let second = another(&plane, "db-1", None).await;
    assert_eq!((says(&plane, "db-0").await, says(&plane, "db-1").await), ("time 1\n".into(), "time 1\n".into()));

    plane.pods().delete("db-0", &DeleteParams::default()).await.unwrap();
    let first = another(&plane, "db-0", Some(&first)).await;
    assert_eq!(says(&plane, "db-0").await, "time 2\n", "the data of the one before it");

    // The platform goes and comes back; its pods went on, and their claims are theirs still.
    drop(working);
    plane.node.take().unwrap().stop(true).await;
    plane.begin().await;
    let working = controllers(&plane);
    plane.pods().delete("db-1", &DeleteParams::default()).await.unwrap();
    another(&plane, "db-1", Some(&second)).await;
    assert_eq!(says(&plane, "db-1").await, "time 2\n");
    assert_eq!(plane.pods().get("db-0").await.unwrap().uid(), first.uid());

    // A claim that is deleted stays while it is used; who comes after begins with a new one.
    let claims = api::<PersistentVolumeClaim>(&plane);
    let before = claims.get("data-db-0").await.unwrap();
    claims.delete("data-db-0", &DeleteParams::default()).await.unwrap();
    assert!(claims.get("data-db-0").await.unwrap().metadata.deletion_timestamp.is_some());
    plane.pods().delete("db-0", &DeleteParams::default()).await.unwrap();
    another(&plane, "db-0", Some(&first)).await;
    assert_eq!(says(&plane, "db-0").await, "time 1\n");
    assert_ne!(claims.get("data-db-0").await.unwrap().uid(), before.uid());

    api::<StatefulSet>(&plane).delete("db", &DeleteParams::background()).await.unwrap();
    plane.gone("db-0").await;
    plane.gone("db-1").await;
    assert_eq!(claims.list(&ListParams::default()).await.unwrap().items.len(), 2);
    drop(working);
    plane.clean().await;
}

#[tokio::test]
async fn a_claim_may_grow_and_not_shrink() {
    let Some(plane) = Plane::start().await else { return };
    let claims = api::<PersistentVolumeClaim>(&plane);
    let size = |size: &str| json!({ "resources": { "requests": { "storage": size } } });
    let mut claim = json!({ "metadata": { "name": "grows" }, "spec": size("8Mi") });
    claim["spec"]["accessModes"] = json!(["ReadWriteOnce"]);
    claims.create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
    let holds = async |wanted: &str| {
        loop {
            let status = claims.get("grows").await.unwrap().status.unwrap_or_default();
            if status.capacity.is_some_and(|it| it["storage"].0 == wanted) {
                return;
            }
        }
    };
    holds("8Mi").await;
    let change = async |to: &str| {
        let patch = Patch::Merge(json!({ "spec": size(to) }));
        claims.patch("grows", &PatchParams::default(), &patch).await
    };
    change("64Mi").await.unwrap();
    holds("64Mi").await;
    // The new size is what counts: this writes 32 MiB.
    let spec = json!({ "restartPolicy": "Never", "app.volumeMounts": [{ "name": "data", "mountPath": "/data" }],
        "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "grows" } }] });
    plane.pod("fills", &["fill", "/data/big"], spec).await;
    plane.until("fills", "running", |it| state(it) == "running").await;
    assert_eq!(says(&plane, "fills").await, "filled\n");
    let refused = change("1Mi").await.unwrap_err().to_string();
    assert!(refused.contains("can not be less than status.capacity"), "{refused}");
    assert_eq!(phase(&plane.pods().get("fills").await.unwrap()), "Running");
    plane.clean().await;
}

async fn job(plane: &Plane, name: &str, words: &[&str], policy: &str, extra: Value) {
    let mut job = json!({ "metadata": { "name": name }, "spec": { "template": template(words, policy) } });
    for (key, value) in extra.as_object().unwrap() {
        job["spec"][key] = value.clone();
    }
    api::<Job>(plane).create(&PostParams::default(), &serde_json::from_value(job).unwrap()).await.unwrap();
}

/// Waits for a condition of a Job: its reason, and how many of its Pods ended well and failed.
async fn ended(plane: &Plane, name: &str, condition: &str) -> (String, i32, i32) {
    loop {
        let status = api::<Job>(plane).get(name).await.unwrap().status.unwrap_or_default();
        let found = status.conditions.iter().flatten().find(|it| it.type_ == condition && it.status == "True");
        if let Some(found) = found {
            let reason = found.reason.clone().unwrap_or_default();
            return (reason, status.succeeded.unwrap_or(0), status.failed.unwrap_or(0));
        }
        tokio::task::yield_now().await;
    }
}

async fn pods_of(plane: &Plane, job: &str) -> Vec<Pod> {
    let labels = format!("batch.kubernetes.io/job-name={job}");
    plane.pods().list(&ListParams::default().labels(&labels)).await.unwrap().items
}

#[tokio::test]
async fn a_job_that_fails_twice_then_succeeds_and_one_that_never_does() {
    let Some(plane) = Plane::start().await else { return };
    let working = controllers(&plane);
    job(&plane, "never", &["exit", "3"], "Never", json!({ "backoffLimit": 0 })).await;
    // Restarted in its Pod, where what it did before is.
    job(&plane, "tries", &["count", "/data/times", "2"], "OnFailure", json!({})).await;
    assert_eq!(ended(&plane, "never", "Failed").await, ("BackoffLimitExceeded".into(), 0, 1));
    let pods = pods_of(&plane, "never").await;
    assert_eq!((pods.len(), phase(&pods[0]), state(&pods[0]).as_str()), (1, "Failed", "terminated 3 Error"));
    assert_eq!(ended(&plane, "tries", "Complete").await, ("CompletionsReached".into(), 1, 0));
    let pods = pods_of(&plane, "tries").await;
    assert_eq!((pods.len(), phase(&pods[0]), restarts(&pods[0])), (1, "Succeeded", 2));
    assert_eq!(says(&plane, &pods[0].name_any()).await, "time 3\n");
    drop(working);
    plane.clean().await;
}

#[tokio::test]
async fn a_job_ends_at_its_deadline_and_a_deleted_pod_is_held_until_it_is_counted() {
    let Some(plane) = Plane::start().await else { return };
    let working = controllers(&plane);
    let running = async |job: &str| {
        loop {
            if let Some(pod) = pods_of(&plane, job).await.into_iter().find(|it| state(it) == "running") {
                return pod;
            }
            tokio::task::yield_now().await;
        }
    };
    job(&plane, "slow", &["sleep"], "Never", json!({ "activeDeadlineSeconds": 3 })).await;
    // A Pod that somebody deletes is replaced once it has ended, and how it ended is known then.
    let careful = json!({ "podReplacementPolicy": "Failed", "backoffLimit": 0 });
    job(&plane, "careful", &["sleep"], "Never", careful).await;
    let pod = running("careful").await;
    plane.pods().delete(&pod.name_any(), &DeleteParams::default()).await.unwrap();
    assert_eq!(ended(&plane, "careful", "Failed").await, ("BackoffLimitExceeded".into(), 0, 1));
    plane.gone(&pod.name_any()).await;
    assert_eq!(ended(&plane, "slow", "Failed").await, ("DeadlineExceeded".into(), 0, 1));
    // One that is deleted whole leaves nothing behind.
    job(&plane, "goes", &["sleep"], "Never", json!({ "parallelism": 2, "completions": 2 })).await;
    let pod = running("goes").await;
    api::<Job>(&plane).delete("goes", &DeleteParams::background()).await.unwrap();
    plane.gone(&pod.name_any()).await;
    while !pods_of(&plane, "goes").await.is_empty() {
        tokio::task::yield_now().await;
    }
    drop(working);
    plane.clean().await;
}

#[tokio::test]
async fn workloads_hold_without_root_too() {
    bench::again_without_root();
}
