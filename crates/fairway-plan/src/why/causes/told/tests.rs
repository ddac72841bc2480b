use crate::why::fixtures::*;
use crate::why::{CauseKind, Standing};

#[test]
fn a_program_that_merely_ends_blames_nobody_and_its_last_lines_are_the_evidence() {
    let cause = blames_nobody(&exited(1, &["one", "two", "three", "four", "five", "six", ""]));
    assert_eq!(
        (cause.kind, cause.sentence.as_str()),
        (CauseKind::Exits, "container web exited with code 1 (3 restarts)")
    );
    let texts: Vec<&str> = cause.evidence.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(texts, ["two", "three", "four", "five", "six", "exited with code 1 (3 restarts)"]);
    assert_eq!(cause.next_step.as_deref(), Some("platform logs my-api --env=staging --previous"));
    let gone = blames_nobody(&taken_back("container web exited with code 1 (3 restarts)", &["six"]));
    assert_eq!((gone.kind, gone.evidence[0].text.as_str()), (CauseKind::Exits, "six"));
}

#[test]
fn what_cannot_be_carried_out_or_is_on_its_way_is_told_by_its_delivery() {
    let cause = blames_nobody(&nothing());
    assert_eq!((cause.kind, cause.fixed_by.as_deref()), (CauseKind::Refused, Some("its team")));
    assert!(cause.evidence.iter().any(|it| it.text == "Ready: HealthCheckFailed"), "{cause:#?}");
    let mut seen = nothing();
    seen.standing = Standing { summary: "v2 is rolling out".to_owned(), ..Standing::default() };
    let cause = blames_nobody(&seen);
    assert_eq!((cause.kind, cause.sentence.as_str(), cause.fixed_by), (CauseKind::Underway, "v2 is rolling out", None));
}

#[test]
fn a_program_that_runs_and_is_not_ready_is_told_as_that() {
    let cause = blames_nobody(&running(&["loading"]));
    assert_eq!((cause.kind, cause.sentence.as_str()), (CauseKind::NotReady, "container web runs and is not ready yet"));
}
