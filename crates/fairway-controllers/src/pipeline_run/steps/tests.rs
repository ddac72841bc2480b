use fairway_api::v1alpha1::{PipelineRunSpec, PipelineRunStatus};
use serde_json::{Value, json};

use super::*;

fn run(steps: Vec<PipelineStep>) -> PipelineRun {
    let mut run = PipelineRun::new("orders-1", PipelineRunSpec::default());
    run.status = Some(PipelineRunStatus { steps, ..PipelineRunStatus::default() });
    run
}

fn pipeline() -> Pipeline {
    let step = Step { name: "test".to_owned(), timeout: 90, ..Step::default() };
    Pipeline { steps: vec![step], ..Pipeline::default() }
}

/// A Pod with a status.
fn pod(status: Value) -> Pod {
    serde_json::from_value(json!({ "metadata": { "name": "orders-1-test" }, "status": status })).unwrap()
}

fn ended(phase: &str, code: i32, reason: &str) -> Pod {
    let at = "2026-01-01T00:00:00Z";
    let terminated = json!({ "exitCode": code, "reason": reason, "startedAt": at, "finishedAt": at });
    pod(json!({ "phase": phase, "containerStatuses": [status(&json!({ "terminated": terminated }))] }))
}

fn status(state: &Value) -> Value {
    json!({ "name": "step", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state })
}

fn look(before: Option<StepState>, pod: Option<Pod>, whole: bool) -> (Standing, PipelineStep, bool) {
    let step = |state| PipelineStep { name: "test".to_owned(), state, ..PipelineStep::default() };
    let pods = pod.map(|it| ("test".to_owned(), it)).into_iter().collect();
    let run = run(before.map(step).into_iter().collect());
    let seen = see(&run, &pipeline(), &BTreeMap::new(), &pods, |_| whole);
    (seen.standings["test"], seen.progress.steps[0].clone(), seen.logs_missing)
}

#[test]
fn a_step_stands_as_its_pod_says_unless_it_has_ended() {
    let running = || pod(json!({ "phase": "Running" }));
    let cases = vec![
        (None, None, Standing::Waiting),
        (None, Some(pod(json!({}))), Standing::Running),
        (Some(StepState::Waiting), Some(running()), Standing::Running),
        (Some(StepState::Running), None, Standing::Lost),
        (Some(StepState::Running), Some(ended("Succeeded", 0, "Completed")), Standing::Exited),
        (Some(StepState::Running), Some(ended("Failed", 1, "Error")), Standing::Failed),
        (Some(StepState::Succeeded), None, Standing::Succeeded),
        (Some(StepState::Cancelled), Some(running()), Standing::Cancelled),
        (Some(StepState::Skipped), None, Standing::Blocked),
    ];
    for (before, pod, expected) in cases {
        assert_eq!(look(before, pod, true).0, expected, "{before:?}");
    }
}

#[test]
fn a_step_has_not_ended_before_its_log_is_whole() {
    let (standing, step, missing) = look(Some(StepState::Running), Some(ended("Failed", 101, "Error")), false);
    assert_eq!((standing, step.state, missing), (Standing::Running, StepState::Running, true));
    let never = pod(json!({ "phase": "Failed", "reason": "DeadlineExceeded" }));
    assert_eq!(look(Some(StepState::Running), Some(never), false).0, Standing::Failed, "there is no log to wait for");
}

#[test]
fn a_failed_step_says_why() {
    let noted = |code: i32| {
        let mut pod = ended("Failed", code, "Error");
        let container = pod.status.as_mut().unwrap().container_statuses.as_mut().unwrap().first_mut().unwrap();
        let terminated = container.state.as_mut().unwrap().terminated.as_mut().unwrap();
        terminated.message = Some("it reached its limit of 10 processes".to_owned());
        pod
    };
    let with = |reason: &str, message: &str| pod(json!({ "phase": "Failed", "reason": reason, "message": message }));
    let cases = vec![
        (ended("Failed", 101, "Error"), "ExitCode", "its command ended with code 101"),
        (ended("Failed", 137, "OOMKilled"), "OOMKilled", "more memory"),
        (noted(2), "ExitCode", "its command ended with code 2; it reached its limit of 10 processes"),
        (with("DeadlineExceeded", ""), "DeadlineExceeded", "longer than 90 s"),
        (with("Evicted", "the volume is full"), "Evicted", "the volume is full"),
        (with("", "no such image"), "NotStarted", "it never began: no such image"),
    ];
    for (pod, reason, message) in cases {
        let (_, step, _) = look(Some(StepState::Running), Some(pod), true);
        assert_eq!((step.state, step.reason.as_deref()), (StepState::Failed, Some(reason)));
        assert!(step.message.as_deref().unwrap_or_default().contains(message), "{:?}", step.message);
    }
    let (_, step, _) = look(Some(StepState::Running), Some(ended("Failed", 101, "Error")), true);
    assert!(step.exit_code == Some(101) && step.start_time.is_some() && step.completion_time.is_some());
}

#[test]
fn keys_of_steps_that_ended_stay_and_others_follow_the_file() {
    let kept = PipelineStep { name: "test".to_owned(), key: Some("old".to_owned()), ..PipelineStep::default() };
    let see_key = |state| {
        let keys = [("test".to_owned(), "new".to_owned())].into();
        let run = run(vec![PipelineStep { state, ..kept.clone() }]);
        see(&run, &pipeline(), &keys, &BTreeMap::new(), |_| true).progress.steps[0].key.clone()
    };
    assert_eq!(see_key(StepState::Succeeded).as_deref(), Some("old"));
    assert_eq!(see_key(StepState::Waiting).as_deref(), Some("new"));
}
