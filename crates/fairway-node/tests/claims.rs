//! PersistentVolumeClaims as folders, and pods that are ended because they take more than they may.
#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use std::path::Path;

use fairway_node::runner::LogOptions;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, DeleteParams, PostParams};
use plane::{Plane, phase, state};
use serde_json::{Value, json};

fn claims(plane: &Plane) -> Api<PersistentVolumeClaim> {
    Api::namespaced(plane.api.client(), "default")
}

async fn claim(plane: &Plane, name: &str, size: &str) {
    let claim = json!({ "metadata": { "name": name },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": size } } } });
    claims(plane).create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
}

/// A pod that mounts the claim at /data.
fn over(claim: &str) -> Value {
    json!({
        "restartPolicy": "Never", "app.volumeMounts": [{ "name": "data", "mountPath": "/data" }],
        "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }],
    })
}

async fn claim_is_gone(plane: &Plane, name: &str) {
    while claims(plane).get_opt(name).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
}

fn reason(pod: &k8s_openapi::api::core::v1::Pod) -> (String, String) {
    let status = pod.status.clone().unwrap_or_default();
    (status.reason.unwrap_or_default(), status.message.unwrap_or_default())
}

#[tokio::test]
async fn a_claim_is_bound_shared_by_pods_and_removed_after_the_last() {
    let Some(plane) = Plane::start().await else { return };
    claim(&plane, "cache", "64Mi").await;
    let volume = plane.node().bound_volume("default", "cache").await;
    let bound = async {
        loop {
            let claim = claims(&plane).get("cache").await.unwrap();
            if claim.status.as_ref().and_then(|it| it.phase.as_deref()) == Some("Bound") {
                return claim;
            }
        }
    };
    let bound = bound.await;
    let name = format!("pvc-{}", bound.metadata.uid.as_ref().unwrap());
    assert_eq!(bound.spec.unwrap().volume_name, Some(name));
    assert_eq!(bound.status.unwrap().capacity.unwrap()["storage"].0, "64Mi");
    assert_eq!(bound.metadata.finalizers.unwrap(), ["kubernetes.io/pvc-protection"]);
    // What the hub puts there a pod changes, another reads, and the hub reads again.
    std::fs::write(volume.fill().unwrap().join("source"), "of the hub\n").unwrap();
    volume.filled().unwrap();
    plane.pod("one", &["write", "/data/made", "/data/source"], over("cache")).await;
    plane.until("one", "done", |it| phase(it) == "Succeeded").await;
    assert_eq!(plane.log("one", LogOptions::default()).await, "/data/made: written\n/data/source: written\n");
    let read_only = {
        let mut spec = over("cache");
        spec["volumes"][0]["persistentVolumeClaim"]["readOnly"] = json!(true);
        spec
    };
    plane.pod("two", &["write", "/data/made"], read_only).await;
    plane.until("two", "done", |it| phase(it) == "Succeeded").await;
    assert_eq!(plane.log("two", LogOptions::default()).await, "/data/made: Read-only file system\n");
    assert!(volume.open(Path::new("made")).is_ok() && volume.open(Path::new("absent")).is_err());
    plane.pod("three", &["sleep"], over("cache")).await;
    plane.until("three", "running", |it| state(it) == "running").await;
    claims(&plane).delete("cache", &DeleteParams::default()).await.unwrap();
    plane.pod("late", &["sleep"], json!({})).await;
    plane.until("late", "running", |it| state(it) == "running").await;
    assert!(claims(&plane).get("cache").await.unwrap().metadata.deletion_timestamp.is_some());
    assert!(volume.folder().join("made").exists(), "a pod uses it still");
    plane.delete("three").await;
    claim_is_gone(&plane, "cache").await;
    assert!(!volume.folder().exists() && plane.node().volume("default", "cache").is_none());
    plane.clean().await;
}

#[tokio::test]
async fn what_a_user_wrote_into_a_claim_is_still_its_own_in_the_pod_after() {
    let Some(plane) = Plane::start().await else { return };
    claim(&plane, "data", "64Mi").await;
    let as_user = || {
        let mut spec = over("data");
        spec["securityContext"] = json!({ "runAsUser": 999, "runAsGroup": 999 });
        spec
    };
    let address = |pod: &k8s_openapi::api::core::v1::Pod| pod.status.clone().unwrap_or_default().pod_ip;
    plane.pod("first", &["keep", "/data/private"], as_user()).await;
    let first = plane.until("first", "done", |it| phase(it) == "Succeeded").await;
    assert_eq!(plane.log("first", LogOptions::default()).await, "kept by 999 999\n");
    plane.delete("first").await;
    // Whoever takes its address in between makes the next one come from elsewhere.
    plane.pod("between", &["sleep"], json!({})).await;
    plane.until("between", "running", |it| state(it) == "running").await;
    plane.pod("second", &["keep", "/data/private"], as_user()).await;
    let second = plane.until("second", "done", |it| phase(it) == "Succeeded").await;
    assert_ne!(address(&first), address(&second));
    assert_eq!(plane.log("second", LogOptions::default()).await, "found, of 999 999, mode 600\nkept by 999 999\n");
    for pod in ["between", "second"] {
        plane.delete(pod).await;
    }
    claims(&plane).delete("data", &DeleteParams::default()).await.unwrap();
    claim_is_gone(&plane, "data").await;
    plane.clean().await;
}

#[tokio::test]
async fn volumes_are_found_again_and_those_without_a_claim_go() {
    let Some(mut plane) = Plane::start().await else { return };
    for name in ["stays", "goes"] {
        claim(&plane, name, "64Mi").await;
    }
    let stays = plane.node().bound_volume("default", "stays").await;
    let goes = plane.node().bound_volume("default", "goes").await;
    std::fs::write(stays.folder().join("kept"), "x").unwrap();
    plane.pod("on", &["sleep"], over("stays")).await;
    plane.until("on", "running", |it| state(it) == "running").await;
    plane.node.take().unwrap().stop(true).await;
    let free = kube::api::Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    claims(&plane).patch("goes", &kube::api::PatchParams::default(), &free).await.unwrap();
    claims(&plane).delete("goes", &DeleteParams::default()).await.unwrap();
    claim_is_gone(&plane, "goes").await;
    plane.begin().await;
    assert_eq!(plane.node().bound_volume("default", "stays").await, stays);
    while goes.folder().exists() {
        tokio::task::yield_now().await;
    }
    assert!(stays.folder().join("kept").exists());
    plane.delete("on").await;
    claims(&plane).delete("stays", &DeleteParams::default()).await.unwrap();
    claim_is_gone(&plane, "stays").await;
    plane.clean().await;
}

#[tokio::test]
async fn a_claim_that_cannot_be_is_told_and_its_pod_waits() {
    let Some(plane) = Plane::start().await else { return };
    let fast = json!({ "metadata": { "name": "fast" }, "spec": { "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast", "resources": { "requests": { "storage": "1Mi" } } } });
    claims(&plane).create(&PostParams::default(), &serde_json::from_value(fast).unwrap()).await.unwrap();
    while plane.events("ProvisioningFailed").await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        plane.events("ProvisioningFailed").await,
        ["storageclass.storage.k8s.io \"fast\" not found; this node has \"folder\""]
    );
    plane.pod("waits", &["exit", "0"], over("late")).await;
    plane.until("waits", "waiting", |it| state(it) == "waiting ContainerCreating").await;
    while plane.events("FailedMount").await.is_empty() {
        tokio::task::yield_now().await;
    }
    claim(&plane, "late", "1Mi").await;
    plane.until("waits", "done", |it| phase(it) == "Succeeded").await;
    plane.clean().await;
}

#[tokio::test]
async fn pods_that_fill_their_volumes_are_evicted_and_others_go_on() {
    let Some(plane) = Plane::start().await else { return };
    claim(&plane, "small", "8Mi").await;
    plane.pod("calm", &["sleep"], over("small")).await;
    plane.pod("apart", &["sleep"], json!({})).await;
    plane.until("calm", "running", |it| state(it) == "running").await;
    plane.until("apart", "running", |it| state(it) == "running").await;
    plane.pod("fills", &["fill", "/data/big"], over("small")).await;
    for name in ["fills", "calm"] {
        let pod = plane.until(name, "evicted", |it| phase(it) == "Failed").await;
        let why = "Usage of claim \"small\" exceeds the limit \"8Mi\". Raise its requests.storage; or delete the claim, with all it holds, to begin anew. ";
        assert_eq!(reason(&pod), ("Evicted".into(), why.into()));
        assert_eq!(state(&pod), "terminated 137 Error");
    }
    let empty = json!({
        "restartPolicy": "Never", "app.volumeMounts": [{ "name": "data", "mountPath": "/data" }],
        "volumes": [{ "name": "data", "emptyDir": { "sizeLimit": "4Mi" } }],
    });
    plane.pod("own", &["fill", "/data/big"], empty).await;
    let pod = plane.until("own", "evicted", |it| phase(it) == "Failed").await;
    assert_eq!(reason(&pod).1, "Usage of EmptyDir volume \"data\" exceeds the limit \"4Mi\". ");
    assert_eq!(state(&plane.pods().get("apart").await.unwrap()), "running");
    plane.clean().await;
}

#[tokio::test]
async fn a_pod_whose_time_is_over_is_asked_to_end_and_then_made_to() {
    let Some(plane) = Plane::start().await else { return };
    for (name, words, ended) in
        [("polite", "sleep", "terminated 7 Error"), ("stubborn", "stubborn", "terminated 137 Error")]
    {
        plane.pod(name, &[words], json!({ "activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 1 })).await;
        let pod = plane.until(name, "failed", |it| phase(it) == "Failed").await;
        let why = "Pod was active on the node longer than the specified deadline";
        assert_eq!(reason(&pod), ("DeadlineExceeded".into(), why.into()));
        assert_eq!(state(&pod), ended);
        plane.quiet().await;
    }
    plane.clean().await;
}

#[tokio::test]
async fn a_log_ends_at_its_limit_and_says_so() {
    let Some(plane) = Plane::start().await else { return };
    let pod = json!({
        "metadata": { "name": "loud", "annotations": { "node.fairway.dev/log-limit": "256Ki" } },
        "spec": { "nodeName": "here", "automountServiceAccountToken": false, "activeDeadlineSeconds": 2,
            "terminationGracePeriodSeconds": 0, "containers": [{ "name": "app", "image": "program", "args": ["spew"] }] },
    });
    plane.pods().create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    plane.until("loud", "ended", |it| phase(it) == "Failed").await;
    let bytes = plane.bytes("loud").await;
    assert!(bytes.len() < 300 << 10, "{}", bytes.len());
    let end = String::from_utf8_lossy(&bytes[bytes.len() - 90..]).into_owned();
    assert!(end.ends_with("\nthe log may hold 262144 bytes and is full; what follows is dropped\n"), "{end}");
    plane.clean().await;
}

#[tokio::test]
async fn claims_hold_without_root_too() {
    bench::again_without_root();
}

#[tokio::test]
async fn claims_hold_with_lent_users_too() {
    bench::again_with_lent_users(&[], &[]);
}
