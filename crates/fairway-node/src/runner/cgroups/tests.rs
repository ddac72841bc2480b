use tempfile::TempDir;

use super::*;

#[test]
fn limits_become_the_files_of_version_two() {
    let limits = Limits { memory: Some(1 << 20), cpu_milli: Some(1500), cpu_request_milli: 1000, pids: Some(10) };
    let found: Vec<(&str, String)> = unified(Path::new("/x"), &limits).into_iter().map(|it| (it.1, it.2)).collect();
    assert_eq!(
        found,
        [
            ("memory.max", "1048576".into()),
            ("memory.swap.max", "0".into()),
            ("cpu.max", "150000 100000".to_string()),
            ("cpu.weight", "39".into()),
            ("pids.max", "10".into()),
        ]
    );
}

#[test]
fn limits_become_the_files_of_version_one() {
    let cgroups = Cgroups { generation: Generation::V1(CONTROLLERS.to_vec()), top: "fairway-t".into() };
    let limits = Limits { memory: Some(4096), cpu_milli: Some(1), cpu_request_milli: 1, pids: Some(10) };
    let found: Vec<String> = cgroups
        .settings(&limits)
        .into_iter()
        .map(|(top, file, value)| format!("{} {value}", top.join(file).display()))
        .collect();
    assert_eq!(
        found,
        [
            "/sys/fs/cgroup/memory/fairway-t/memory.limit_in_bytes 4096",
            "/sys/fs/cgroup/memory/fairway-t/memory.memsw.limit_in_bytes 4096",
            "/sys/fs/cgroup/cpu/fairway-t/cpu.shares 2",
            "/sys/fs/cgroup/cpu/fairway-t/cpu.cfs_quota_us 1000",
            "/sys/fs/cgroup/pids/fairway-t/pids.max 10",
        ]
    );
}

#[test]
fn without_cgroups_there_is_nothing_to_join_and_nothing_fails() {
    let cgroups = Cgroups { generation: Generation::None("no".into()), top: "fairway-t".into() };
    let place = cgroups.container("pod", "app-0", &Limits { memory: Some(1), ..Limits::default() }, None).unwrap();
    assert!(place.join.is_empty() && place.oom_file.is_none());
}

/// A folder of version 2 as the kernel makes it.
fn kernel(folder: &Path, controllers: &str, procs: &str) {
    fs::create_dir_all(folder).unwrap();
    for (file, text) in [("cgroup.controllers", controllers), ("cgroup.subtree_control", ""), ("cgroup.procs", procs)] {
        fs::write(folder.join(file), text).unwrap();
    }
    for file in ["memory.max", "memory.swap.max", "memory.events", "cpu.max", "cpu.weight", "pids.max"] {
        fs::write(folder.join(file), "").unwrap();
    }
}

/// A tree of version 2 in which this process is in `user.slice/session`.
fn tree(controllers: &str) -> (TempDir, &'static str) {
    let folder = tempfile::tempdir().unwrap();
    kernel(folder.path(), controllers, "1\n2\n");
    (folder, "0::/user.slice/session\n")
}

#[test]
fn a_tree_of_version_two_is_used_where_it_can_hand_limits_down() {
    let (mount, own) = tree("cpuset cpu io memory hugetlb pids rdma");
    assert_eq!(detect_in(mount.path(), own), Generation::V2(mount.path().to_owned(), CONTROLLERS.to_vec()));
    // Inside a container what looks like the top is a folder like others: its own processes are in the way.
    fs::write(mount.path().join("cgroup.type"), "domain\n").unwrap();
    let Generation::None(why) = detect_in(mount.path(), own) else { unreachable!("it has processes") };
    assert!(why.contains("has processes in it") && why.contains("in a cgroup below it"), "{why}");
    fs::write(mount.path().join("cgroup.subtree_control"), "memory\n").unwrap();
    assert_eq!(detect_in(mount.path(), own), Generation::V2(mount.path().to_owned(), vec!["memory"]));
    fs::write(mount.path().join("cgroup.procs"), "").unwrap();
    assert_eq!(detect_in(mount.path(), own), Generation::V2(mount.path().to_owned(), CONTROLLERS.to_vec()));
    fs::write(mount.path().join("cgroup.controllers"), "cpuset io\n").unwrap();
    let Generation::None(why) = detect_in(mount.path(), own) else { unreachable!("nothing of ours is there") };
    assert!(why.ends_with("was given none of memory, cpu, pids"), "{why}");
    // Nothing at all: version 1 without a controller that can be written.
    let empty = tempfile::tempdir().unwrap();
    let Generation::None(why) = detect_in(empty.path(), own) else { unreachable!("there is nothing") };
    assert!(why.contains("can be written by this user"), "{why}");
}

#[test]
fn a_user_gets_the_folder_beside_their_own_if_it_was_delegated() {
    use std::os::unix::fs::PermissionsExt as _;
    let (mount, own) = tree("cpu memory pids");
    let slice = mount.path().join("user.slice");
    kernel(&slice, "memory pids", "");
    kernel(&slice.join("session"), "", "3\n");
    fs::write(slice.join("cgroup.type"), "domain\n").unwrap();
    fs::set_permissions(mount.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere and gets the top.
    let expected = if rustix::process::geteuid().is_root() {
        Generation::V2(mount.path().to_owned(), CONTROLLERS.to_vec())
    } else {
        Generation::V2(slice.clone(), vec!["memory", "pids"])
    };
    assert_eq!(detect_in(mount.path(), own), expected);
    assert_eq!(given(&slice), Generation::V2(slice, vec!["memory", "pids"]));
    fs::set_permissions(mount.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn version_two_hands_controllers_down_to_leaves_sets_limits_there_and_goes_away() {
    let (mount, own) = tree("cpuset cpu memory pids");
    let cgroups = Cgroups { generation: detect_in(mount.path(), own), top: "fairway-t".into() };
    let top = mount.path().join("fairway-t");
    let (init, run) = (top.join("pod/init"), top.join("pod/app-0"));
    for folder in [&top, &top.join("pod"), &init, &run] {
        kernel(folder, "cpu memory pids", "");
    }
    let place = cgroups.pod("pod", 1000, None).unwrap();
    assert_eq!(place.join, [init.join("cgroup.procs")]);
    let read = |folder: &Path, file: &str| fs::read_to_string(folder.join(file)).unwrap();
    for folder in [mount.path(), &top, &top.join("pod")] {
        assert_eq!(read(folder, "cgroup.subtree_control"), "+memory +cpu +pids", "{}", folder.display());
    }
    assert_eq!(read(&init, "cgroup.subtree_control"), "", "processes live in leaves");
    let limits = Limits { memory: Some(1 << 20), cpu_milli: Some(500), cpu_request_milli: 0, pids: Some(64) };
    let place = cgroups.container("pod", "app-0", &limits, None).unwrap();
    assert_eq!((place.join, place.oom_file), (vec![run.join("cgroup.procs")], Some(run.join("memory.events"))));
    for (file, value) in [
        ("memory.max", "1048576"),
        ("memory.swap.max", "0"),
        ("cpu.max", "50000 100000"),
        ("pids.max", "64"),
        ("cpu.weight", "1"),
    ] {
        assert_eq!(read(&run, file), value, "{file}");
    }
    assert_eq!(read(&top.join("pod"), "cpu.weight"), "39", "a pod has the share of what its containers ask for");
    // Files of a cgroup go with it; those of this picture do not.
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
    cgroups.remove_container("pod", "app-0");
    assert!(!run.exists() && init.exists());
    cgroups.remove_pod("pod");
    cgroups.remove_all();
    assert!(!top.exists());
}
