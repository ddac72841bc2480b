//! Pods with a range of users: who is who inside, on disk, and in volumes that outlive a pod. Root has one for each; without
//! root there is one for all, where users are lent.
#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/plane.rs"]
mod plane;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::path::Path;
use std::time::Duration;

use bench::{Bench, program};
use fairway_node::runner::{Container, Footprint, Found, LogOptions, Runner, Sandbox};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, PostParams};
use plane::{Plane, phase};
use serde_json::{Value, json};

/// Users of a range.
const RANGE: u32 = 65_536;
/// Who the single user of a namespace was, before there were ranges.
const SINGLE: u32 = 0x7001_0000;

fn bench(ip: &str) -> Option<Bench> {
    let bench = Bench::new(ip)?;
    if bench.runner.has_ranges() {
        return Some(bench);
    }
    no_ranges();
    None
}

async fn plane() -> Option<Plane> {
    let plane = Plane::start().await?;
    if plane.has_ranges() {
        return Some(plane);
    }
    no_ranges();
    plane.clean().await;
    None
}

fn no_ranges() {
    assert!(!bench::are_users_lent(), "who is lent users has a range");
    bench::skipped("pods with ranges of users: there are none here");
}

fn owner(path: &Path) -> (u32, u32) {
    let metadata = std::fs::symlink_metadata(path).unwrap();
    (metadata.uid(), metadata.gid())
}

#[tokio::test]
async fn a_container_is_the_user_and_the_groups_that_it_says() {
    let Some(bench) = bench("10.244.2.10") else { return };
    let pod = bench.pod().await;
    let first = pod.sandbox.host_user.unwrap();
    let high = 1_000_650_000;
    for (name, user, group, groups) in
        [("low", 1000, 1001, vec![7, 65_534]), ("high", high, high, vec![8]), ("root", 0, 0, vec![])]
    {
        let spec = Container { name: name.into(), user, group, groups, ..program(&["cat", "/proc/self/status"]) };
        bench.start(&pod, spec).await;
        bench.ended(&pod, name).await;
    }
    let status = bench.log("low", 0).await;
    assert!(status.contains("Uid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001"), "{status}");
    assert!(status.contains("Groups:\t7 65534"), "{status}");
    let status = bench.log("high", 0).await;
    assert!(status.contains(&format!("Uid:\t{high}\t")) && status.contains("Groups:\t8"), "{status}");
    let spec = Container { name: "sleeper".into(), user: 5, group: 6, ..program(&["sleep"]) };
    bench.start(&pod, spec).await;
    let words = ["/bin/program", "keep", "/dev/null"].map(str::to_owned);
    let done = pod.exec("sleeper", &words, Duration::from_secs(20)).await.unwrap();
    assert_eq!((done.exit_code, done.output.as_str()), (Some(0), "found, of 65534 65534, mode 666\nkept by 5 6\n"));
    let folder = bench.runner.state_folder().join("pods").join(&bench.uid);
    assert_eq!(owner(&folder), (first, first), "who has the folder has the range");
    assert_eq!(first % RANGE, 0);
    bench.clean().await;
}

#[tokio::test]
async fn root_of_a_range_has_rights_over_it_and_only_those_that_it_is_given() {
    let Some(bench) = bench("10.244.2.11") else { return };
    let open = bench.runner.volume(&bench.uid, "open").unwrap();
    let pod = bench.pod().await;
    let rights = 1 << 0 | 1 << 1 | 1 << 6 | 1 << 7;
    let mounts = vec![fairway_node::runner::Mount {
        source: open.clone(),
        sub_path: None,
        target: "/data".into(),
        read_only: false,
    }];
    let run = async |name: &str, user: u32, capabilities: u64, words: &[&str]| {
        let spec =
            Container { name: name.into(), user, group: user, capabilities, mounts: mounts.clone(), ..program(words) };
        bench.start(&pod, spec).await;
        let ended = bench.ended(&pod, name).await;
        assert!(ended.reason != "ImageNeedsUidRange");
        bench.log(name, 0).await
    };
    let all = u64::MAX;
    let status = run("status", 0, all, &["cat", "/proc/self/status"]).await;
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        assert!(status.contains(&format!("{set}:\t00000000000000fb\n")), "{status}");
    }
    assert!(status.contains("CapInh:\t0000000000000000") && status.contains("NoNewPrivs:\t1"), "{status}");
    let status = run("user", 1000, all, &["cat", "/proc/self/status"]).await;
    assert!(status.contains("CapPrm:\t0000000000000000") && status.contains("CapBnd:\t0000000000000000"), "{status}");
    assert_eq!(run("keeps", 0, rights, &["keep", "/data/private"]).await, "kept by 0 0\n");
    assert_eq!(run("hands", 0, rights, &["hand", "/data/private", "999"]).await, "/data/private to 999: given\n");
    assert_eq!(owner(&open.join("private")).0, pod.sandbox.host_user.unwrap() + 999);
    assert_eq!(run("other", 1000, rights, &["cat", "/data/private"]).await, "/data/private: Permission denied\n");
    assert_eq!(run("itself", 999, rights, &["cat", "/data/private"]).await, "kept");
    assert_eq!(run("powerless", 0, 0, &["cat", "/data/private"]).await, "/data/private: Permission denied\n");
    assert_eq!(
        run("out", 0, rights, &["hand", "/data/private", "70000"]).await.split(": ").last(),
        Some("Invalid argument\n")
    );
    assert_eq!(run("switches", 0, rights, &["switch", "101"]).await, "");
    bench.clean().await;
}

#[tokio::test]
async fn as_root_two_pods_never_have_one_range_and_a_runner_that_begins_again_knows_whose_they_are() {
    let Some(bench) = bench("10.244.2.12") else { return };
    let pod = bench.pod().await;
    let second = bench.runner.create(Sandbox { uid: "second".into(), ..bench.sandbox() }).await.unwrap();
    let (one, two) = (pod.sandbox.host_user.unwrap(), second.sandbox.host_user.unwrap());
    let is_other = |one: u32, two: u32| one.abs_diff(two) >= RANGE || bench::are_users_lent() && one == two;
    assert!(is_other(one, two), "{one} {two}");
    let again = bench.again(Duration::from_secs(10));
    let third = again.create(Sandbox { uid: "third".into(), ..bench.sandbox() }).await.unwrap();
    let three = third.sandbox.host_user.unwrap();
    assert!(is_other(one, three) && is_other(two, three), "{one} {two} {three}");
    for uid in ["second", "third"] {
        again.remove(uid).await.unwrap();
    }
    bench.clean().await;
}

async fn claim(plane: &Plane, name: &str) -> fairway_node::Volume {
    let claim = json!({ "metadata": { "name": name },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "64Mi" } } } });
    let api: Api<PersistentVolumeClaim> = Api::namespaced(plane.api.client(), "default");
    api.create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
    plane.node().bound_volume("default", name).await
}

fn over(claim: &str, security: Value) -> Value {
    json!({
        "restartPolicy": "Never", "app.volumeMounts": [{ "name": "data", "mountPath": "/data" }],
        "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }], "securityContext": security,
    })
}

async fn run(plane: &Plane, name: &str, words: &[&str], spec: Value) -> String {
    plane.pod(name, words, spec).await;
    plane.until(name, "done", |it| matches!(phase(it), "Succeeded" | "Failed")).await;
    let log = plane.log(name, LogOptions::default()).await;
    plane.delete(name).await;
    log
}

#[tokio::test]
async fn a_claim_keeps_its_owners_from_pod_to_pod() {
    let Some(plane) = plane().await else { return };
    let volume = claim(&plane, "data").await;
    let as_user = |user: u32| over("data", json!({ "runAsUser": user, "runAsGroup": user }));
    // It is nobody's at first, and so the first one's.
    assert_eq!(run(&plane, "first", &["keep", "/data/private"], as_user(999)).await, "kept by 999 999\n");
    let found = "found, of 999 999, mode 600\n";
    let denied = "/data/private: Permission denied\n";
    let log = run(&plane, "other", &["keep", "/data/private"], as_user(1000)).await;
    assert_eq!(log, format!("{denied}"), "a folder of mode 700 is not even looked into");
    let log = run(&plane, "again", &["keep", "/data/private"], as_user(999)).await;
    assert_eq!(log, format!("{found}kept by 999 999\n"));
    // As root hands it over in an init container of many charts.
    for path in ["/data/private", "/data"] {
        let log = run(&plane, "hands", &["hand", path, "1000"], over("data", json!({}))).await;
        assert_eq!(log, format!("{path} to 1000: given\n"));
    }
    let log = run(&plane, "heir", &["keep", "/data/private"], as_user(1000)).await;
    assert_eq!(log, "found, of 1000 999, mode 600\nkept by 1000 1000\n");
    // A group is let in once, whoever wrote it.
    let grouped = || over("data", json!({ "runAsUser": 7, "runAsGroup": 7, "fsGroup": 2000 }));
    let log = run(&plane, "grouped", &["keep", "/data/private"], grouped()).await;
    assert_eq!(log, "found, of 1000 2000, mode 660\nkept by 7 7\n");
    assert_eq!(run(&plane, "maker", &["keep", "/data/new"], grouped()).await, "kept by 7 7\n");
    let log = run(&plane, "reader", &["keep", "/data/new"], grouped()).await;
    assert_eq!(log, "found, of 7 2000, mode 600\nkept by 7 7\n");
    let first = owner(volume.folder()).0 - 1000;
    assert_eq!(owner(&volume.folder().join("new")), (first + 7, first + 2000));
    plane.clean().await;
}

#[tokio::test]
async fn what_was_written_before_there_were_ranges_belongs_to_whoever_comes_first() {
    let Some(plane) = plane().await else { return };
    let volume = claim(&plane, "old").await;
    std::fs::create_dir(volume.folder().join("deep")).unwrap();
    std::fs::write(volume.folder().join("deep/kept"), "of before\n").unwrap();
    for path in ["deep/kept", "deep", ""] {
        bench::close_to_others(&volume.folder().join(path));
        // Without root it was the person's own.
        let before = Some(if bench::are_users_lent() { 0 } else { SINGLE });
        chown(volume.folder().join(path), before, before).unwrap();
    }
    let spec = over("old", json!({ "runAsUser": 65_532, "runAsGroup": 65_532, "fsGroup": 65_532 }));
    assert_eq!(run(&plane, "heir", &["cat", "/data/deep/kept"], spec).await, "of before\n");
    let mode = std::fs::metadata(volume.folder().join("deep")).unwrap().mode() & 0o7777;
    assert_eq!(mode, 0o700, "whose it is changes, not what others may do");
    plane.clean().await;
}

#[tokio::test]
async fn users_of_a_pod_share_its_volumes_through_their_group_and_nothing_else() {
    let Some(plane) = plane().await else { return };
    let mounts = json!([{ "name": "work", "mountPath": "/shared" }, { "name": "memory", "mountPath": "/memory" },
        { "name": "secret", "mountPath": "/secret" }]);
    let container = |name: &str, user: u32, words: Value| {
        json!({ "name": name, "image": "program", "args": words, "volumeMounts": mounts,
            "securityContext": { "runAsUser": user, "runAsGroup": user, "capabilities": { "drop": ["ALL"] } } })
    };
    let secret: k8s_openapi::api::core::v1::Secret =
        serde_json::from_value(json!({ "metadata": { "name": "key" }, "stringData": { "key": "word" } })).unwrap();
    let api: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(plane.api.client(), "default");
    api.create(&PostParams::default(), &secret).await.unwrap();
    let spec = json!({
        "restartPolicy": "Never",
        "securityContext": { "fsGroup": 3000, "supplementalGroups": [4000] },
        "initContainers": [
            container("one", 1000, json!(["keep", "/shared/private"])), container("two", 1000, json!(["keep", "/memory/private"])),
        ],
        "containers": [
            container("other", 2000, json!(["cat", "/shared/private"])),
            container("memory", 2000, json!(["cat", "/memory/private"])),
            container("reads", 2000, json!(["cat", "/secret/key"])),
            container("groups", 2000, json!(["cat", "/proc/self/status"])),
        ],
        "volumes": [
            { "name": "work", "emptyDir": {} }, { "name": "memory", "emptyDir": { "medium": "Memory" } },
            { "name": "secret", "secret": { "secretName": "key", "defaultMode": 0o400 } },
        ],
    });
    plane.pod("shared", &[], spec).await;
    plane.until("shared", "done", |it| phase(it) == "Succeeded").await;
    let log = async |name: &str| plane.log_of("shared", name).await;
    assert_eq!(log("one").await, "kept by 1000 1000\n");
    assert_eq!(log("other").await, "/shared/private: Permission denied\n");
    assert_eq!(log("memory").await, "/memory/private: Permission denied\n");
    assert_eq!(log("reads").await, "word");
    let status = log("groups").await;
    assert!(status.contains("Groups:\t3000 4000") && status.contains("CapBnd:\t0000000000000000"), "{status}");
    plane.delete("shared").await;
    plane.clean().await;
}

#[tokio::test]
async fn an_image_may_change_user_while_it_runs() {
    let Some(plane) = plane().await else { return };
    let spec = json!({ "restartPolicy": "Never" });
    assert_eq!(run(&plane, "switcher", &["switch", "101"], spec.clone()).await, "");
    let mut dropped = spec;
    dropped["app.securityContext"] = json!({ "capabilities": { "drop": ["ALL"] } });
    plane.pod("held", &["switch", "101"], dropped).await;
    plane.until("held", "done", |it| phase(it) == "Failed").await;
    assert!(plane.log("held", LogOptions::default()).await.contains("setuid: Operation not permitted"));
    plane.delete("held").await;
    plane.clean().await;
}

/// The folder in which one platform of a person starts a pod, or the next one ends it.
const START: &str = "FAIRWAY_TEST_START";
const END: &str = "FAIRWAY_TEST_END";

#[tokio::test]
async fn the_next_platform_of_a_person_ends_a_pod_in_another_namespace_of_the_same_users() {
    let open = |state: &std::ffi::OsStr| {
        Runner::open(Path::new(state), &bench::pod_program(), &fairway_clock::SystemEntropy).unwrap()
    };
    if let Some(state) = std::env::var_os(START) {
        // It hangs up, and the pod goes on.
        let sandbox = Sandbox { uid: "left".into(), ..Bench::new("10.244.2.13").unwrap().sandbox() };
        assert_eq!(open(&state).create(sandbox).await.unwrap().sandbox.host_user, Some(RANGE));
    } else if let Some(state) = std::env::var_os(END) {
        let runner = open(&state);
        assert!(matches!(runner.find().await.unwrap().as_slice(), [Found::Running(_)]));
        runner.remove("left").await.unwrap();
        assert_eq!(runner.footprint(), Footprint::default());
    } else if rustix::process::geteuid().is_root() && !bench::are_users_lent() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let state = folder.path().join("node");
        let _leftovers = bench::Leftovers(state.clone());
        let itself = "the_next_platform_of_a_person_ends_a_pod_in_another_namespace_of_the_same_users";
        for part in [START, END] {
            bench::again_with_lent_users(&["--exact", itself], &[(part, &state)]);
        }
    }
}

/// Somebody on this machine to whom `/etc/subuid` lends users: user and group, and the first of those that are lent.
fn lent_to() -> Option<((u32, u32), u32)> {
    let files = ["/etc/passwd", "/etc/subuid", "/etc/subgid"].map(|it| std::fs::read_to_string(it).unwrap_or_default());
    let [passwd, users, groups] = &files;
    let number = |it: &str| it.parse::<u32>().ok();
    let helpers = ["newuidmap", "newgidmap"].iter().all(|it| Path::new("/usr/bin").join(it).exists());
    let mut people = passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let lends = |text: &str| {
            let own = text.lines().filter_map(|it| it.strip_prefix(fields[0])?.strip_prefix(':')?.split_once(':'));
            own.filter(|it| number(it.1).is_some_and(|it| it >= RANGE)).find_map(|it| number(it.0))
        };
        let first = lends(users).filter(|_| lends(groups).is_some())?;
        Some(((number(fields.get(2)?)?, number(fields.get(3)?)?), first))
    });
    people.find(|it| helpers && it.0.0 != 0)
}

#[test]
fn newuidmap_gives_what_is_lent_and_what_pods_left_is_removed() {
    const FOLDER: &str = "FAIRWAY_TEST_FOLDER";
    const ITSELF: &str = "newuidmap_gives_what_is_lent_and_what_pods_left_is_removed";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let machine = fairway_node::machine::inspect().tried(&bench::pod_program());
        assert_eq!(machine.user_mode, fairway_node::machine::UserMode::RootlessRange, "{}", machine.user_reason);
        assert!(std::fs::remove_dir_all(&folder).is_err());
        return fairway_node::remove(Path::new(&folder), &bench::pod_program()).unwrap();
    }
    if bench::are_users_lent() {
        return;
    }
    let Some((who, first)) = lent_to().filter(|_| rustix::process::geteuid().is_root()) else {
        return bench::skipped("newuidmap itself: that needs root, the package uidmap, and a user in /etc/subuid");
    };
    let top = tempfile::tempdir().unwrap();
    bench::open_to_all(top.path());
    chown(top.path(), Some(who.0), Some(who.1)).unwrap();
    let folder = top.path().join("node");
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    bench::close_to_others(&folder.join("deep"));
    std::fs::write(folder.join("deep/file"), "").unwrap();
    for (path, user) in [("", who.0), ("deep", first + 70), ("deep/file", first)] {
        chown(folder.join(path), Some(user), Some(user)).unwrap();
    }
    let arguments = &["--exact", ITSELF];
    bench::Again { how: "with newuidmap", who, arguments, set: &[(FOLDER, &folder)], ..Default::default() }.run(|_| {});
    assert!(!folder.exists());
}

#[tokio::test]
async fn all_of_this_holds_without_root_where_users_are_lent() {
    bench::again_with_lent_users(&[], &[]);
}
