//! Pods of a real API server on a real node. Every test ends with nothing left on the machine.

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use fairway_node::runner::LogOptions;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Secret};
use kube::api::{Api, DeleteParams, PostParams};
use plane::{Plane, is_ready, phase, restarts, state};
use serde_json::json;

#[tokio::test]
async fn the_node_is_registered_with_its_lease() {
    let Some(plane) = Plane::start().await else { return };
    let node = Api::<Node>::all(plane.api.client()).get("here").await.unwrap();
    let status = node.status.unwrap();
    assert!(status.conditions.unwrap().iter().any(|it| it.type_ == "Ready" && it.status == "True"));
    assert!(status.capacity.unwrap().contains_key("memory"));
    let leases: Api<Lease> = Api::namespaced(plane.api.client(), "kube-node-lease");
    assert!(leases.get("here").await.unwrap().spec.unwrap().renew_time.is_some());
    plane.clean().await;
}

#[tokio::test]
async fn a_pod_runs_is_ready_logs_and_is_deleted_gracefully() {
    let Some(plane) = Plane::start().await else { return };
    plane.pod("web", &["sleep"], json!({})).await;
    let pod = plane.until("web", "ready", is_ready).await;
    let status = pod.status.as_ref().unwrap();
    assert_eq!((phase(&pod), state(&pod).as_str()), ("Running", "running"));
    assert!(status.pod_ip.as_ref().unwrap().starts_with("10.244."));
    assert_eq!(status.host_ip.as_deref(), Some("10.244.0.1"));
    assert_eq!(plane.node().footprint().folders, 1);
    plane.pods().delete("web", &DeleteParams::default()).await.unwrap();
    let ended = plane.until("web", "ended", |it| state(it).starts_with("terminated")).await;
    assert_eq!(state(&ended), "terminated 7 Error", "it heard the request to end");
    plane.gone("web").await;
    assert_eq!(plane.node().footprint(), fairway_node::runner::Footprint::default());
    assert_eq!(plane.events("Killing").await, ["Stopping container app"]);
    plane.clean().await;
}

#[tokio::test]
async fn a_readiness_probe_decides_and_comes_from_the_nodes_address() {
    let Some(plane) = Plane::start().await else { return };
    let probe = json!({ "app.readinessProbe": { "httpGet": { "port": "web", "path": "/ready" }, "periodSeconds": 1 },
        "app.ports": [{ "name": "web", "containerPort": 8080 }] });
    plane.pod("good", &["serve", "8080"], probe.clone()).await;
    plane.until("good", "ready", is_ready).await;
    plane.pod("bad", &["sleep"], probe).await;
    let bad = plane.until("bad", "running", |it| state(it) == "running").await;
    assert!(!is_ready(&bad));
    while plane.events("Unhealthy").await.is_empty() {
        tokio::task::yield_now().await;
    }
    let told = plane.events("Unhealthy").await;
    assert!(told[0].starts_with("Readiness probe failed: dial tcp 10.244."), "{told:?}");
    plane.clean().await;
}

#[tokio::test]
async fn a_liveness_probe_restarts_the_container() {
    let Some(plane) = Plane::start().await else { return };
    let probe = json!({ "app.livenessProbe": {
        "exec": { "command": ["/bin/program", "exit", "1"] }, "periodSeconds": 1, "failureThreshold": 1,
        "initialDelaySeconds": 1 } });
    plane.pod("ill", &["sleep"], probe).await;
    let pod = plane.until("ill", "restarted", |it| restarts(it) == 1 && state(it) == "running").await;
    let last = pod.status.unwrap().container_statuses.unwrap()[0].last_state.clone().unwrap();
    assert_eq!(last.terminated.unwrap().exit_code, 7);
    plane.clean().await;
}

#[tokio::test]
async fn hooks_run_after_the_start_and_before_the_end() {
    let Some(plane) = Plane::start().await else { return };
    let hooks = json!({
        "postStart": { "exec": { "command": ["/bin/program", "write", "/data/started"] } },
        "preStop": { "exec": { "command": ["/bin/program", "exit", "9"] } },
    });
    let spec = json!({
        "app.lifecycle": hooks, "app.volumeMounts": [{ "name": "data", "mountPath": "/data" }],
        "volumes": [{ "name": "data", "emptyDir": {} }],
    });
    let pod = plane.pod("polite", &["sleep"], spec).await;
    plane.until("polite", "ready", is_ready).await;
    let uid = pod.metadata.uid.unwrap();
    let made = plane.state().join("pods").join(uid).join("volumes/data/started");
    while !made.exists() {
        tokio::task::yield_now().await;
    }
    plane.delete("polite").await;
    assert_eq!(plane.events("FailedPreStopHook").await.len(), 1);
    let bad = json!({ "postStart": { "exec": { "command": ["/bin/program", "exit", "1"] } } });
    plane.pod("rude", &["sleep"], json!({ "app.lifecycle": bad })).await;
    plane.until("rude", "restarted", |it| restarts(it) >= 1).await;
    assert!(plane.events("FailedPostStartHook").await[0].starts_with("PostStartHook failed"));
    plane.clean().await;
}

#[tokio::test]
async fn a_container_that_keeps_failing_backs_off() {
    let Some(plane) = Plane::start().await else { return };
    plane.pod("crash", &["exit", "3"], json!({})).await;
    let pod = plane.until("crash", "backing off", |it| state(it) == "waiting CrashLoopBackOff").await;
    assert_eq!(restarts(&pod), 1);
    let status = &pod.status.unwrap().container_statuses.unwrap()[0];
    assert_eq!(status.last_state.clone().unwrap().terminated.unwrap().exit_code, 3);
    let message = status.state.clone().unwrap().waiting.unwrap().message.unwrap();
    assert!(message.starts_with("back-off 10s restarting failed container=app pod=crash_default("), "{message}");
    plane.clean().await;
}

#[tokio::test]
async fn a_program_that_wants_another_user_is_told_apart_from_one_that_just_fails() {
    let Some(plane) = Plane::start().await else { return };
    if plane.has_ranges() {
        // There it can have one. Without root this is tried too.
        return plane.clean().await;
    }
    let spec = json!({ "securityContext": { "runAsUser": 65532 } });
    plane.pod("switcher", &["switch", "101"], spec.clone()).await;
    let pod = plane.until("switcher", "waiting", |it| state(it) == "waiting ImageNeedsUidRange").await;
    let status = &pod.status.unwrap().container_statuses.unwrap()[0];
    let waiting = status.state.clone().unwrap().waiting.unwrap().message.unwrap();
    assert!(waiting.starts_with("the program asks for user 101") && waiting.contains("runAsUser"), "{waiting}");
    let last = status.last_state.clone().unwrap().terminated.unwrap();
    assert_eq!((last.reason.as_deref(), last.exit_code), (Some("ImageNeedsUidRange"), 1));
    assert!(plane.events("ImageNeedsUidRange").await[0].starts_with("Container app: the program asks for user 101"));
    plane.delete("switcher").await;
    // To ask for what it is already is no such thing, and to go on without what it asked for is no failure.
    plane
        .pod(
            "same",
            &["switch", "65532"],
            json!({ "restartPolicy": "Never", "securityContext": { "runAsUser": 65532 } }),
        )
        .await;
    plane.until("same", "done", |it| phase(it) == "Succeeded").await;
    plane.delete("same").await;
    plane.pod("tolerant", &["own", "999"], spec).await;
    plane.until("tolerant", "ready", is_ready).await;
    while !plane.events("ImageNeedsUidRange").await.iter().any(|it| it.contains("user 999")) {
        tokio::task::yield_now().await;
    }
    plane.delete("tolerant").await;
    plane.clean().await;
}

#[tokio::test]
async fn a_job_like_pod_ends_and_its_log_stays() {
    let Some(plane) = Plane::start().await else { return };
    plane.pod("once", &["lines", "2"], json!({ "restartPolicy": "Never" })).await;
    plane.until("once", "done", |it| phase(it) == "Succeeded").await;
    assert_eq!(plane.log("once", LogOptions::default()).await, "line 0\nline 1\n");
    plane.quiet().await;
    plane.pod("fails", &["exit", "2"], json!({ "restartPolicy": "Never" })).await;
    plane.until("fails", "failed", |it| phase(it) == "Failed").await;
    plane.delete("once").await;
    plane.delete("fails").await;
    plane.clean().await;
}

#[tokio::test]
async fn init_containers_come_first_and_share_volumes() {
    let Some(plane) = Plane::start().await else { return };
    let mounts = json!([{ "name": "data", "mountPath": "/data" }]);
    let init =
        json!([{ "name": "first", "image": "program", "args": ["write", "/data/made"], "volumeMounts": mounts }]);
    let spec = json!({
        "restartPolicy": "Never", "initContainers": init, "app.volumeMounts": mounts,
        "volumes": [{ "name": "data", "emptyDir": {} }],
    });
    plane.pod("staged", &["write", "/data/made", "/data/own"], spec).await;
    plane.until("staged", "done", |it| phase(it) == "Succeeded").await;
    assert_eq!(plane.log("staged", LogOptions::default()).await, "/data/made: written\n/data/own: written\n");
    plane.clean().await;
}

#[tokio::test]
async fn configuration_reaches_environment_and_files() {
    let Some(plane) = Plane::start().await else { return };
    let client = plane.api.client();
    let map: ConfigMap =
        serde_json::from_value(json!({ "metadata": { "name": "settings" }, "data": { "COLOUR": "blue" } })).unwrap();
    let secret: Secret =
        serde_json::from_value(json!({ "metadata": { "name": "keys" }, "stringData": { "token": "s3cret" } })).unwrap();
    let spec = json!({
        "restartPolicy": "Never",
        "app.envFrom": [{ "configMapRef": { "name": "settings" } }],
        "app.env": [{ "name": "WHO", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }],
        "app.volumeMounts": [{ "name": "keys", "mountPath": "/keys", "readOnly": true }],
        "volumes": [{ "name": "keys", "secret": { "secretName": "keys" } }],
        "app.command": ["/bin/program", "cat", "/keys/token", "/etc/hostname"],
    });
    plane.pod("reader", &[], spec).await;
    // The pod waits for what it needs, and says so.
    while plane.events("FailedMount").await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        plane.events("FailedMount").await,
        [r#"MountVolume.SetUp failed for volume "keys" : secret "keys" not found"#]
    );
    Api::<Secret>::namespaced(client.clone(), "default").create(&PostParams::default(), &secret).await.unwrap();
    plane.until("reader", "waiting", |it| state(it) == "waiting CreateContainerConfigError").await;
    Api::<ConfigMap>::namespaced(client, "default").create(&PostParams::default(), &map).await.unwrap();
    plane.until("reader", "done", |it| phase(it) == "Succeeded").await;
    assert_eq!(plane.log("reader", LogOptions::default()).await, "s3cretreader\n");
    plane.clean().await;
}

#[tokio::test]
async fn a_service_account_token_is_mounted_where_the_api_says() {
    let Some(plane) = Plane::start().await else { return };
    let map: ConfigMap = serde_json::from_value(
        json!({ "metadata": { "name": "kube-root-ca.crt" }, "data": { "ca.crt": "the authority\n" } }),
    )
    .unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(plane.api.client(), "default");
    let _there = maps.create(&PostParams::default(), &map).await;
    let folder = "/var/run/secrets/kubernetes.io/serviceaccount";
    let files = ["namespace", "ca.crt", "token"].map(|it| format!("{folder}/{it}"));
    let words: Vec<&str> = std::iter::once("cat").chain(files.iter().map(String::as_str)).collect();
    plane.pod("acts", &words, json!({ "restartPolicy": "Never", "automountServiceAccountToken": true })).await;
    plane.until("acts", "done", |it| phase(it) == "Succeeded").await;
    let log = plane.log("acts", LogOptions::default()).await;
    let token = log.strip_prefix("defaultthe authority\n").unwrap_or_else(|| panic!("{log}"));
    assert_eq!(token.split('.').count(), 3, "{token}");
    plane.clean().await;
}

#[tokio::test]
async fn images_that_cannot_be_had_say_why() {
    let Some(plane) = Plane::start().await else { return };
    for (name, image, reason) in [("no", "absent", "ErrImagePull"), ("odd", "../x", "InvalidImageName")] {
        let containers = json!({ "containers": [{ "name": "app", "image": image }] });
        plane.pod(name, &[], containers).await;
        plane.until(name, reason, |it| state(it) == format!("waiting {reason}")).await;
        plane.delete(name).await;
    }
    plane.clean().await;
}

#[tokio::test]
async fn what_this_node_cannot_do_is_refused_with_a_reason() {
    let Some(plane) = Plane::start().await else { return };
    plane.pod("greedy", &["sleep"], json!({ "app.securityContext": { "privileged": true } })).await;
    let pod = plane.until("greedy", "refused", |it| phase(it) == "Failed").await;
    assert_eq!(pod.status.unwrap().reason.as_deref(), Some("PrivilegedNotSupported"));
    plane.delete("greedy").await;
    plane.pod("root", &["sleep"], json!({ "securityContext": { "runAsNonRoot": true } })).await;
    let pod = plane.until("root", "refused", |it| state(it) == "waiting CreateContainerConfigError").await;
    let message = pod.status.unwrap().container_statuses.unwrap()[0].state.clone().unwrap().waiting.unwrap().message;
    assert!(message.unwrap().starts_with("container has runAsNonRoot and image will run as root"));
    plane.delete("root").await;
    plane.clean().await;
}

#[tokio::test]
async fn a_node_that_comes_back_finds_its_pods_and_restarts_none() {
    let Some(mut plane) = Plane::start().await else { return };
    plane
        .pod(
            "stays",
            &["sleep"],
            json!({ "app.readinessProbe": { "exec": {
        "command": ["/bin/program", "exit", "0"] } } }),
        )
        .await;
    plane.pod("goes", &["sleep"], json!({})).await;
    let before = plane.until("stays", "ready", is_ready).await;
    plane.until("goes", "ready", is_ready).await;
    plane.node.take().unwrap().stop(true).await;
    // While nobody looks, one is deleted.
    let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    plane.pods().delete("goes", &now).await.unwrap();
    plane.gone("goes").await;
    plane.begin().await;
    while plane.node().footprint().folders != 1 {
        tokio::task::yield_now().await;
    }
    // Pod init and its container, and now and then a probe.
    while plane.node().footprint().processes != 2 {
        tokio::task::yield_now().await;
    }
    let after = plane.pods().get("stays").await.unwrap();
    assert!(is_ready(&after));
    assert_eq!(after.status.as_ref().unwrap().container_statuses, before.status.unwrap().container_statuses);
    plane.delete("stays").await;
    plane.clean().await;
}

#[tokio::test]
async fn a_pod_whose_init_is_killed_is_made_anew() {
    let Some(plane) = Plane::start().await else { return };
    plane.pod("hit", &["sleep"], json!({})).await;
    plane.until("hit", "ready", is_ready).await;
    bench::kill_inits(&plane.state());
    let pod = plane.until("hit", "running again", |it| restarts(it) == 1 && is_ready(it)).await;
    let last = pod.status.unwrap().container_statuses.unwrap()[0].last_state.clone().unwrap();
    assert_eq!(last.terminated.unwrap().reason.as_deref(), Some("ContainerStatusUnknown"));
    plane.clean().await;
}

#[tokio::test]
async fn a_pod_that_died_while_nobody_looked_runs_again() {
    let Some(mut plane) = Plane::start().await else { return };
    plane.pod("fell", &["sleep"], json!({})).await;
    let before = plane.until("fell", "ready", is_ready).await;
    plane.node.take().unwrap().stop(true).await;
    bench::kill_inits(&plane.state());
    plane.begin().await;
    let after = plane.until("fell", "running again", |it| restarts(it) == 1 && is_ready(it)).await;
    assert_eq!(after.status.unwrap().pod_ip, before.status.unwrap().pod_ip);
    plane.clean().await;
}

#[tokio::test]
async fn limits_hold_and_a_leak_says_so_in_the_status() {
    let Some(plane) = Plane::start().await else { return };
    let machine = fairway_node::machine::inspect();
    if machine.controllers.iter().any(|it| it == "memory") {
        plane
            .pod(
                "leak",
                &["leak"],
                json!({ "restartPolicy": "Never",
            "app.resources": { "limits": { "memory": "24Mi", "cpu": "500m" } } }),
            )
            .await;
        let pod = plane.until("leak", "killed", |it| phase(it) == "Failed").await;
        assert_eq!(state(&pod), "terminated 137 OOMKilled");
    } else {
        bench::skipped("a pod at its memory limit: no cgroup for memory can be written here");
    }
    plane.clean().await;
}

#[tokio::test]
async fn pods_run_without_root_too() {
    bench::again_without_root();
}

#[tokio::test]
async fn pods_run_with_lent_users_too() {
    bench::again_with_lent_users(&[], &[]);
}

#[tokio::test]
async fn logs_are_followed_to_the_end_and_errors_name_what_there_is() {
    let Some(plane) = Plane::start().await else { return };
    plane.pod("talks", &["sleep"], json!({ "restartPolicy": "Never" })).await;
    plane.until("talks", "ready", is_ready).await;
    let refused = |name: &str, container: Option<&str>, options| {
        plane.node().logs("default", name, container, options).err().unwrap().to_string()
    };
    let none = LogOptions::default;
    assert_eq!(refused("ghost", None, none()), "pod default/ghost does not run on this node");
    assert_eq!(refused("talks", Some("x"), none()), "container x is not valid for pod talks; it has app");
    let previous = LogOptions { previous: true, ..none() };
    assert!(refused("talks", None, previous).starts_with("previous terminated container \"app\""));
    let follow = plane.log("talks", LogOptions { follow: true, ..none() });
    plane.pods().delete("talks", &DeleteParams::default()).await.unwrap();
    assert_eq!(follow.await, "sleeping\n");
    plane.gone("talks").await;
    plane.clean().await;
}

/// From the pod's creation to its readiness in the API; prints, judges nothing.
#[tokio::test]
async fn the_way_of_a_pod_to_ready_is_measured() {
    let Some(plane) = Plane::start().await else { return };
    let clock = fairway_clock::SystemClock::new();
    let now = || fairway_clock::Clock::monotonic(&clock);
    let mut took = Vec::new();
    for round in 0..10 {
        let name = format!("p{round}");
        let before = now();
        let probe = json!({ "app.readinessProbe": { "httpGet": { "port": 80 } } });
        plane.pod(&name, &["serve", "80"], probe).await;
        plane.until(&name, "ready", is_ready).await;
        took.push(now().saturating_sub(before));
    }
    took.sort();
    println!("pod created to Ready in the API: median {:?}, worst {:?}", took[5], took[9]);
    plane.clean().await;
}
