use super::*;

#[test]
fn limits_become_the_files_of_version_two() {
    let limits = Limits { memory: Some(1 << 20), cpu_milli: Some(1500), cpu_request_milli: Some(1000), pids: Some(10) };
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
    let limits = Limits { memory: Some(4096), cpu_milli: Some(1), cpu_request_milli: Some(1), pids: Some(10) };
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
