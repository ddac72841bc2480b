use serde_json::json;

use super::*;
use crate::runner::Finished;

fn pod() -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": "web", "uid": "u" },
        "spec": { "containers": [{ "name": "app", "image": "hello", "readinessProbe": { "tcpSocket": { "port": 1 } } }] },
        "status": { "conditions": [
            { "type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" },
            { "type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z" }
        ] }
    }))
    .unwrap()
}

fn now() -> Timestamp {
    "2026-01-02T00:00:00Z".parse().unwrap()
}

fn of(runs: Vec<ContainerState>, ready: bool, waiting: Option<Waiting>, ended: Option<Ending>) -> PodStatus {
    let ready = if ready { [("app".to_owned(), 1)].into() } else { BTreeSet::new() };
    let waiting = waiting.into_iter().map(|it| ("app".to_owned(), it)).collect();
    status(&Seen {
        pod: &pod(),
        state: &PodState { containers: runs },
        waiting: &waiting,
        ready: &ready,
        started: &BTreeSet::new(),
        initialized: true,
        ended,
        cut: None,
        pod_ip: Some("10.244.0.2".into()),
        host_ip: "10.244.0.1",
        last_words: &BTreeMap::from([(("app".to_owned(), 7), "it cannot be".to_owned())]),
        image_ids: &BTreeMap::new(),
        start_time: now(),
        now: now(),
    })
}

fn run(attempt: u32, code: Option<i32>) -> ContainerState {
    let finished =
        code.map(|exit_code| Finished { at: now(), exit_code, signal: None, reason: "Error".into(), message: None });
    ContainerState { name: "app".into(), attempt, pid: 3, started_at: now(), finished, wants: None }
}

fn condition(status: &PodStatus, name: &str) -> (String, Option<String>) {
    let found = status.conditions.iter().flatten().find(|it| it.type_ == name).unwrap();
    (found.status.clone(), found.last_transition_time.as_ref().map(|it| it.0.to_string()))
}

#[test]
fn a_running_container_is_ready_when_its_probe_said_so() {
    let status = of(vec![run(0, Some(1)), run(1, None)], true, None, None);
    assert_eq!(status.phase.as_deref(), Some("Running"));
    let container = &status.container_statuses.as_ref().unwrap()[0];
    assert!(container.ready && container.started == Some(true));
    assert_eq!(container.restart_count, 1);
    assert_eq!(container.last_state.as_ref().unwrap().terminated.as_ref().unwrap().exit_code, 1);
    assert_eq!(condition(&status, "Ready"), ("True".into(), Some("2026-01-02T00:00:00Z".into())));
    assert_eq!(condition(&status, "PodScheduled"), ("True".into(), Some("2026-01-01T00:00:00Z".into())));
}

#[test]
fn a_condition_that_stays_keeps_its_time() {
    let status = of(vec![run(0, None)], false, None, None);
    assert_eq!(condition(&status, "Ready"), ("False".into(), Some("2026-01-01T00:00:00Z".into())));
    assert!(!status.container_statuses.unwrap()[0].ready);
}

#[test]
fn a_container_that_waits_to_be_started_again_shows_both_why_and_how_it_ended() {
    let waiting = Waiting { reason: "CrashLoopBackOff".into(), message: Some("back-off 10s".into()) };
    let status = of(vec![run(0, Some(1)), run(1, Some(2))], false, Some(waiting), None);
    assert_eq!(status.phase.as_deref(), Some("Running"));
    let container = &status.container_statuses.unwrap()[0];
    let reason = container.state.as_ref().unwrap().waiting.as_ref().unwrap().reason.as_deref();
    assert_eq!(reason, Some("CrashLoopBackOff"));
    assert_eq!(container.last_state.as_ref().unwrap().terminated.as_ref().unwrap().exit_code, 2);
}

#[test]
fn phases_follow_the_containers() {
    assert_eq!(of(vec![], false, None, None).phase.as_deref(), Some("Pending"));
    assert_eq!(of(vec![run(0, Some(0))], false, None, Some(Ending::Succeeded)).phase.as_deref(), Some("Succeeded"));
    assert_eq!(of(vec![run(0, Some(1))], false, None, Some(Ending::Failed)).phase.as_deref(), Some("Failed"));
}

#[test]
fn what_a_run_said_last_is_the_message_of_its_end_where_that_was_heard() {
    let said = |attempt| {
        let status = of(vec![run(attempt, Some(1))], false, None, Some(Ending::Failed));
        let state = status.container_statuses.unwrap().remove(0).state.unwrap();
        state.terminated.unwrap().message
    };
    assert_eq!((said(7).as_deref(), said(6)), (Some("it cannot be"), None));
}
