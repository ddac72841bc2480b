use serde_json::{Value, json};

use super::*;

/// Every hour, made at half past midnight.
fn cron(extra: Value) -> CronJob {
    let mut spec = json!({
        "schedule": "0 * * * *", "concurrencyPolicy": "Allow", "suspend": false,
        "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
        "jobTemplate": {
            "metadata": { "labels": { "app": "tick" }, "annotations": { "why": "because" } },
            "spec": { "backoffLimit": 2, "template": { "spec": { "containers": [] } } },
        },
    });
    for (key, value) in extra.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let metadata =
        json!({ "name": "tick", "namespace": "n", "uid": "c1", "creationTimestamp": "2026-01-01T00:30:00Z" });
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
}

/// A Job that was made for this hour of the first of January; `ended` is the condition that says how it is over.
fn job_of(hour: i64, ended: Option<&str>) -> Job {
    let at = |hour: i64| format!("2026-01-01T{hour:02}:00:00Z");
    let due: Timestamp = at(hour).parse().unwrap();
    let conditions: Vec<Value> = ended.map(|it| json!({ "type": it, "status": "True" })).into_iter().collect();
    let completion = (ended == Some("Complete")).then(|| at(hour + 1));
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("tick-{}", due.as_second() / 60), "namespace": "n", "uid": format!("j{hour}"),
            "annotations": { (SCHEDULED): at(hour) },
        },
        "status": { "conditions": conditions, "startTime": at(hour), "completionTime": completion },
    }))
    .unwrap()
}

fn planned(cron: CronJob, jobs: Vec<Job>, now: &str) -> Plan {
    plan(&Observed { cron, jobs }, format!("2026-01-01T{now}Z").parse().unwrap())
}

/// What is made, and the reasons of what is said.
fn told(plan: &Plan) -> (Option<String>, Vec<&'static str>) {
    let made = plan.create.as_ref().map(|it| it.annotations()[SCHEDULED].clone());
    (made, plan.said.iter().map(|it| it.reason).collect())
}

fn due(hour: &str) -> String {
    format!("2026-01-01T{hour}:00:00Z")
}

#[test]
fn a_job_is_made_when_it_is_due_and_named_after_its_time() {
    let waits = planned(cron(json!({})), vec![], "00:55:00");
    assert_eq!((told(&waits), waits.next), ((None, vec![]), Next::After(Duration::from_secs(300))));
    let it = planned(cron(json!({})), vec![], "01:00:02");
    assert_eq!(told(&it), (Some(due("01")), vec![]));
    assert_eq!(it.status.last_schedule_time, Some(Time("2026-01-01T01:00:00Z".parse().unwrap())));
    assert_eq!(it.next, Next::After(LONGEST));
    let made = it.create.unwrap();
    assert_eq!(made.name_any(), "tick-29453820");
    assert_eq!((made.labels()["app"].as_str(), made.annotations()["why"].as_str()), ("tick", "because"));
    assert_eq!(made.owner_references()[0].controller, Some(true));
    assert_eq!(made.spec.unwrap().backoff_limit, Some(2));
}

#[test]
fn only_the_last_of_several_that_were_missed_is_made() {
    assert_eq!(told(&planned(cron(json!({})), vec![], "05:10:00")), (Some(due("05")), vec![]));
    let often = cron(json!({ "schedule": "* * * * *" }));
    assert_eq!(told(&planned(often, vec![], "05:00:00")), (Some(due("05")), vec!["TooManyMissedTimes"]));
    let mut met = cron(json!({}));
    met.status = serde_json::from_value(json!({ "lastScheduleTime": "2026-01-01T05:00:00Z" })).unwrap();
    assert_eq!(told(&planned(met, vec![], "05:10:00")), (None, vec![]));
}

#[test]
fn a_deadline_lets_a_late_start_fall_out() {
    let within = |seconds: i64| cron(json!({ "startingDeadlineSeconds": seconds }));
    assert_eq!(told(&planned(within(30), vec![], "01:00:30")), (Some(due("01")), vec![]));
    assert_eq!(told(&planned(within(30), vec![], "01:00:31")), (None, vec![]));
}

#[test]
fn a_job_that_still_runs_is_in_the_way_as_the_policy_says() {
    let policy = |it: &str| cron(json!({ "concurrencyPolicy": it }));
    let running = || vec![job_of(1, None)];
    let it = planned(policy("Allow"), running(), "02:00:00");
    assert_eq!((told(&it), it.delete.len()), ((Some(due("02")), vec![]), 0));
    let it = planned(policy("Forbid"), running(), "02:00:00");
    assert_eq!(told(&it), (None, vec!["JobAlreadyActive"]));
    assert_eq!(it.status.last_schedule_time, None, "it is made when the other is over");
    let it = planned(policy("Replace"), running(), "02:00:00");
    assert_eq!((told(&it), it.delete), ((Some(due("02")), vec![]), running()));
    // What people made by hand is in nobody's way.
    let mut by_hand = job_of(1, None);
    by_hand.metadata.annotations = None;
    let it = planned(policy("Forbid"), vec![by_hand], "02:00:00");
    assert_eq!((told(&it), it.status.active), ((Some(due("02")), vec![]), None));
}

#[test]
fn a_job_that_was_made_and_not_noted_is_not_made_again() {
    let it = planned(cron(json!({})), vec![job_of(1, None)], "01:00:05");
    assert_eq!(told(&it), (None, vec![]));
    assert_eq!(it.status.last_schedule_time, Some(Time("2026-01-01T01:00:00Z".parse().unwrap())));
    assert_eq!(it.status.active.unwrap()[0].uid.as_deref(), Some("j1"));
}

#[test]
fn a_suspended_one_makes_nothing_and_still_cleans_up() {
    let jobs =
        (1..6).map(|it| job_of(it, Some("Complete"))).chain([job_of(6, Some("Failed")), job_of(7, Some("Failed"))]);
    let it = planned(cron(json!({ "suspend": true })), jobs.collect(), "09:00:00");
    assert_eq!((told(&it), it.next), ((None, vec![]), Next::Settled));
    assert_eq!(it.delete.iter().filter_map(ResourceExt::uid).collect::<Vec<_>>(), ["j1", "j2", "j6"]);
    assert_eq!(it.status.last_successful_time, Some(Time("2026-01-01T06:00:00Z".parse().unwrap())));
}

#[test]
fn what_became_of_the_active_is_said_once() {
    let mut it = cron(json!({ "suspend": true }));
    let active = |hour: i64| json!({ "name": format!("j{hour}"), "uid": format!("j{hour}") });
    it.status = serde_json::from_value(json!({ "active": [active(1), active(2), active(3), active(4)] })).unwrap();
    let jobs = vec![job_of(1, Some("Complete")), job_of(2, Some("Failed")), job_of(3, None)];
    let plan = planned(it, jobs, "04:00:00");
    let messages: Vec<&str> = plan.said.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "Saw completed job: j1, condition: Complete",
            "Saw completed job: j2, condition: Failed",
            "Active job went missing: j4",
        ]
    );
    assert_eq!(plan.status.active.unwrap().len(), 1);
}

#[test]
fn what_cannot_be_read_is_said_and_harms_nothing() {
    for (extra, reason) in [
        (json!({ "schedule": "0 25 * * *" }), "UnparseableCronJobSchedule"),
        (json!({ "timeZone": "Atlantis/Capital" }), "UnknownTimeZone"),
    ] {
        let it = planned(cron(extra), vec![], "05:00:00");
        assert_eq!((told(&it), it.next), ((None, vec![reason]), Next::Settled));
    }
    let it = planned(cron(json!({ "schedule": "0 9 * * *", "timeZone": "Asia/Tokyo" })), vec![], "00:30:30");
    assert_eq!(told(&it).0, None, "nine o'clock there was half an hour before it was made");
    let it = planned(cron(json!({ "schedule": "30 10 * * *", "timeZone": "Asia/Tokyo" })), vec![], "01:30:00");
    assert_eq!(told(&it).0.as_deref(), Some("2026-01-01T10:30:00+09:00"));
}

#[test]
fn one_that_comes_again_and_again_counts_from_its_last_time() {
    let every = || cron(json!({ "schedule": "@every 45m" }));
    let it = planned(every(), vec![], "01:00:00");
    assert_eq!((told(&it).0, it.next), (None, Next::After(LONGEST)));
    let it = planned(every(), vec![], "01:20:00");
    assert_eq!(told(&it).0.as_deref(), Some("2026-01-01T01:15:00Z"));
}
