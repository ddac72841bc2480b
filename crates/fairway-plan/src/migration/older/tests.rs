use serde_json::json;

use super::*;

fn job(name: &str, ended: Option<&str>) -> Value {
    let conditions: Vec<Value> = ended.iter().map(|it| json!({ "type": it, "status": "True" })).collect();
    json!({
        "kind": "Job", "metadata": { "name": name },
        "spec": { "activeDeadlineSeconds": 3900 }, "status": { "conditions": conditions },
    })
}

fn pod(owner: &str, phase: &str) -> Pod {
    let owner = json!({ "apiVersion": "batch/v1", "kind": "Job", "name": owner, "uid": "1" });
    serde_json::from_value(json!({ "metadata": { "ownerReferences": [owner] }, "status": { "phase": phase } })).unwrap()
}

/// What the next Job waits for.
fn waits(left: &[Value], pods: &[Pod]) -> Option<String> {
    older(left, pods, "shop").map(|it| it.to_string())
}

const OLD: &str = "shop-migrate-old";

#[test]
fn one_that_is_at_work_is_waited_for_until_it_has_ended() {
    let left = [json!({ "kind": "ConfigMap", "metadata": { "name": "settings" } }), job(OLD, None)];
    let told = "waits for job shop-migrate-old of an earlier try, which is still at work and is ended after 3900 s at the latest";
    assert_eq!(waits(&left, &[pod(OLD, "Running")]).as_deref(), Some(told));
    for ended in ["Complete", "Failed"] {
        assert_eq!(waits(&[job(OLD, Some(ended))], &[pod(OLD, "Succeeded"), pod(OLD, "Failed")]), None, "{ended}");
    }
    assert!(waits(&[job(OLD, Some("Suspended"))], &[]).is_some(), "whatever else it is, it has not ended");
}

#[test]
fn a_pod_that_runs_on_without_its_job_is_waited_for() {
    let told = "waits for job shop-migrate-old of an earlier try, which is still at work";
    assert_eq!(waits(&[], &[pod(OLD, "Running")]).as_deref(), Some(told));
    assert_eq!(waits(&[job(OLD, Some("Failed"))], &[pod(OLD, "Unknown")]).as_deref(), Some(told));
    assert_eq!(waits(&[], &[pod("else-migrate-old", "Running"), pod("shop-dump", "Running"), Pod::default()]), None);
}

#[test]
fn one_whose_program_has_not_begun_is_taken_back() {
    let told = "waits: job shop-migrate-old of an earlier try has not begun, and is taken back";
    assert_eq!(waits(&[job(OLD, None)], &[]).as_deref(), Some(told));
    let mut pulling = pod(OLD, "Pending");
    assert_eq!(waits(&[job(OLD, None)], std::slice::from_ref(&pulling)).as_deref(), Some(told));
    pulling.status.as_mut().unwrap().container_statuses = serde_json::from_value(json!([{
        "name": "migrate", "image": "", "imageID": "", "ready": false, "restartCount": 0,
        "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } },
    }]))
    .unwrap();
    assert!(older(&[job(OLD, None)], &[pulling], "shop").unwrap().began);
}
