use serde_json::json;

use super::*;
use crate::job::plan::tests::{job, pod};

fn sizes(tally: &Tally<'_>) -> [i32; 6] {
    let count = |it: usize| i32::try_from(it).unwrap();
    [
        count(tally.active.len()),
        count(tally.terminating),
        tally.successes(),
        tally.failures(),
        count(tally.release.len()),
        tally.succeeded + tally.failed,
    ]
}

#[test]
fn pods_are_told_apart() {
    // Active, leaving, ended well, failed, let go, counted.
    for (how, wanted) in [
        (json!({}), [1, 0, 0, 0, 0, 0]),
        (json!({ "phase": "Pending" }), [1, 0, 0, 0, 0, 0]),
        (json!({ "phase": "Succeeded" }), [0, 0, 1, 0, 1, 0]),
        (json!({ "phase": "Failed" }), [0, 0, 0, 1, 1, 0]),
        (json!({ "leaving": true }), [0, 1, 0, 1, 1, 0]),
        (json!({ "leaving": true, "phase": "Succeeded" }), [0, 0, 1, 0, 1, 0]),
        // Counted already.
        (json!({ "phase": "Succeeded", "tracked": false }), [0; 6]),
        (json!({ "leaving": true, "tracked": false }), [0, 1, 0, 0, 0, 0]),
    ] {
        let pod = pod("a", how.clone());
        assert_eq!(sizes(&Tally::of(&job(json!({})), &[&pod], false)), wanted, "{how}");
    }
    let careful = job(json!({ "podReplacementPolicy": "Failed" }));
    let leaving = pod("a", json!({ "leaving": true }));
    assert_eq!(sizes(&Tally::of(&careful, &[&leaving], false)), [0, 1, 0, 0, 0, 0], "it may still end well");
    assert_eq!(sizes(&Tally::of(&careful, &[&leaving], true)), [0, 1, 0, 1, 1, 0], "nobody waits for it");
}

#[test]
fn a_noted_pod_counts_once_it_is_let_go_and_never_twice() {
    let mut job = job(json!({}));
    job.status = serde_json::from_value(json!({
        "succeeded": 1, "failed": 2, "uncountedTerminatedPods": { "succeeded": ["a", "b"], "failed": ["c"] },
    }))
    .unwrap();
    let held = pod("a", json!({ "phase": "Succeeded" }));
    let gone = pod("b", json!({ "phase": "Succeeded", "tracked": false }));
    // c is not there any more.
    let it = Tally::of(&job, &[&held, &gone], false);
    assert_eq!((it.succeeded, it.failed, it.successes(), it.failures()), (2, 3, 3, 3));
    assert_eq!((it.noted_succeeded.len(), it.noted_failed.len(), it.release.len()), (1, 0, 1));
    assert!(!it.is_settled());
}

#[test]
fn no_more_are_noted_at_once_than_a_status_should_hold() {
    let many: Vec<Pod> = (0..MOST_NOTED + 5).map(|it| pod(&it.to_string(), json!({ "phase": "Failed" }))).collect();
    let it = Tally::of(&job(json!({})), &many.iter().collect::<Vec<_>>(), false);
    assert_eq!((it.noted_failed.len(), it.release.len()), (MOST_NOTED, MOST_NOTED));
}

#[test]
fn an_indexed_job_counts_numbers() {
    let mut job = job(json!({ "completionMode": "Indexed", "completions": 4 }));
    job.status = serde_json::from_value(json!({ "succeeded": 1, "completedIndexes": "0" })).unwrap();
    let done = json!({ "phase": "Succeeded" });
    let with = |index: i32| {
        let mut how = done.clone();
        how["index"] = json!(index.to_string());
        pod(&index.to_string(), how)
    };
    let (again, next, beyond, none) = (with(0), with(2), with(9), pod("none", done.clone()));
    let it = Tally::of(&job, &[&again, &next, &beyond, &none], false);
    assert_eq!((it.completed.as_ref().unwrap().text().as_str(), it.succeeded, it.release.len()), ("0,2", 2, 4));
}

#[test]
fn the_wait_after_failures_doubles_and_a_success_ends_it() {
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    let failed = |name: &str, ended: i64| pod(name, json!({ "phase": "Failed", "ended": ended }));
    let seconds = |pods: &[Pod], now: i64| backoff(&pods.iter().collect::<Vec<_>>(), at(now)).map(|it| it.as_secs());
    assert_eq!(seconds(&[], 100), None);
    assert_eq!(seconds(&[failed("a", 100)], 100), Some(10));
    assert_eq!(seconds(&[failed("a", 100)], 104), Some(6));
    assert_eq!(seconds(&[failed("a", 100)], 110), None);
    assert_eq!(seconds(&[failed("a", 100), failed("b", 120)], 121), Some(19));
    let many: Vec<Pod> = (0..40).map(|it| failed(&it.to_string(), 100)).collect();
    assert_eq!(seconds(&many, 100), Some(600));
    let succeeded = pod("s", json!({ "phase": "Succeeded", "ended": 110 }));
    assert_eq!(seconds(&[failed("a", 100), succeeded.clone()], 101), None);
    assert_eq!(seconds(&[failed("a", 100), succeeded, failed("b", 120)], 120), Some(10));
    assert_eq!(seconds(&[failed("a", 9000)], 100), Some(10), "a clock that was set back");
}
