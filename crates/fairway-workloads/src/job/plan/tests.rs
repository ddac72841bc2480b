use kube::ResourceExt;
use serde_json::{Value, json};

use super::*;

/// A Job of one Pod that never restarts; `restartPolicy` goes into its template, all else into its spec.
pub(in crate::job) fn job(extra: Value) -> Job {
    let mut spec = json!({
        "parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false,
        "selector": { "matchLabels": { "batch.kubernetes.io/controller-uid": "j1" } },
        "template": {
            "metadata": { "labels": { "batch.kubernetes.io/controller-uid": "j1" } },
            "spec": { "restartPolicy": "Never", "containers": [{ "name": "c" }] },
        },
    });
    for (key, value) in extra.as_object().unwrap() {
        match key.as_str() {
            "restartPolicy" => spec["template"]["spec"][key] = value.clone(),
            _ => spec[key] = value.clone(),
        }
    }
    let metadata = json!({ "name": "once", "namespace": "n", "uid": "j1", "generation": 1 });
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
}

/// A running, tracked Pod of the Job, its UID its name, unless `how` says otherwise.
pub(in crate::job) fn pod(name: &str, how: Value) -> Pod {
    let ended = Timestamp::from_second(how["ended"].as_i64().unwrap_or(1)).unwrap();
    let mut state = json!({});
    if how["code"].is_i64() || how["ended"].is_i64() {
        state = json!({ "terminated": { "exitCode": how["code"].as_i64().unwrap_or(1), "finishedAt": ended } });
    }
    let tracked = how["tracked"].as_bool().unwrap_or(true);
    let annotations = how["index"].as_str().map(|it| json!({ (indexes::INDEX): it }));
    let condition = how["condition"].as_str().map(|it| json!({ "type": it, "status": "True" }));
    serde_json::from_value(json!({
        "metadata": {
            "name": name, "namespace": "n", "uid": name, "annotations": annotations,
            "labels": { "batch.kubernetes.io/controller-uid": "j1" },
            "deletionTimestamp": how["leaving"].as_bool().unwrap_or(false).then_some("1970-01-01T00:00:02Z"),
            "finalizers": if tracked { json!([tally::TRACKING, "other"]) } else { json!(["other"]) },
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "once", "uid": "j1", "controller": true }],
        },
        "spec": { "containers": [] },
        "status": {
            "phase": how["phase"].as_str().unwrap_or("Running"),
            "conditions": condition.into_iter().collect::<Vec<_>>(),
            "containerStatuses": [{
                "name": "c", "image": "i", "imageID": "", "ready": false, "state": state,
                "restartCount": how["restarts"].as_i64().unwrap_or(0),
            }],
        },
    }))
    .unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn told(plan: &Plan) -> Vec<String> {
    let word = |it: &Action| match it {
        Action::Create(None) => "make".to_owned(),
        Action::Create(Some(index)) => format!("make {index}"),
        Action::Delete(it) => format!("delete {}", it.name_any()),
        Action::Withdraw(it) => format!("withdraw {}", it.name_any()),
    };
    plan.actions.iter().map(word).collect()
}

fn planned(spec: Value, pods: &[(&str, Value)]) -> Plan {
    let pods = pods.iter().map(|(name, how)| pod(name, how.clone())).collect();
    plan(&Observed { job: job(spec), pods }, at(100))
}

#[test]
fn pods_are_made_and_withdrawn_as_the_job_wants() {
    let run = || json!({});
    let done = || json!({ "phase": "Succeeded" });
    let four = |more: Value| {
        let mut spec = json!({ "completions": 4, "parallelism": 2 });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        spec
    };
    type Case = (&'static str, Value, Vec<(&'static str, Value)>, Vec<&'static str>);
    let cases: Vec<Case> = vec![
        ("the first", json!({}), vec![], vec!["make"]),
        ("it runs", json!({}), vec![("a", run())], vec![]),
        ("two at a time", four(json!({})), vec![], vec!["make", "make"]),
        ("the next", four(json!({})), vec![("a", run()), ("b", done())], vec!["make"]),
        (
            "no more than are left",
            four(json!({})),
            vec![("a", done()), ("b", done()), ("c", done()), ("d", run())],
            vec![],
        ),
        (
            "fewer at a time now",
            four(json!({ "parallelism": 1 })),
            vec![("a", run()), ("b", run())],
            vec!["withdraw a"],
        ),
        ("none for now", four(json!({ "parallelism": 0 })), vec![], vec![]),
        ("suspended", four(json!({ "suspend": true })), vec![("a", run())], vec!["withdraw a"]),
        (
            "one that leaves is replaced",
            json!({}),
            vec![("a", json!({ "leaving": true, "tracked": false }))],
            vec!["make"],
        ),
        (
            "or waited for",
            json!({ "podReplacementPolicy": "Failed" }),
            vec![("a", json!({ "leaving": true, "tracked": false }))],
            vec![],
        ),
        ("one that would not count", json!({}), vec![("a", json!({ "tracked": false }))], vec!["withdraw a"]),
        ("a queue", json!({ "completions": null, "parallelism": 3 }), vec![("a", run())], vec!["make", "make"]),
        (
            "a queue at its end",
            json!({ "completions": null, "parallelism": 3 }),
            vec![("a", run()), ("b", done())],
            vec![],
        ),
        (
            "over",
            json!({ "backoffLimit": 0, "parallelism": 2, "completions": 2 }),
            vec![("a", run()), ("b", json!({ "phase": "Failed" }))],
            vec!["delete a"],
        ),
    ];
    for (what, spec, pods, wanted) in cases {
        assert_eq!(told(&planned(spec, &pods)), wanted, "{what}");
    }
}

#[test]
fn an_indexed_job_makes_one_pod_for_each_number() {
    let spec = json!({ "completions": 4, "parallelism": 2, "completionMode": "Indexed" });
    for (what, pods, wanted) in [
        ("the first two", vec![], vec!["make 0", "make 1"]),
        ("a gap", vec![("a", "1")], vec!["make 0"]),
        ("a number twice", vec![("a", "1"), ("b", "1")], vec!["withdraw b"]),
        ("a number too high", vec![("a", "4")], vec!["withdraw a"]),
    ] {
        let pods: Vec<(&str, Value)> = pods.into_iter().map(|(name, it)| (name, json!({ "index": it }))).collect();
        assert_eq!(told(&planned(spec.clone(), &pods)), wanted, "{what}");
    }
}

#[test]
fn many_pods_are_made_in_steps_and_a_failure_is_waited_for() {
    let it = planned(json!({ "completions": 1000, "parallelism": 1000 }), &[]);
    assert_eq!((it.actions.len(), it.next), (MOST_AT_ONCE, Next::After(Duration::from_millis(50))));
    let it = planned(json!({}), &[("a", json!({ "phase": "Failed", "ended": 95 }))]);
    assert_eq!((told(&it), it.next), (vec![], Next::After(Duration::from_secs(5))));
    let it = planned(json!({}), &[("a", json!({ "phase": "Failed", "ended": 90 }))]);
    assert_eq!(told(&it), ["make"]);
}

#[test]
fn the_soonest_of_what_is_waited_for_is_when_it_is_looked_at_again() {
    let mut job = job(json!({ "activeDeadlineSeconds": 8 }));
    job.status = serde_json::from_value(json!({ "startTime": at(95) })).unwrap();
    let failed = |ended: i64| vec![pod("a", json!({ "phase": "Failed", "ended": ended }))];
    let mut observed = Observed { job, pods: failed(96) };
    assert_eq!(plan(&observed, at(100)).next, Next::After(Duration::from_secs(3)));
    observed.pods = failed(91);
    assert_eq!(plan(&observed, at(100)).next, Next::After(Duration::from_secs(1)));
    assert_eq!(verdict::noted(&plan(&observed, at(103)).status).unwrap().reason, "DeadlineExceeded");
}

/// Lets a Job live: each pass's status is kept, and what it lets go is let go.
fn live(job: Job, pods: Vec<Pod>, passes: usize) -> (Observed, Vec<String>) {
    let mut observed = Observed { job, pods };
    let mut said = Vec::new();
    for _ in 0..passes {
        let it = plan(&observed, at(100));
        observed.job.status = Some(it.status);
        for pod in &mut observed.pods {
            if it.release.iter().any(|other| other.uid() == pod.uid()) {
                pod.finalizers_mut().retain(|it| it != tally::TRACKING);
            }
        }
        let gone = |pod: &Pod| it.actions.iter().any(|it| matches!(it, Action::Delete(it) if it.uid() == pod.uid()));
        observed.pods.retain(|it| !gone(it));
        said.extend(it.said.into_iter().map(|it| it.reason));
    }
    (observed, said)
}

#[test]
fn a_job_ends_when_all_is_counted_and_says_so_once() {
    let pods = vec![pod("a", json!({ "phase": "Failed" })), pod("b", json!({ "phase": "Succeeded" }))];
    let kinds = |job: &Job| {
        let conditions = job.status.as_ref().unwrap().conditions.iter().flatten();
        conditions.map(|it| it.type_.clone()).collect::<Vec<_>>()
    };
    let (first, said) = live(job(json!({})), pods.clone(), 1);
    assert_eq!((kinds(&first.job), said), (vec!["SuccessCriteriaMet".to_owned()], vec![]));
    let noted = first.job.status.unwrap().uncounted_terminated_pods.unwrap();
    assert_eq!((noted.succeeded, noted.failed), (Some(vec!["b".to_owned()]), Some(vec!["a".to_owned()])));
    let (last, said) = live(job(json!({})), pods, 9);
    assert_eq!(
        (kinds(&last.job), said),
        (vec!["SuccessCriteriaMet".into(), "Complete".into()], vec!["Completed".to_owned()])
    );
    let status = last.job.status.unwrap();
    assert_eq!((status.succeeded, status.failed, status.active), (Some(1), Some(1), None));
    assert_eq!((status.start_time, status.completion_time), (Some(Time(at(100))), Some(Time(at(100)))));
}

#[test]
fn a_job_that_failed_waits_for_its_pods_and_says_why() {
    let pods = vec![pod("a", json!({ "phase": "Failed" })), pod("b", json!({ "leaving": true }))];
    let (mut waits, said) = live(job(json!({ "backoffLimit": 0 })), pods, 9);
    assert!(verdict::ended_at(waits.job.status.as_ref().unwrap()).is_none() && said.is_empty());
    waits.pods.truncate(1);
    let (ends, said) = live(waits.job, waits.pods, 9);
    let status = ends.job.status.unwrap();
    let failed = verdict::condition(&status, "Failed").unwrap();
    assert_eq!(failed.message.as_deref(), Some("Job has reached the specified backoff limit"));
    assert_eq!((said, status.failed, status.completion_time), (vec!["BackoffLimitExceeded".to_owned()], Some(2), None));
}

#[test]
fn a_suspended_job_begins_anew_when_it_is_resumed() {
    let (it, said) = live(job(json!({ "suspend": true })), vec![], 3);
    let status = it.job.status.clone().unwrap();
    assert_eq!((said, status.start_time.clone()), (vec!["Suspended".to_owned()], None));
    let mut resumed = it.job;
    resumed.spec.as_mut().unwrap().suspend = Some(false);
    let (it, said) = live(resumed, vec![], 3);
    let status = it.job.status.unwrap();
    assert_eq!((said, status.start_time.clone()), (vec!["Resumed".to_owned()], Some(Time(at(100)))));
    assert!(verdict::condition(&status, "Suspended").is_none());
}

#[test]
fn what_is_over_is_removed_after_its_time() {
    let mut observed = Observed { job: job(json!({ "ttlSecondsAfterFinished": 30 })), pods: vec![] };
    let conditions = json!([{ "type": "Complete", "status": "True", "lastTransitionTime": at(80) }]);
    observed.job.status = serde_json::from_value(json!({ "conditions": conditions })).unwrap();
    let it = plan(&observed, at(100));
    assert_eq!((it.expired, it.next), (false, Next::After(Duration::from_secs(10))));
    assert!(plan(&observed, at(110)).expired);
    observed.job.spec.as_mut().unwrap().ttl_seconds_after_finished = None;
    assert_eq!(plan(&observed, at(999)).next, Next::Settled);
}

#[test]
fn a_job_that_is_being_deleted_makes_nothing_and_lets_go() {
    let mut job = job(json!({ "parallelism": 2, "completions": 2 }));
    job.metadata.deletion_timestamp = pod("x", json!({ "leaving": true })).metadata.deletion_timestamp;
    let it = plan(&Observed { job, pods: vec![pod("a", json!({ "leaving": true }))] }, at(9));
    assert_eq!((told(&it), it.release.len()), (vec![], 1));
}
