use super::*;
use crate::runner::ContainerState;

fn run(name: &str, attempt: u32) -> ContainerState {
    let started_at = Timestamp::from_second(1).unwrap();
    ContainerState { name: name.to_owned(), attempt, pid: 1, started_at, finished: None, wants: None }
}

fn pod(number: usize) -> PastPod {
    PastPod {
        namespace: "shop".to_owned(),
        name: format!("web-{number}"),
        labels: BTreeMap::from([("app".to_owned(), "web".to_owned())]),
        ended: Timestamp::from_second(1).unwrap(),
        containers: Vec::new(),
    }
}

fn print(state: &Path, uid: &str, container: &str, attempt: u32, text: &str) {
    let folder = state.join(format!("pods/{uid}/logs/{container}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{attempt}.log")), text).unwrap();
}

#[test]
fn the_last_run_that_printed_is_remembered_and_found_by_label() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    print(state, "u1", "app", 0, "t stdout F first\n");
    print(state, "u1", "app", 1, "t stderr F it broke\n");
    print(state, "u1", "side", 0, "t stdout F hello\n");
    let history = PodState { containers: vec![run("app", 0), run("app", 1), run("side", 0), run("side", 1)] };
    keep(state, "u1", pod(1), &history).unwrap();
    keep(state, "u2", pod(2), &PodState { containers: vec![run("app", 0)] }).unwrap();

    let found = find(state, "shop", &pod(0).labels);
    assert_eq!(found.len(), 1, "who printed nothing is not remembered");
    let logs: Vec<_> = found[0].containers.iter().map(|it| (it.name.as_str(), it.log.as_str())).collect();
    assert_eq!(logs, [("app", "it broke\n"), ("side", "hello\n")]);
    assert!(find(state, "other", &pod(0).labels).is_empty());
    assert!(find(state, "shop", &BTreeMap::from([("app".to_owned(), "api".to_owned())])).is_empty());
}

#[test]
fn what_is_remembered_has_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let line = format!("t stdout F {}\n", "x".repeat(1000));
    for number in 0..MOST_PODS + 3 {
        let uid = format!("u{number}");
        print(state, &uid, "app", 0, &line.repeat(100));
        keep(state, &uid, pod(number), &PodState { containers: vec![run("app", 0)] }).unwrap();
    }
    let found = find(state, "shop", &BTreeMap::new());
    assert_eq!(found.len(), MOST_PODS);
    assert!(found.iter().all(|it| it.containers[0].log.len() <= 32 << 10 && it.containers[0].log.ends_with("x\n")));
    fs::write(state.join("past/broken.json"), "{").unwrap();
    assert_eq!(find(state, "shop", &BTreeMap::new()).len(), MOST_PODS, "a broken file is passed over");
}
