use super::*;

fn row(environment: &str, ready: bool) -> EnvironmentStatus {
    EnvironmentStatus {
        environment: environment.to_owned(),
        version: Some("v0.1.0".to_owned()),
        wanted_release: "hello-1".to_owned(),
        ready_replicas: 1,
        wanted_replicas: 2,
        since: None,
        age: "5m0s".to_owned(),
        url: Some("http://hello".to_owned()),
        ready,
        summary: if ready { "v0.1.0 serves".to_owned() } else { "v0.1.1 was refused".to_owned() },
        fixed_by: None,
        next_step: (!ready).then(|| "platform logs hello".to_owned()),
    }
}

fn report(environments: Vec<EnvironmentStatus>) -> StatusReport {
    let mut report = StatusReport {
        project: "sandbox".to_owned(),
        component: "hello".to_owned(),
        summary: String::new(),
        fixed_by: None,
        next_step: None,
        ready: environments.iter().all(|it| it.ready),
        environments,
    };
    tell(&mut report);
    report
}

#[test]
fn the_sentence_is_that_of_what_is_worst() {
    let bad = report(vec![row("staging", false), row("production", true)]);
    assert_eq!(
        bad.table(),
        "hello in staging: v0.1.1 was refused\nnext: platform logs hello\n\n\
         ENVIRONMENT  VERSION  READY  SINCE  URL\n\
         staging      v0.1.0   1/2    5m0s   http://hello\n\
         production   v0.1.0   1/2    5m0s   http://hello\n"
    );
    assert_eq!(bad.exit(), Exit::NotReady);
}

#[test]
fn where_all_is_well_it_says_what_serves_where() {
    let good = report(vec![row("staging", true), row("production", true)]);
    assert_eq!(good.summary, "hello serves: v0.1.0 in staging, v0.1.0 in production");
    assert_eq!((good.exit(), good.next_step), (Exit::Done, None));
    assert_eq!(report(vec![row("staging", true)]).summary, "hello in staging: v0.1.0 serves");
}

#[test]
fn what_is_nowhere_yet_says_how_it_gets_somewhere() {
    let none = report(Vec::new());
    assert_eq!(none.table(), "hello is not delivered anywhere yet\nnext: platform deploy hello --env=staging\n");
}

#[test]
fn what_is_to_blame_is_told_before_what_followed_from_it() {
    let mut status = row("staging", false);
    let mut cause = Cause {
        kind: fairway_plan::why::CauseKind::OutOfMemory,
        sentence: "container web used more memory than its limit and was killed".to_owned(),
        evidence: Vec::new(),
        changed: None,
        mend: None,
        fixed_by: Some("its team".to_owned()),
        next_step: Some("platform deploy hello".to_owned()),
    };
    let told = "container web used more memory than its limit and was killed; v0.1.1 was refused";
    for _ in 0..2 {
        blame(&mut status, &cause);
        assert_eq!((status.summary.as_str(), status.next_step.as_deref()), (told, Some("platform deploy hello")));
    }
    cause.kind = fairway_plan::why::CauseKind::Exits;
    let mut other = row("staging", false);
    blame(&mut other, &cause);
    assert_eq!(other, row("staging", false), "nobody is blamed for what merely happened");
}
