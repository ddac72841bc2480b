use fairway_api::v1alpha1::DeliverySpec;
use fairway_plan::health::Health;
use fairway_plan::render::{Binding, Bundle};

use super::super::plan::{self, Rendered};
use super::super::validate::Problem;
use super::super::validate::tests::valid;
use super::*;
use crate::target::TargetReport;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn delivery(release: &str, status: Option<DeliveryStatus>) -> Delivery {
    let spec = DeliverySpec { release_name: release.to_owned(), replicas: Some(2), ..DeliverySpec::default() };
    let mut it = Delivery::new("api", spec);
    it.metadata.generation = Some(1);
    it.status = status;
    it
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a pass gives")]
fn outcome(version: &str, course: Course, ready: i32) -> Result<Outcome, Error> {
    let digest = fairway_plan::digest_of(version);
    let bundle =
        Bundle { objects: vec![], digest, host: Some("api.staging.shop.localhost".to_owned()), ready_within: 10 };
    Ok(Outcome::Done(Box::new(Done {
        valid: valid(),
        wanted: Rendered {
            bundle,
            version: version.to_owned(),
            number: 1,
            release_name: format!("api-{version}"),
            image_digest: "sha256:0".to_owned(),
            bindings: super::super::resources::Bindings::new(),
        },
        course,
        schema: None,
        held: None,
        seen: Some(TargetReport { health: Health::Healthy, total: 2, ready }),
    })))
}

fn condition(status: &DeliveryStatus, r#type: &str) -> (String, String) {
    let it = status.conditions.iter().find(|it| it.type_ == r#type).unwrap();
    (it.status.clone(), it.reason.clone())
}

#[test]
fn a_first_version_rolls_out_and_then_serves() {
    let underway = outcome("v1", Course::Underway { sentence: "0 of 2 instances are ready".to_owned() }, 0);
    let first = status(&delivery("api-v1", None), &underway, 7080, at(1));
    assert_eq!(first.explanation.summary, "v1 is rolling out: 0 of 2 instances are ready");
    assert_eq!(condition(&first, READY).0, "Unknown");
    assert_eq!(condition(&first, RECONCILING).0, "True");
    let done = status(&delivery("api-v1", Some(first)), &outcome("v1", Course::Serving, 2), 7080, at(5));
    let sentence = "v1 serves with 2 of 2 instances at http://api.staging.shop.localhost:7080";
    assert_eq!(done.explanation.summary, sentence);
    assert_eq!(done.current.as_ref().unwrap().version, "v1");
    assert_eq!(done.attempt.as_ref().unwrap().outcome, AttemptOutcome::Succeeded);
    let again = status(&delivery("api-v1", Some(done.clone())), &outcome("v1", Course::Serving, 2), 7080, at(99));
    assert_eq!(again, done, "an unchanged world is reported in the same words and times");
}

#[test]
fn a_refused_version_says_why_and_who_goes_on_serving() {
    let serving = status(&delivery("api-v1", None), &outcome("v1", Course::Serving, 2), 80, at(1));
    let why = "container web runs and is not ready: it answered 503".to_owned();
    let after = status(&delivery("api-v2", Some(serving)), &outcome("v2", Course::TakenBack { why }, 2), 80, at(20));
    assert_eq!(
        after.explanation.summary,
        "v2 was refused by its health check (container web runs and is not ready: it answered 503); v1 goes on serving"
    );
    assert_eq!(after.current.as_ref().unwrap().version, "v1");
    assert_eq!(condition(&after, READY), ("False".to_owned(), "HealthCheckFailed".to_owned()));
    assert_eq!(condition(&after, STALLED).0, "True");
    assert!(after.explanation.next_step.unwrap().starts_with("platform logs api"));
    let why = "container web waits, ErrImagePull: no such image".to_owned();
    let after = status(&delivery("api-v2", None), &outcome("v2", Course::TakenBack { why }, 0), 80, at(20));
    assert_eq!(after.explanation.next_step.as_deref(), Some("platform deploy api --env=staging"), "there are no logs");
    let why = "container web waits, ErrImagePull: no such image".to_owned();
    let mut hosted = outcome("v2", Course::TakenBack { why }, 0);
    let Ok(Outcome::Done(done)) = &mut hosted else { panic!("it is done") };
    done.valid.hosted = true;
    let after = status(&delivery("api-v2", None), &hosted, 80, at(20));
    assert_eq!(
        after.explanation.next_step.as_deref(),
        Some("commit, and git push"),
        "deploy does not build all of them"
    );
}

#[test]
fn what_was_taken_back_is_tried_anew_with_another_password() {
    let told = |connection: &str, course: Course| {
        let mut it = outcome("v2", course, 0);
        let Ok(Outcome::Done(done)) = &mut it else { panic!("it is done") };
        let binding = Binding { connection: connection.to_owned(), ..Binding::default() };
        done.wanted.bindings = [("db".to_owned(), binding)].into();
        it
    };
    let wanted = |it: &Result<Outcome, Error>| match it {
        Ok(Outcome::Done(done)) => done.wanted.clone(),
        _ => panic!("it is done"),
    };
    let failed = told("one", Course::TakenBack { why: "it exits".to_owned() });
    let after = delivery("api-v2", Some(status(&delivery("api-v2", None), &failed, 80, at(1))));
    assert_eq!(plan::taken_back(&after, &wanted(&failed)).as_deref(), Some("it exits"));
    let again = told("two", Course::Underway { sentence: "it begins".to_owned() });
    assert_eq!(plan::taken_back(&after, &wanted(&again)), None);
    let attempt = status(&after, &again, 80, at(9)).attempt.unwrap();
    assert_eq!((attempt.outcome, attempt.started), (AttemptOutcome::Progressing, Time(at(9))));
    // What serves is started with it and is no new attempt.
    let serving = status(&after, &told("two", Course::Serving), 80, at(10));
    let rotated = status(&delivery("api-v2", Some(serving)), &told("three", Course::Serving), 80, at(20));
    assert_eq!(rotated.attempt.unwrap().started, Time(at(10)));
}

#[test]
fn the_version_before_is_remembered_for_the_way_back() {
    let one = status(&delivery("api-v1", None), &outcome("v1", Course::Serving, 2), 80, at(1));
    let two = status(&delivery("api-v2", Some(one)), &outcome("v2", Course::Serving, 2), 80, at(9));
    assert_eq!(two.previous.unwrap().version, "v1");
    assert_eq!(two.current.unwrap().since, Time(at(9)));
}

#[test]
fn a_wish_that_is_refused_leaves_what_serves_in_the_status() {
    let one = status(&delivery("api-v1", None), &outcome("v1", Course::Serving, 2), 80, at(1));
    let problem = Problem {
        reason: DeliveryReason::ReleaseNotFound,
        message: "release x does not exist".to_owned(),
        next_step: Some("platform release list --service=api".to_owned()),
    };
    let after = status(&delivery("x", Some(one)), &Ok(Outcome::Refused(problem)), 80, at(2));
    assert_eq!(after.explanation.summary, "release x does not exist; v1 goes on serving");
    assert_eq!(after.explanation.next_step.as_deref(), Some("platform release list --service=api"));
    assert_eq!(after.current.unwrap().version, "v1");
}

#[test]
fn what_waits_for_a_resource_says_so_and_what_serves_goes_on() {
    let waiting = |stalled| {
        Ok(Outcome::Waiting(Waiting {
            message: "waits for resource api-db: its image is being built".to_owned(),
            stalled,
            next_step: Some("platform resource show api-db --env=staging".to_owned()),
            names: vec!["api-db".to_owned()],
        }))
    };
    let first = status(&delivery("api-v1", None), &waiting(false), 80, at(1));
    assert_eq!(first.explanation.summary, "waits for resource api-db: its image is being built");
    assert_eq!(condition(&first, READY), ("Unknown".to_owned(), "ResourcesPending".to_owned()));
    assert_eq!(condition(&first, RECONCILING).0, "True");
    assert_eq!(first.resources[0].name, "api-db", "in use from the first moment, so that nobody takes it away");
    let serving = status(&delivery("api-v1", None), &outcome("v1", Course::Serving, 2), 80, at(1));
    let after = status(&delivery("api-v2", Some(serving)), &waiting(true), 80, at(2));
    assert!(after.explanation.summary.ends_with("; v1 goes on serving"));
    assert_eq!(condition(&after, READY).0, "False");
    assert_eq!(condition(&after, STALLED).0, "True");
}

#[test]
fn what_migrated_is_remembered_though_the_version_is_refused_after_it() {
    let ran = || Some(SchemaStatus { resource: "api-db".to_owned(), ..SchemaStatus::default() });
    let mut taken_back = outcome("v1", Course::TakenBack { why: "it answered 503".to_owned() }, 0);
    if let Ok(Outcome::Done(done)) = &mut taken_back {
        done.schema = ran();
    }
    let problem =
        Problem { reason: DeliveryReason::ApplyFailed, message: "the cluster says no".to_owned(), next_step: None };
    let refused = Ok(super::super::refused(ran(), problem));
    for (outcome, reason) in [(taken_back, "HealthCheckFailed"), (refused, "ApplyFailed")] {
        let after = status(&delivery("api-v1", None), &outcome, 80, at(1));
        assert_eq!(after.schema, ran());
        assert_eq!(condition(&after, READY), ("False".to_owned(), reason.to_owned()));
        assert_eq!(condition(&after, STALLED).0, "True");
    }
}
