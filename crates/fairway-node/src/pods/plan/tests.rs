use serde_json::{Value, json};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).unwrap()
}

fn run(name: &str, attempt: u32, ended: Option<(i32, i64)>) -> ContainerState {
    let finished = ended.map(|(exit_code, second)| Finished {
        at: at(second),
        exit_code,
        signal: None,
        reason: String::new(),
        message: None,
    });
    ContainerState { name: name.into(), attempt, pid: 1, started_at: at(0), finished, wants: None }
}

fn pod(policy: &str, init: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {}, "spec": { "restartPolicy": policy, "initContainers": init,
        "containers": [{ "name": "a", "image": "x" }, { "name": "b", "image": "x" }] }
    }))
    .unwrap()
}

struct Case {
    policy: &'static str,
    init: Value,
    runs: Vec<ContainerState>,
    failures: u32,
    now: i64,
}

impl Case {
    fn plan(self) -> Plan {
        let pod = pod(self.policy, self.init);
        let state = PodState { containers: self.runs };
        let failures = ["a", "b", "i", "j"].map(|it| (it.to_owned(), self.failures)).into();
        let unhealthy = BTreeSet::new();
        plan(&Facts { pod: &pod, state: &state, failures: &failures, unhealthy: &unhealthy, now: at(self.now) })
    }
}

fn case(policy: &'static str, runs: Vec<ContainerState>) -> Case {
    Case { policy, init: json!([]), runs, failures: 1, now: 100 }
}

fn starts(plan: &Plan) -> Vec<(&str, u32)> {
    plan.start.iter().map(|it| (it.name.as_str(), it.attempt)).collect()
}

#[test]
fn a_new_pod_starts_all_containers_at_once() {
    let plan = case("Always", vec![]).plan();
    assert_eq!(starts(&plan), [("a", 0), ("b", 0)]);
    assert!(plan.initialized);
}

#[test]
fn init_containers_run_one_after_the_other_and_before_the_rest() {
    let init = || json!([{ "name": "i", "image": "x" }, { "name": "j", "image": "x" }]);
    let with = |runs| Case { init: init(), ..case("Always", runs) }.plan();
    assert_eq!(starts(&with(vec![])), [("i", 0)]);
    assert_eq!(starts(&with(vec![run("i", 0, None)])), []);
    assert_eq!(starts(&with(vec![run("i", 0, Some((0, 5)))])), [("j", 0)]);
    assert_eq!(starts(&with(vec![run("i", 0, Some((1, 5)))])), [("i", 1)]);
    assert_eq!(starts(&with(vec![run("i", 0, Some((0, 5))), run("j", 0, Some((0, 6)))])), [("a", 0), ("b", 0)]);
    let never = Case { init: init(), ..case("Never", vec![run("i", 0, Some((1, 5)))]) }.plan();
    assert_eq!(never.ended, Some(Ending::Failed));
}

#[test]
fn restart_policies_decide_what_an_ended_container_means() {
    for (policy, codes, started, ended) in [
        ("Always", (0, 1), vec![("a", 1), ("b", 1)], None),
        ("OnFailure", (0, 1), vec![("b", 1)], None),
        ("OnFailure", (0, 0), vec![], Some(Ending::Succeeded)),
        ("Never", (0, 1), vec![], Some(Ending::Failed)),
        ("Never", (0, 0), vec![], Some(Ending::Succeeded)),
    ] {
        let plan = case(policy, vec![run("a", 0, Some((codes.0, 5))), run("b", 0, Some((codes.1, 5)))]).plan();
        assert_eq!(starts(&plan), started, "{policy} {codes:?}");
        assert_eq!(plan.ended, ended, "{policy} {codes:?}");
    }
}

#[test]
fn back_off_begins_with_the_second_failure_and_doubles_to_five_minutes() {
    let waits: Vec<u64> = (1..9).map(|it| backoff(it).as_secs()).collect();
    assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(backoff(u32::MAX), LAST_BACKOFF);
}

#[test]
fn a_container_waits_its_back_off_and_starts_when_it_is_over() {
    let at_time =
        |now| Case { failures: 3, now, ..case("Always", vec![run("a", 2, Some((1, 100))), run("b", 0, None)]) }.plan();
    let waiting = at_time(119);
    assert_eq!(starts(&waiting), []);
    assert_eq!(waiting.backing_off.get("a"), Some(&Duration::from_secs(20)));
    assert_eq!(waiting.look_again, Some(at(120)));
    assert_eq!(starts(&at_time(120)), [("a", 3)]);
    assert_eq!(at_time(-5000).look_again, Some(at(-4980)), "a clock set back adds no wait");
}

#[test]
fn a_good_run_begins_the_count_anew() {
    let good = run("a", 0, Some((1, 600)));
    assert_eq!(count(5, &good, good.finished.as_ref().unwrap()), 1);
    let short = run("a", 0, Some((1, 599)));
    assert_eq!(count(5, &short, short.finished.as_ref().unwrap()), 6);
}

#[test]
fn only_the_unhealthy_run_is_stopped() {
    let pod = pod("Always", json!([]));
    let state = PodState { containers: vec![run("a", 3, None), run("b", 0, None)] };
    let unhealthy = [("a".to_owned(), 3), ("b".to_owned(), 7)].into();
    let facts = Facts { pod: &pod, state: &state, failures: &BTreeMap::new(), unhealthy: &unhealthy, now: at(0) };
    assert_eq!(plan(&facts).stop, [("a".to_owned(), 3)]);
}
