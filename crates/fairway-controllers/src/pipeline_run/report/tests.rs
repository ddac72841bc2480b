use fairway_api::conditions::is_true;
use fairway_api::v1alpha1::{PipelineRunSpec, PipelineStep};
use fairway_controller::Next;

use super::*;

fn run() -> PipelineRun {
    let spec = PipelineRunSpec { component_name: "orders".to_owned(), ..PipelineRunSpec::default() };
    let mut run = PipelineRun::new("orders-1", spec);
    run.metadata.namespace = Some("shop".to_owned());
    run
}

fn progress(steps: &[(&str, StepState)]) -> Progress {
    let step = |it: &(&str, StepState)| PipelineStep { name: it.0.to_owned(), state: it.1, ..PipelineStep::default() };
    Progress { steps: steps.iter().map(step).collect(), ..Progress::default() }
}

fn outcome(progress: Progress, ended: Option<Ended>, queued: bool) -> Outcome {
    Outcome { progress, ended, queued, next: Next::Settled }
}

#[test]
fn one_sentence_says_what_goes_on() {
    use StepState::{Running, Succeeded, Waiting};
    let cases = [
        (vec![("test", Running), ("build", Waiting)], false, "test is running; build waits"),
        (vec![("test", Running), ("lint", Running)], false, "test, lint are running"),
        (vec![("test", Waiting)], true, "test waits for a free place"),
        (vec![("test", Succeeded)], false, "its steps are done"),
    ];
    for (steps, queued, expected) in cases {
        let status = status(&run(), &outcome(progress(&steps), None, queued), Timestamp::UNIX_EPOCH);
        assert_eq!(status.explanation.summary, expected);
        assert!(status.completion_time.is_none());
        let now = PipelineRun { status: Some(status), ..run() };
        assert_eq!(is_queued(&now), queued);
        assert!(!has_ended(&now));
    }
}

#[test]
fn an_end_is_said_once_and_an_unchanged_world_gives_an_equal_status() {
    for (reason, well) in [(PipelineRunReason::Succeeded, true), (PipelineRunReason::Superseded, false)] {
        let ended = Ended { reason, message: "so it was".to_owned() };
        let outcome = outcome(progress(&[("test", StepState::Succeeded)]), Some(ended), false);
        let first = status(&run(), &outcome, Timestamp::UNIX_EPOCH);
        assert_eq!(is_true(&first.conditions, SUCCEEDED), well);
        assert_eq!(is_true(&first.conditions, STALLED), !well);
        assert_eq!(first.explanation.summary, "so it was");
        let again = PipelineRun { status: Some(first.clone()), ..run() };
        assert!(has_ended(&again));
        assert_eq!(status(&again, &outcome, Timestamp::UNIX_EPOCH), first);
    }
}

#[tokio::test]
async fn a_failed_test_is_named_in_the_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let logs = RunLogs::new(folder.path().to_owned());
    let mut log = logs.begin("shop", "orders-1", "test", 1000).await.unwrap();
    log.append(b"test tests::adds ... FAILED\n").await.unwrap();
    log.finish().await.unwrap();
    let mut progress = progress(&[("test", StepState::Failed), ("lint", StepState::Failed)]);
    progress.steps[1].message = Some("its command ended with code 2".to_owned());
    let said = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        failure(&run(), &names, &progress, &logs)
    };
    assert_eq!(said(&["test"]), "step test failed: test tests::adds failed");
    assert_eq!(said(&["lint"]), "step lint failed: its command ended with code 2");
    assert_eq!(said(&["test", "lint"]), "step test failed: test tests::adds failed (step lint failed too)");
}

#[test]
fn trouble_keeps_what_was_said_and_says_that_it_is_tried_again() {
    let outcome = outcome(progress(&[("test", StepState::Running)]), None, false);
    let before = PipelineRun { status: Some(status(&run(), &outcome, Timestamp::UNIX_EPOCH)), ..run() };
    let now = trouble(
        &before,
        &Error::Disk { what: "read the commit", source: std::io::Error::other("no") },
        Timestamp::UNIX_EPOCH,
    );
    assert_eq!(now.steps, before.status.unwrap().steps);
    assert_eq!(now.explanation.summary, "the platform could not read the commit; it tries again");
}

#[test]
fn what_a_step_waits_for_is_the_first_line() {
    let mut progress = progress(&[("check", StepState::Waiting), ("build", StepState::Waiting)]);
    progress.steps[0].message = Some("it waits for base image python-3.11-tools: fetching package 2 of 9".to_owned());
    let status = status(&run(), &outcome(progress, None, false), Timestamp::UNIX_EPOCH);
    let wanted = "step check: it waits for base image python-3.11-tools: fetching package 2 of 9";
    assert_eq!(status.explanation.summary, wanted);
}
