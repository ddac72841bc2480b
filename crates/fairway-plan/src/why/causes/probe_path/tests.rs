use crate::why::CauseKind;
use crate::why::fixtures::*;

#[test]
fn a_page_that_is_not_there_is_named_with_the_usual_one() {
    let failed = "Readiness probe failed: HTTP probe failed with statuscode: 404";
    let sentence = "the readiness check asks for /helthz on port 8080, and the program answers 404: it has no such page; /healthz is meant?";
    let cause =
        is(&running(&["listening on 0.0.0.0:8080"]).event("Unhealthy", failed), CauseKind::WrongProbePath, sentence);
    assert!(cause.mend.unwrap() == "correct readinessProbe.httpGet.path in score.yaml");
    // Of a version that was taken back the Events are left.
    is(
        &taken_back("container web runs and is not ready", &[]).event("Unhealthy", failed),
        CauseKind::WrongProbePath,
        sentence,
    );
}

#[test]
fn of_a_program_that_printed_nothing_and_is_gone_the_events_are_left() {
    let failed = "Readiness probe failed: HTTP probe failed with statuscode: 404";
    let mut seen = nothing().event_of("Pod", "my-api-7c9-x2x", "Unhealthy", failed);
    blames_nobody(&seen);
    seen.made_by = Some("my-api".to_owned());
    blames_nobody(&seen);
    seen.made_by = Some("my-api-7c9".to_owned());
    assert_eq!(crate::why::judge(&seen).kind, CauseKind::WrongProbePath);
}

#[test]
fn a_page_behind_a_login_is_no_check() {
    let failed = "Readiness probe failed: HTTP probe failed with statuscode: 401";
    let sentence =
        "the readiness check asks for /helthz on port 8080, and the program answers 401: it wants a login there";
    is(&running(&[]).event("Unhealthy", failed), CauseKind::WrongProbePath, sentence);
}

#[test]
fn a_page_that_says_no_is_the_right_one() {
    let failed = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    let cause = blames_nobody(&running(&["still loading"]).event("Unhealthy", failed));
    assert_eq!(cause.sentence, format!("its check fails: {failed}"));
}
