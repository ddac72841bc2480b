//! Real containers, with and without root. Every test ends with nothing left on the machine.

#[path = "support/bench.rs"]
mod bench;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use bench::{Bench, program};
use fairway_node::PodSockets as _;
use fairway_node::Transport;
use fairway_node::runner::{Container, Footprint, Found, Limits, LogOptions, Mount, Runner, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn a_container_runs_and_its_exit_code_and_output_are_kept() {
    let Some(bench) = Bench::new("10.244.0.10") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["lines", "3"]).await;
    let ended = bench.ended(&pod, "app").await;
    assert_eq!((ended.exit_code, ended.reason.as_str()), (0, "Completed"));
    assert_eq!(bench.log("app", 0).await, "line 0\nline 1\nline 2\n");
    bench.start(&pod, Container { name: "other".into(), ..program(&["exit", "42"]) }).await;
    let ended = bench.ended(&pod, "other").await;
    assert_eq!((ended.exit_code, ended.reason.as_str()), (42, "Error"));
    bench.clean().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_says_so() {
    let Some(bench) = Bench::new("10.244.0.11") else { return };
    let pod = bench.pod().await;
    bench.start(&pod, Container { argv: vec!["/no/such".into()], ..program(&[]) }).await;
    let ended = bench.ended(&pod, "app").await;
    assert_eq!((ended.exit_code, ended.reason.as_str()), (128, "StartError"));
    let message = ended.message.unwrap();
    assert!(message.contains("run /no/such: No such file or directory"), "{message}");
    bench.clean().await;
}

#[tokio::test]
async fn a_container_has_no_rights_and_cannot_get_any() {
    let Some(bench) = Bench::new("10.244.0.12") else { return };
    let pod = bench.pod().await;
    let spec = Container { user: 1000, group: 1001, ..program(&["cat", "/proc/self/status"]) };
    bench.start(&pod, spec).await;
    bench.ended(&pod, "app").await;
    let status = bench.log("app", 0).await;
    let others = if bench.runner.has_ranges() { "Operation not permitted" } else { "Invalid argument" };
    for expected in [
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "Uid:\t1000\t1000\t1000\t1000",
        "Gid:\t1001\t1001\t1001\t1001",
    ] {
        assert!(status.contains(expected), "{expected} in {status}");
    }
    bench.start(&pod, Container { name: "out".into(), ..program(&["break-out"]) }).await;
    bench.ended(&pod, "out").await;
    let expected = format!(
        "unshare: Operation not permitted\nmount: Operation not permitted\nchroot: Operation not permitted\n\
         setuid: {others}\nsethostname: Operation not permitted\nids: 0 0 pid 1\n"
    );
    assert_eq!(bench.log("out", 0).await, expected);
    bench.clean().await;
}

#[tokio::test]
async fn the_root_is_read_only_or_thrown_away_and_volumes_are_as_they_say() {
    let Some(bench) = Bench::new("10.244.0.13") else { return };
    let open = bench.runner.volume(&bench.uid, "open").unwrap();
    let closed = bench.runner.volume(&bench.uid, "closed").unwrap();
    std::fs::write(closed.join("key"), "value").unwrap();
    let pod = bench.pod().await;
    let folder = std::fs::metadata(open.join("../..")).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&folder) & 0o777, 0o700, "Secrets lie in it");
    let mounts = vec![
        Mount { source: open.clone(), sub_path: Some("part".into()), target: "/data/deep".into(), read_only: false },
        Mount { source: closed, sub_path: None, target: "/etc/settings".into(), read_only: true },
    ];
    let writes = ["write", "/new", "/data/deep/new", "/etc/settings/new", "/dev/new", "/proc/sys/kernel/hostname"];
    bench.start(&pod, Container { mounts: mounts.clone(), ..program(&writes) }).await;
    bench.ended(&pod, "app").await;
    assert_eq!(
        bench.log("app", 0).await,
        "/new: Read-only file system\n/data/deep/new: written\n/etc/settings/new: Read-only file system\n\
         /dev/new: Read-only file system\n/proc/sys/kernel/hostname: Permission denied\n"
    );
    assert!(open.join("part/new").exists());
    let spec = Container { name: "loose".into(), read_only_root: false, ..program(&["write", "/new"]) };
    bench.start(&pod, spec).await;
    bench.ended(&pod, "loose").await;
    assert_eq!(bench.log("loose", 0).await, "/new: written\n");
    assert!(!bench.image.join("new").exists(), "the image is never written");
    let spec = Container {
        name: "reader".into(),
        mounts,
        ..program(&["cat", "/etc/settings/key", "/etc/hostname", "/etc/resolv.conf"])
    };
    bench.start(&pod, spec).await;
    bench.ended(&pod, "reader").await;
    assert_eq!(bench.log("reader", 0).await, "valuemypod\nnameserver 10.96.0.10\n");
    bench.clean().await;
}

#[tokio::test]
async fn what_proc_tells_and_changes_about_the_machine_is_masked() {
    let Some(bench) = Bench::new("10.244.0.27") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["cat", "/proc/self/mountinfo"]).await;
    bench.ended(&pod, "app").await;
    let mounts = bench.log("app", 0).await;
    let options_of = |path: &str| {
        let line = mounts.lines().find(|it| it.split(' ').nth(4) == Some(path));
        line.and_then(|it| it.split(' ').nth(5)).unwrap_or("absent").to_owned()
    };
    assert!(mounts.contains(" - overlay overlay ro,"), "{mounts}");
    for path in ["/dev", "/proc/sys", "/proc/irq"] {
        assert!(options_of(path).starts_with("ro,"), "{path} in {mounts}");
    }
    assert!(options_of("/proc").contains("nosuid,nodev,noexec"));
    assert!(!mounts.contains("/sys/fs/cgroup"));
    bench.clean().await;
}

#[tokio::test]
async fn an_images_files_are_its_owners() {
    let Some(bench) = Bench::new("10.244.0.28") else { return };
    std::fs::create_dir_all(bench.image.join("var/app")).unwrap();
    std::fs::write(bench.image.join("var/app/private"), "for the owner\n").unwrap();
    bench::close_to_others(&bench.image.join("var/app/private"));
    if bench.runner.has_ranges() {
        let owner = Some(bench::of_image(70));
        for path in ["var", "var/app", "var/app/private"] {
            std::os::unix::fs::chown(bench.image.join(path), owner, owner).unwrap();
        }
    } else {
        bench::close_to_others(&bench.image);
    }
    let pod = bench.pod().await;
    let spec = Container { user: 70, group: 70, ..program(&["cat", "/var/app/private"]) };
    bench.start(&pod, spec).await;
    bench.ended(&pod, "app").await;
    assert_eq!(bench.log("app", 0).await, "for the owner\n");
    let write = program(&["write", "/var/app/new"]);
    let spec = Container { name: "writer".into(), read_only_root: false, user: 70, group: 70, ..write };
    bench.start(&pod, spec).await;
    bench.ended(&pod, "writer").await;
    assert_eq!(bench.log("writer", 0).await, "/var/app/new: written\n");
    assert!(!bench.image.join("var/app/new").exists());
    if bench.runner.has_ranges() {
        let spec = Container { name: "other".into(), user: 71, group: 70, ..program(&["cat", "/var/app/private"]) };
        bench.start(&pod, spec).await;
        bench.ended(&pod, "other").await;
        assert_eq!(bench.log("other", 0).await, "/var/app/private: Permission denied\n");
    }
    bench.clean().await;
}

#[tokio::test]
async fn a_sub_path_never_leaves_its_volume() {
    let Some(bench) = Bench::new("10.244.0.14") else { return };
    let volume = bench.runner.volume(&bench.uid, "data").unwrap();
    std::os::unix::fs::symlink("/", volume.join("out")).unwrap();
    let pod = bench.pod().await;
    for (attempt, part) in ["..", "out/etc", "a/../../x"].into_iter().enumerate() {
        let mount =
            Mount { source: volume.clone(), sub_path: Some(part.into()), target: "/data".into(), read_only: false };
        let attempt = u32::try_from(attempt).unwrap();
        bench.start(&pod, Container { mounts: vec![mount], attempt, ..program(&["exit", "0"]) }).await;
        let ended = bench.ended(&pod, "app").await;
        assert_eq!(ended.reason, "StartError", "{part}");
    }
    bench.clean().await;
}

#[tokio::test]
async fn signals_are_heard_and_a_stubborn_program_is_killed() {
    let Some(bench) = Bench::new("10.244.0.15") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["sleep"]).await;
    bench.said(&pod, "app", "sleeping").await;
    pod.signal("app", 0, 15).await.unwrap();
    assert_eq!(bench.ended(&pod, "app").await.exit_code, 7);
    bench.start(&pod, Container { name: "deaf".into(), ..program(&["stubborn"]) }).await;
    bench.said(&pod, "deaf", "stubborn").await;
    pod.signal("deaf", 0, 15).await.unwrap();
    pod.signal("deaf", 0, 9).await.unwrap();
    let ended = bench.ended(&pod, "deaf").await;
    assert_eq!((ended.exit_code, ended.signal), (137, Some(9)));
    pod.signal("deaf", 0, 9).await.expect("a signal to what has ended is no error");
    bench.clean().await;
}

#[tokio::test]
async fn what_a_container_started_ends_with_it() {
    let Some(bench) = Bench::new("10.244.0.16") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["orphan"]).await;
    bench.ended(&pod, "app").await;
    assert_eq!(bench.runner.footprint().processes, 1, "only pod init is left");
    bench.clean().await;
}

#[tokio::test]
async fn a_fork_bomb_stops_at_its_limit() {
    let Some(bench) = Bench::new("10.244.0.17") else { return };
    let pod = bench.pod().await;
    let limits = Limits { pids: Some(40), ..Limits::default() };
    bench.start(&pod, Container { limits, ..program(&["bomb"]) }).await;
    assert_eq!(bench.ended(&pod, "app").await.exit_code, 3);
    let log = bench.log("app", 0).await;
    let made: u32 = log.trim().strip_prefix("made ").unwrap().parse().unwrap();
    assert!((1..=40).contains(&made), "{made}");
    bench.clean().await;
}

#[tokio::test]
async fn a_leak_ends_at_the_memory_limit_and_says_why() {
    let Some(bench) = Bench::new("10.244.0.18") else { return };
    if !bench.can_limit("memory") {
        bench::skipped("a leak at its memory limit: no cgroup for memory can be written here");
        return bench.clean().await;
    }
    let pod = bench.pod().await;
    let limits = Limits { memory: Some(32 << 20), ..Limits::default() };
    bench.start(&pod, Container { limits, ..program(&["leak"]) }).await;
    let ended = bench.ended(&pod, "app").await;
    assert_eq!((ended.exit_code, ended.reason.as_str()), (137, "OOMKilled"));
    bench.clean().await;
}

#[tokio::test]
async fn limits_are_set_where_they_can_be() {
    let Some(bench) = Bench::new("10.244.0.29") else { return };
    let pod = bench.pod_of(Sandbox { cpu_request_milli: 500, ..bench.sandbox() }).await;
    let limits = Limits { memory: Some(64 << 20), cpu_milli: Some(250), cpu_request_milli: 250, pids: Some(99) };
    bench.start(&pod, Container { limits, ..program(&["sleep"]) }).await;
    for (controller, file, value) in [
        ("memory", "memory.limit_in_bytes", "67108864"),
        ("cpu", "cpu.cfs_quota_us", "25000"),
        ("cpu", "cpu.shares", "256"),
        ("pids", "pids.max", "99"),
    ] {
        if let Some(found) = bench.limit(controller, "app-0", file) {
            assert_eq!(found, value, "{file}");
        }
    }
    if let Some(share) = bench.limit("cpu", ".", "cpu.shares") {
        assert_eq!(share, "512", "the whole pod's");
    }
    bench.clean().await;
}

#[test]
fn the_machine_is_tried_for_real() {
    if !bench::can_run_pods() {
        return;
    }
    let machine = fairway_node::machine::inspect();
    let mode = machine.user_mode;
    assert_eq!(machine.clone().tried(&bench::pod_program()).user_mode, mode);
    let untried = machine.tried(std::path::Path::new("/bin/false"));
    assert_eq!(untried.user_mode, fairway_node::machine::UserMode::None);
    assert!(untried.user_reason.starts_with("namespaces cannot be made"), "{}", untried.user_reason);
}

#[tokio::test]
async fn noise_at_full_speed_takes_no_more_disk_than_allowed_and_stops_nobody() {
    let Some(bench) = Bench::new("10.244.0.19") else { return };
    let mut sandbox = bench.sandbox();
    sandbox.log_limit.bytes = 1 << 20;
    let pod = bench.pod_of(sandbox).await;
    bench.run(&pod, &["spew"]).await;
    // Other containers are served all the while.
    for attempt in 0..5 {
        bench.start(&pod, Container { name: "calm".into(), attempt, ..program(&["lines", "2"]) }).await;
        assert_eq!(bench.ended(&pod, "calm").await.exit_code, 0);
        assert_eq!(bench.log("calm", attempt).await, "line 0\nline 1\n");
    }
    bench.until(|| bench.log_files("app") == 2).await;
    assert!(bench.log_bytes("app") <= 2 * ((1 << 20) + (96 << 10)), "{}", bench.log_bytes("app"));
    bench.clean().await;
}

#[tokio::test]
async fn only_the_last_two_runs_keep_their_logs() {
    let Some(bench) = Bench::new("10.244.0.20") else { return };
    let pod = bench.pod().await;
    for attempt in 0..4 {
        bench.start(&pod, Container { attempt, ..program(&["lines", &attempt.to_string()]) }).await;
        bench.ended(&pod, "app").await;
    }
    assert_eq!(bench.log("app", 3).await, "line 0\nline 1\nline 2\n");
    assert_eq!(bench.log("app", 2).await, "line 0\nline 1\n");
    assert_eq!(bench.log("app", 1).await, "");
    assert_eq!(pod.state().containers.len(), 2);
    bench.clean().await;
}

#[tokio::test]
async fn commands_run_inside_a_container_with_its_rights_and_their_time_is_limited() {
    let Some(bench) = Bench::new("10.244.0.21") else { return };
    let pod = bench.pod().await;
    bench.start(&pod, Container { user: 33, env: vec![("COLOUR".into(), "blue".into())], ..program(&["sleep"]) }).await;
    let exec = |words: &[&str], timeout| {
        let argv: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        let pod = &pod;
        async move { pod.exec("app", &argv, timeout).await.unwrap() }
    };
    let long = Duration::from_secs(30);
    let result = exec(&["/bin/program", "env", "COLOUR"], long).await;
    assert_eq!((result.exit_code, result.output.as_str()), (Some(0), "COLOUR=blue\n"));
    assert_eq!(exec(&["/bin/program", "exit", "9"], long).await.exit_code, Some(9));
    let status = exec(&["/bin/program", "cat", "/proc/self/status"], long).await.output;
    for expected in
        ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "Uid:\t33"]
    {
        assert!(status.contains(expected), "{expected} in {status}");
    }
    // It never ends; the time is for a slow machine to let it speak.
    let late = exec(&["/bin/program", "stubborn"], Duration::from_secs(3)).await;
    assert_eq!((late.exit_code, late.output.as_str()), (None, "stubborn\n"));
    let absent = exec(&["/bin/absent"], long).await;
    assert_eq!(absent.exit_code, Some(127));
    assert_eq!(exec(&["/bin"], long).await.exit_code, Some(126));
    assert!(pod.exec("ghost", &["/bin/program".into()], long).await.is_err());
    bench.clean().await;
}

#[tokio::test]
async fn sockets_come_out_of_the_pod_and_peers_see_the_callers_address() {
    let Some(bench) = Bench::new("10.244.0.22") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["serve", "80"]).await;
    bench.said(&pod, "app", "serving").await;
    let source = IpAddr::V4(Ipv4Addr::new(10, 244, 0, 99));
    let target: SocketAddr = "10.244.0.22:80".parse().unwrap();
    let mut stream = bench::stream(pod.connect(source, target).await.unwrap());
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n10.244.0.99"), "{answer}");
    let refused = pod.connect(source, "10.244.0.22:81".parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    // A Service's address inside the pod, answered from outside.
    let listener = pod.listen("10.96.0.77:5432".parse().unwrap(), Transport::Tcp).await.unwrap();
    let listener = bench::listener(listener);
    let dials = Container { name: "dials".into(), ..program(&["dial", "10.96.0.77", "5432"]) };
    bench.start(&pod, dials).await;
    let (mut caller, peer) = listener.accept().await.unwrap();
    assert_eq!(peer.ip().to_string(), "10.244.0.22");
    caller.write_all(b"hello").await.unwrap();
    drop(caller);
    assert_eq!(bench.ended(&pod, "dials").await.exit_code, 0);
    assert_eq!(bench.log("dials", 0).await, "heard hello\n");
    let nowhere = Container { name: "nowhere".into(), ..program(&["dial", "1.1.1.1", "80"]) };
    bench.start(&pod, nowhere).await;
    bench.ended(&pod, "nowhere").await;
    assert_eq!(bench.log("nowhere", 0).await, "connect: Network is unreachable\n");
    bench.clean().await;
}

#[tokio::test]
async fn pods_outlive_the_one_who_started_them_and_are_found_again() {
    let Some(bench) = Bench::new("10.244.0.23") else { return };
    let started = bench.start_elsewhere(&program(&["sleep"])); // and that process is killed
    let found = bench.runner.find().await.unwrap();
    let [Found::Running(pod)] = found.as_slice() else { panic!("{} pods", found.len()) };
    let state = pod.state();
    assert_eq!(state, started);
    bench.runner.start(pod, bench.here(program(&["sleep"]))).await.expect("starting what runs changes nothing");
    assert_eq!(pod.state(), started);
    let exec = pod.exec("app", &["/bin/program".into()], Duration::from_secs(30)).await.unwrap();
    assert_eq!(exec.exit_code, Some(0));
    bench.clean().await;
}

#[tokio::test]
async fn a_dead_pod_is_found_dead_and_its_killing_ends_everything() {
    let Some(bench) = Bench::new("10.244.0.24") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["stubborn"]).await;
    pod.kill().await;
    pod.gone().await;
    assert!(pod.is_gone());
    assert!(pod.signal("app", 0, 15).await.is_err());
    let found = bench.runner.find().await.unwrap();
    assert!(matches!(found.as_slice(), [Found::Dead { state, .. }] if state.containers.len() == 1));
    assert_eq!(Footprint { folders: 0, cgroups: 0, ..bench.runner.footprint() }, Footprint::default());
    bench.clean().await;
}

#[tokio::test]
async fn a_pod_whose_init_does_not_answer_is_killed_and_keeps_nobody_waiting() {
    let Some(bench) = Bench::new("10.244.0.30") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["sleep"]).await;
    bench::pause(pod.init_pid);
    let again = bench.again(Duration::from_millis(100));
    let found = again.find().await.unwrap();
    assert!(matches!(found.as_slice(), [Found::Dead { .. }]));
    assert_eq!(again.footprint().processes, 0);
    bench.clean().await;
}

#[tokio::test]
async fn following_a_log_ends_with_the_container() {
    let Some(bench) = Bench::new("10.244.0.25") else { return };
    let pod = bench.pod().await;
    bench.run(&pod, &["sleep"]).await;
    bench.said(&pod, "app", "sleeping").await;
    let follow = bench.log_with(&pod, "app", 0, LogOptions { follow: true, ..LogOptions::default() });
    pod.signal("app", 0, 9).await.unwrap();
    assert_eq!(follow.await, "sleeping\n");
    bench.clean().await;
}

/// The folder that is opened by a process of other users.
const OPEN_THIS: &str = "FAIRWAY_TEST_OPEN";

#[test]
fn a_folder_is_refused_to_whoever_has_other_users() {
    if let Some(folder) = std::env::var_os(OPEN_THIS) {
        let opened = Runner::open(Path::new(&folder), Path::new("/none"), &fairway_clock::SystemEntropy);
        println!("<{}>", opened.err().map_or("opened".into(), |it| it.to_string()));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = || Runner::open(folder.path(), Path::new("/none"), &fairway_clock::SystemEntropy);
    open().unwrap();
    // Root inside of a user namespace with one user: the same files, and not the users that they belong to.
    let mut inside = std::process::Command::new("unshare");
    inside.args(["--user", "--map-root-user"]).arg(std::env::current_exe().unwrap());
    inside.args(["--exact", "a_folder_is_refused_to_whoever_has_other_users", "--nocapture"]);
    let output = match inside.env(OPEN_THIS, folder.path()).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => return bench::skipped("a folder opened by other users: no user namespace can be made here with unshare"),
    };
    if std::fs::read_to_string(folder.path().join("node.user")).unwrap() == "root" {
        let expected = "was made by root and this is user 0, who cannot have its files; run as the one who made it";
        assert!(output.contains(expected), "{output}");
    } else if bench::are_users_lent() {
        assert!(output.contains("was made by user 65534 and this is user 0, who cannot have its files"), "{output}");
    } else {
        // Without root one is the same user inside, and has as many.
        assert!(output.contains("<opened>"), "{output}");
    }
    open().unwrap();
}

#[test]
fn everything_holds_without_root_too() {
    bench::again_without_root();
}

#[test]
fn everything_holds_with_lent_users_too() {
    bench::again_with_lent_users(&[], &[]);
}

/// Where the time between asking and running goes; prints, judges nothing.
#[tokio::test]
async fn starting_a_pod_and_a_container_is_measured() {
    let Some(bench) = Bench::new("10.244.0.26") else { return };
    let clock = fairway_clock::SystemClock::new();
    let before = fairway_clock::Clock::monotonic(&clock);
    let pod = bench.pod().await;
    let pod_took = fairway_clock::Clock::monotonic(&clock).saturating_sub(before);
    let status = std::fs::read_to_string(format!("/proc/{}/status", pod.init_pid)).unwrap();
    let memory: Vec<&str> = status.lines().filter(|it| it.starts_with("VmRSS") || it.starts_with("RssAnon")).collect();
    println!("pod init's memory: {memory:?}");
    let mut took = Vec::new();
    for attempt in 0..20 {
        let before = fairway_clock::Clock::monotonic(&clock);
        bench.start(&pod, Container { attempt, ..program(&["sleep"]) }).await;
        took.push(fairway_clock::Clock::monotonic(&clock).saturating_sub(before));
        pod.signal("app", attempt, 9).await.unwrap();
        bench.ended(&pod, "app").await;
    }
    took.sort();
    println!(
        "ROW\tcontainer start\tfrom the request to the program running, layers unpacked\t{:.1?} ({:.1?} to {:.1?}, 20 times)",
        took[10], took[0], took[19]
    );
    println!("ROW\tpod init\tfrom the request to a process that waits for containers\t{pod_took:.1?}");
    bench.clean().await;
}
