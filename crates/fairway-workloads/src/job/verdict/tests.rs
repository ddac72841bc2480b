use serde_json::{Value, json};

use super::*;
use crate::job::plan::tests::{job, pod};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// The reason, if it is over at second 100; it began at 50.
fn reason(spec: Value, pods: &[Value]) -> Option<String> {
    let mut job = job(spec);
    job.status = serde_json::from_value(json!({ "startTime": at(50) })).unwrap();
    let pods: Vec<Pod> = pods.iter().enumerate().map(|(index, how)| pod(&index.to_string(), how.clone())).collect();
    let pods: Vec<&Pod> = pods.iter().collect();
    decide(&job, &Tally::of(&job, &pods, false), &pods, at(100)).map(|it| it.reason)
}

#[test]
fn a_job_is_over_when_enough_succeeded_or_too_many_failed_or_it_took_too_long() {
    let done = || json!({ "phase": "Succeeded" });
    let failed = || json!({ "phase": "Failed" });
    let completed = Some("CompletionsReached");
    let exceeded = Some("BackoffLimitExceeded");
    for (what, spec, pods, wanted) in [
        ("nothing yet", json!({}), vec![], None),
        ("one is enough", json!({}), vec![done()], completed),
        ("one of two", json!({ "completions": 2 }), vec![done()], None),
        ("none is wanted", json!({ "completions": 0 }), vec![], completed),
        (
            "a queue with others at work",
            json!({ "completions": null, "parallelism": 2 }),
            vec![done(), json!({})],
            None,
        ),
        ("a queue that is empty", json!({ "completions": null, "parallelism": 2 }), vec![done(), done()], completed),
        ("failures at the limit", json!({ "backoffLimit": 2 }), vec![failed(), failed()], None),
        ("one more", json!({ "backoffLimit": 2 }), vec![failed(), failed(), failed()], exceeded),
        ("no second try", json!({ "backoffLimit": 0 }), vec![failed()], exceeded),
        (
            "failure comes before success",
            json!({ "backoffLimit": 0, "completions": 1 }),
            vec![failed(), done()],
            exceeded,
        ),
        ("too long", json!({ "activeDeadlineSeconds": 50 }), vec![json!({})], Some("DeadlineExceeded")),
        ("long", json!({ "activeDeadlineSeconds": 51 }), vec![json!({})], None),
        ("suspended time does not count", json!({ "activeDeadlineSeconds": 5, "suspend": true }), vec![], None),
        ("unknown wishes", json!({ "backoffLimitPerIndex": 1 }), vec![], Some("NotSupported")),
        (
            "too many numbers",
            json!({ "completionMode": "Indexed", "completions": 100_001 }),
            vec![],
            Some("NotSupported"),
        ),
        (
            "numbers without end",
            json!({ "completionMode": "Indexed", "completions": null }),
            vec![],
            Some("NotSupported"),
        ),
    ] {
        assert_eq!(reason(spec, &pods).as_deref(), wanted, "{what}");
    }
}

#[test]
fn restarts_within_a_pod_count_where_the_template_has_them() {
    let restarted = |times: i32| vec![json!({ "restarts": times })];
    let on_failure = |limit: i32| json!({ "restartPolicy": "OnFailure", "backoffLimit": limit });
    assert_eq!(reason(on_failure(2), &restarted(1)), None);
    assert_eq!(reason(on_failure(2), &restarted(2)).as_deref(), Some("BackoffLimitExceeded"));
    assert_eq!(reason(on_failure(0), &restarted(0)), None);
    assert_eq!(reason(on_failure(0), &restarted(1)).as_deref(), Some("BackoffLimitExceeded"));
    assert_eq!(reason(json!({ "backoffLimit": 2 }), &restarted(5)), None);
}

#[test]
fn what_was_decided_stays() {
    let said = |kind: &str| {
        let conditions = json!([{ "type": kind, "status": "True", "reason": "R", "message": "m" }]);
        serde_json::from_value::<JobStatus>(json!({ "conditions": conditions })).unwrap()
    };
    let noted_as = |kind: &str| noted(&said(kind)).map(|it| (it.succeeded, it.reason.clone(), it.target(), it.end()));
    assert_eq!(noted_as("SuccessCriteriaMet"), Some((true, "R".into(), "SuccessCriteriaMet", "Complete")));
    assert_eq!(noted_as("FailureTarget"), Some((false, "R".into(), "FailureTarget", "Failed")));
    assert_eq!(noted_as("Suspended"), None);
    assert!(ended_at(&said("Failed")).is_some() && ended_at(&said("FailureTarget")).is_none());
}
