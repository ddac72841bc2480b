//! Steps that mean harm: each ends with a clear reason, others are served all the while, and nothing is left behind.
#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use fairway_node::runner::LogOptions;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod};
use kube::api::{Api, PostParams};
use plane::{Plane, is_ready, phase, state};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Asks another pod without end, and counts its answers.
struct Witness {
    stop: CancellationToken,
    asking: JoinSet<usize>,
}

impl Witness {
    async fn begin(plane: &Plane) -> Self {
        let probe = json!({ "app.readinessProbe": { "tcpSocket": { "port": 80 }, "failureThreshold": 100 } });
        plane.pod("witness", &["serve", "80"], probe).await;
        let pod = plane.until("witness", "ready", is_ready).await;
        let ip = pod.status.unwrap().pod_ip.unwrap();
        let target: SocketAddr = format!("{ip}:80").parse().unwrap();
        let (network, stop, mut asking) = (plane.node().network(), CancellationToken::new(), JoinSet::new());
        let token = stop.clone();
        asking.spawn(async move {
            let mut answers = 0;
            while !token.is_cancelled() {
                let asked = async {
                    let mut stream = network.dial(target).await.unwrap();
                    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).await.unwrap();
                    answer
                };
                let answer = tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
                answers += 1;
                // Not more work than the machine has room for beside the hostile one.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            answers
        });
        Self { stop, asking }
    }

    /// Every request was answered, and there were some.
    async fn end(mut self, plane: &Plane) {
        self.stop.cancel();
        let answers = self.asking.join_next().await.unwrap().unwrap();
        assert!(answers > 0);
        let pod = plane.pods().get("witness").await.unwrap();
        assert_eq!((state(&pod).as_str(), plane::restarts(&pod)), ("running", 0));
        plane.delete("witness").await;
    }
}

/// Runs one hostile pod to its end beside a witness, and gives it as it ended.
async fn suffer(plane: &Plane, words: &[&str], spec: Value) -> Pod {
    let witness = Witness::begin(plane).await;
    let mut hostile = json!({ "restartPolicy": "Never", "terminationGracePeriodSeconds": 0 });
    hostile.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    plane.pod("hostile", words, hostile).await;
    let pod = plane.until("hostile", "over", |it| matches!(phase(it), "Succeeded" | "Failed")).await;
    witness.end(plane).await;
    pod
}

fn reason(pod: &Pod) -> String {
    pod.status.as_ref().and_then(|it| it.reason.clone()).unwrap_or_default()
}

async fn claim(plane: &Plane, namespace: &str, name: &str) -> fairway_node::Volume {
    let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "8Mi" } } });
    let claim = serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).unwrap();
    let api: Api<PersistentVolumeClaim> = Api::namespaced(plane.api.client(), namespace);
    api.create(&PostParams::default(), &claim).await.unwrap();
    plane.node().bound_volume(namespace, name).await
}

fn workspace(claim: &str) -> Value {
    json!({
        "app.volumeMounts": [{ "name": "workspace", "mountPath": "/workspace" }],
        "volumes": [{ "name": "workspace", "persistentVolumeClaim": { "claimName": claim } }],
    })
}

#[tokio::test]
async fn one_that_forks_without_end() {
    let Some(plane) = Plane::start().await else { return };
    // Long enough that a busy machine counts them more than once.
    let forks = json!({ "activeDeadlineSeconds": 5, "annotations": { "node.fairway.dev/pids-limit": "200" } });
    let mut most = 0;
    let counting = async {
        loop {
            most = most.max(plane.node().footprint().processes);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let pod = tokio::select! { pod = suffer(&plane, &["forks"], forks) => pod, () = counting => unreachable!() };
    assert_eq!((reason(&pod).as_str(), state(&pod).as_str()), ("DeadlineExceeded", "terminated 137 Error"));
    assert!((10..200 + 20).contains(&most), "{most}");
    if fairway_node::machine::inspect().controllers.iter().any(|it| it == "pids") {
        let status = pod.status.unwrap().container_statuses.unwrap()[0].state.clone().unwrap();
        assert_eq!(status.terminated.unwrap().message.unwrap(), "it reached its limit of 200 processes");
    }
    plane.quiet().await;
    plane.clean().await;
}

#[tokio::test]
async fn one_that_fills_its_workspace() {
    let Some(plane) = Plane::start().await else { return };
    claim(&plane, "default", "workspace").await;
    let pod = suffer(&plane, &["fill", "/workspace/big"], workspace("workspace")).await;
    assert_eq!((reason(&pod).as_str(), state(&pod).as_str()), ("Evicted", "terminated 137 Error"));
    plane.clean().await;
}

#[tokio::test]
async fn one_that_fills_what_is_no_volume() {
    let Some(plane) = Plane::start().await else { return };
    let limits = json!({ "app.resources": { "limits": { "ephemeral-storage": "4Mi" } } });
    let pod = suffer(&plane, &["fill", "/big"], limits).await;
    let message = pod.status.as_ref().unwrap().message.as_deref();
    let expected = "Usage of the local ephemeral storage of container \"app\" exceeds the limit \"4Mi\". ";
    assert_eq!((reason(&pod).as_str(), message), ("Evicted", Some(expected)));
    plane.clean().await;
}

#[tokio::test]
async fn one_that_takes_all_memory() {
    let Some(plane) = Plane::start().await else { return };
    if !fairway_node::machine::inspect().controllers.iter().any(|it| it == "memory") {
        bench::skipped("a step that takes all memory: no cgroup for memory can be written here");
        return plane.clean().await;
    }
    let pod = suffer(&plane, &["leak"], json!({ "app.resources": { "limits": { "memory": "32Mi" } } })).await;
    assert_eq!(state(&pod), "terminated 137 OOMKilled");
    plane.clean().await;
}

#[tokio::test]
async fn one_that_prints_at_full_speed_and_one_that_hangs_and_hears_nothing() {
    let Some(plane) = Plane::start().await else { return };
    for words in [["spew"], ["stubborn"]] {
        let times = json!({ "activeDeadlineSeconds": 2, "terminationGracePeriodSeconds": 1 });
        let pod = suffer(&plane, &words, times).await;
        assert_eq!((reason(&pod).as_str(), state(&pod).as_str()), ("DeadlineExceeded", "terminated 137 Error"));
        assert!(plane.bytes("hostile").await.len() <= 22 << 20);
        plane.delete("hostile").await;
    }
    plane.clean().await;
}

#[tokio::test]
async fn one_that_looks_for_a_way_out() {
    let Some(plane) = Plane::start().await else { return };
    let other: Namespace = serde_json::from_value(json!({ "metadata": { "name": "other" } })).unwrap();
    Api::all(plane.api.client()).create(&PostParams::default(), &other).await.unwrap();
    let theirs = claim(&plane, "other", "workspace").await;
    std::fs::write(theirs.folder().join("secret"), "of another project").unwrap();
    claim(&plane, "default", "workspace").await;
    let (data, home) = (plane.state(), std::env::home_dir().unwrap());
    let places = [
        data.join("pods"),
        data.join("node.id"),
        data.join("volumes"),
        theirs.folder().into(),
        theirs.folder().join("secret"),
        home,
        "/root".into(),
        "/home".into(),
        "/etc/shadow".into(),
        "/var/lib".into(),
        "/run".into(),
        "/var/run/docker.sock".into(),
        "/sys".into(),
        "/sys/kernel".into(),
        "/sys/fs/cgroup".into(),
        "/proc/kcore".into(),
        "/proc/sys/kernel".into(),
        "/proc/sysrq-trigger".into(),
        "/proc/2/root".into(),
        "/dev/mem".into(),
        "/dev/kmsg".into(),
        "/dev/vda".into(),
        "/dev/sda".into(),
        "/workspace/..".into(),
    ];
    // Also by the ways that lead round the root.
    let around = ["/proc/self/root", "/proc/1/root", "/proc/self/cwd/../../../..", "/workspace/../../../.."];
    let places: Vec<String> = places.iter().map(|it| it.display().to_string()).collect();
    let behind = around.iter().flat_map(|way| places.iter().take(6).map(move |it| format!("{way}{it}")));
    let words: Vec<String> = ["attack".to_owned()].into_iter().chain(places.clone()).chain(behind).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|it| !READABLE.contains(it)).collect();
    let mut spec = workspace("workspace");
    spec["app.securityContext"] = json!({ "readOnlyRootFilesystem": true });
    let pod = suffer(&plane, &words, spec.clone()).await;
    // Root of a range becomes another user of it, and nobody else.
    let among_its_own = if plane.has_ranges() { "leaked: setuid worked\n" } else { "" };
    let log = plane.log("hostile", LogOptions::default()).await;
    assert_eq!(log, format!("{among_its_own}processes: 1\n"));
    assert_eq!(state(&pod), "terminated 0 Completed");
    plane.delete("hostile").await;
    if plane.has_ranges() {
        spec["securityContext"] = json!({ "runAsUser": 65532, "runAsGroup": 65532 });
        suffer(&plane, &words, spec).await;
        assert_eq!(plane.log("hostile", LogOptions::default()).await, "processes: 1\n");
    }
    plane.clean().await;
}

/// Whose names are no secret: what they hold cannot be changed, which other tests show.
const READABLE: [&str; 2] = ["/proc/sys/kernel", "/workspace/.."];

#[tokio::test]
async fn one_that_leads_the_hub_or_calls_the_machine() {
    let Some(plane) = Plane::start().await else { return };
    let volume = claim(&plane, "default", "workspace").await;
    let secret = plane.state().join("node.id").display().to_string();
    suffer(&plane, &["link", &secret, "/workspace/app"], workspace("workspace")).await;
    plane.delete("hostile").await;
    assert!(std::fs::symlink_metadata(volume.folder().join("app")).unwrap().is_symlink());
    assert!(volume.open(Path::new("app")).is_err());
    // What listens on the machine's own loopback is not on the pod's.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    suffer(&plane, &["dial", "127.0.0.1", &port], json!({})).await;
    assert_eq!(plane.log("hostile", LogOptions::default()).await, "connect: Connection refused\n");
    plane.clean().await;
}

#[tokio::test]
async fn hostile_steps_are_held_without_root_too() {
    bench::again_without_root();
}

#[tokio::test]
async fn hostile_steps_are_held_with_lent_users_too() {
    bench::again_with_lent_users(&[], &[]);
}
