//! Pods that stand on what the machine has: its programs, read-only, and nothing else of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use fairway_clock::Clock as _;
use fairway_node::runner::LogOptions;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, PostParams};
use plane::{Plane, phase, state};
use serde_json::json;

/// Runs a script to its end in a pod of its own, and gives what it said and how it ended.
async fn script(plane: &Plane, name: &str, image: &str, text: &str) -> (String, String) {
    let containers = json!([{ "name": "app", "image": image, "command": ["sh", "-c", text],
        "workingDir": "/work", "volumeMounts": [{ "name": "work", "mountPath": "/work" }] }]);
    let spec = json!({ "restartPolicy": "Never", "containers": containers,
        "volumes": [{ "name": "work", "emptyDir": {} }] });
    plane.pod(name, &[], spec).await;
    let ended = |it: &_| matches!(phase(it), "Succeeded" | "Failed");
    let pod = plane.until(name, "done", ended).await;
    let said = plane.log(name, LogOptions::default()).await;
    plane.delete(name).await;
    (said, state(&pod))
}

#[tokio::test]
async fn the_machines_programs_run() {
    let Some(plane) = Plane::start().await else { return };
    let text = "set -e; git --version; cc --version; id -u; id -un; echo made > /tmp/file; cat /tmp/file; pwd; \
                echo kept > file; git init -q . && git add file && git status --short";
    let (said, ended) = script(&plane, "tools", "host/system", text).await;
    assert_eq!(ended, "terminated 0 Completed", "{said}");
    for expected in ["git version", "Free Software Foundation", "\n1000\nstep\nmade\n/work\nA  file\n"] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    plane.clean().await;
}

#[tokio::test]
async fn the_machines_rust_toolchain_builds() {
    let Some(plane) = Plane::start().await else { return };
    if plane::rust().is_none() {
        bench::skipped("a build with the machine's toolchain: there is none that this user may read");
        return plane.clean().await;
    }
    let text = "set -e; mkdir src; printf '[package]\nname = \"tiny\"\nedition = \"2024\"\n' > Cargo.toml; \
                echo 'fn main() { println!(\"built and run\"); }' > src/main.rs; cargo run --offline --quiet";
    let (said, ended) = script(&plane, "build", "host/rust", text).await;
    assert_eq!((said.as_str(), ended.as_str()), ("built and run\n", "terminated 0 Completed"));
    plane.clean().await;
}

#[tokio::test]
async fn nothing_else_of_the_machine_is_there_and_nothing_of_it_is_written() {
    let Some(plane) = Plane::start().await else { return };
    let (home, data) = (std::env::home_dir().unwrap(), plane.state());
    let text = format!(
        "for it in {home} {data} {data}/pods /run/user /var/run /var/lib /etc/shadow /home/* /root /sys/kernel; do
             ls -d $it/. >/dev/null 2>&1 && echo there: $it; cat $it >/dev/null 2>&1 && echo read: $it
         done
         for it in /usr/x /usr/lib/x /bin/x /etc/ssl/certs/x /sys/x /proc/sys/kernel/x; do
             (echo x > $it) 2>/dev/null && echo wrote: $it
         done
         ls -A /; ls -A /etc; ps -e 2>/dev/null | wc -l >/dev/null; ls -d /proc/[0-9]* | wc -l",
        home = home.display(),
        data = data.display()
    );
    let (said, ended) = script(&plane, "look", "host/system", &text).await;
    assert_eq!(ended, "terminated 0 Completed");
    assert!(!said.contains("there: ") && !said.contains("read: ") && !said.contains("wrote: "), "{said}");
    for unexpected in ["home", "root", "var", "run", "shadow", "mnt", "srv"] {
        assert!(!said.lines().any(|it| it == unexpected), "{unexpected} in {said}");
    }
    assert!(said.lines().any(|it| it == "usr"), "{said}");
    plane.clean().await;
}

#[tokio::test]
async fn an_image_that_the_machine_cannot_make_says_what_is_missing() {
    let Some(plane) = Plane::start().await else { return };
    for (name, image, why) in [
        ("broken", "host/broken", "it needs /no/such/toolchain of this machine"),
        ("absent", "host/absent", "this machine has no such host image; it has host/broken, "),
    ] {
        plane.pod(name, &[], json!({ "containers": [{ "name": "app", "image": image }] })).await;
        let pod = plane.until(name, "refused", |it| state(it) == "waiting ErrImagePull").await;
        let message =
            pod.status.unwrap().container_statuses.unwrap()[0].state.clone().unwrap().waiting.unwrap().message;
        assert!(message.as_ref().unwrap().contains(why), "{message:?}");
        plane.delete(name).await;
    }
    plane.clean().await;
}

/// A step with the machine's programs, a workspace and a cache: what the node adds to it; prints, judges nothing.
#[tokio::test]
async fn the_way_of_a_step_is_measured() {
    let Some(plane) = Plane::start().await else { return };
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(plane.api.client(), "default");
    for name in ["workspace", "cache"] {
        let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "4Gi" } } });
        let claim = serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).unwrap();
        claims.create(&PostParams::default(), &claim).await.unwrap();
        plane.node().bound_volume("default", name).await;
    }
    let mounts =
        json!([{ "name": "workspace", "mountPath": "/workspace" }, { "name": "cache", "mountPath": "/cache" }]);
    let containers = json!([{ "name": "app", "image": "host/program", "command": ["/opt/program", "stamp"],
        "workingDir": "/workspace", "volumeMounts": mounts }]);
    let volume = |name| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
    let spec = json!({ "restartPolicy": "Never", "containers": containers, "volumes": [volume("workspace"), volume("cache")] });
    let clock = fairway_clock::SystemClock::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for round in 0..20 {
        let name = format!("step-{round}");
        let created = clock.now();
        plane.pod(&name, &[], spec.clone()).await;
        plane.until(&name, "done", |it| phase(it) == "Succeeded").await;
        let told = clock.now();
        let stamps = plane.log(&name, LogOptions::default()).await;
        let stamps: Vec<Timestamp> = stamps.lines().map(at).collect();
        before.push(stamps[0].duration_since(created));
        after.push(told.duration_since(stamps[1]));
        plane.delete(&name).await;
    }
    for (part, from, to, mut took) in [
        ("before", "the pod's creation", "its command running", before),
        ("after", "its command's end", "the pod Succeeded in the API", after),
    ] {
        took.sort();
        let (median, best, worst) = (took[10], took[0], took[19]);
        println!(
            "ROW\tpipeline step overhead, isolated: {part}\tfrom {from} to {to}\t{median:.1?} ({best:.1?} to {worst:.1?}, 20 times)"
        );
    }
    plane.clean().await;
}

/// A time that a program wrote as seconds since 1970.
fn at(text: &str) -> Timestamp {
    let (seconds, nanoseconds) = text.split_once('.').unwrap();
    Timestamp::new(seconds.parse().unwrap(), nanoseconds.parse().unwrap()).unwrap()
}

#[tokio::test]
async fn host_images_are_there_without_root_too() {
    bench::again_without_root();
}

#[tokio::test]
async fn host_images_are_there_with_lent_users_too() {
    bench::again_with_lent_users(&[], &[]);
}
