use std::collections::BTreeMap;

use fairway_api::v1alpha1::ResourceSpec;
use fairway_plan::health::Health;
use fairway_plan::resource::State;

use super::super::plan::{self, Made};
use super::super::task::tests::valid;
use super::super::validate::Problem;
use super::*;

fn resource(status: Option<ResourceStatus>) -> Resource {
    let mut it = Resource::new("api-db", ResourceSpec { class_name: "postgres".to_owned(), ..ResourceSpec::default() });
    it.metadata.generation = Some(1);
    it.status = status;
    it
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a pass gives")]
fn done(course: Course, step: Step) -> Result<Outcome, Error> {
    let valid = valid(0);
    let made = Made {
        objects: Vec::new(),
        digest: String::new(),
        image: "bases/postgres-15@sha256:0".to_owned(),
        told: BTreeMap::from([("password".to_owned(), "hush".to_owned())]),
        connection: "one".to_owned(),
        step,
        serial: 1,
        rotated: Some("monday".to_owned()),
        rotates: true,
    };
    Ok(Outcome::Done(Box::new(Done {
        valid,
        made,
        course,
        used_by: vec!["api".to_owned()],
        task: None,
        backups: Vec::new(),
    })))
}

fn condition(status: &ResourceStatus, r#type: &str) -> (String, String) {
    let it = status.conditions.iter().find(|it| it.type_ == r#type).unwrap();
    (it.status.clone(), it.reason.clone())
}

#[test]
fn it_is_told_of_only_when_it_can_be_used_and_never_what() {
    let now = Timestamp::UNIX_EPOCH;
    let first = status(&resource(None), &done(Course::Provisioning("0 of 1".to_owned()), Step::Resting), now);
    assert_eq!((first.connection.as_deref(), condition(&first, READY).0.as_str()), (None, "Unknown"));
    assert_eq!(first.version.as_deref(), Some("15"), "it keeps the version it was begun with");
    let then = status(&resource(Some(first)), &done(Course::Available, Step::Resting), now);
    assert_eq!(then.connection.as_deref(), Some("one"));
    assert_eq!(then.rotated.as_deref(), Some("monday"));
    assert_eq!(then.explanation.summary, "postgres 15 in plan small can be used in staging");
    assert!(!serde_json::to_string(&then).unwrap().contains("hush"));
    let again = status(&resource(Some(then.clone())), &done(Course::Available, Step::Resting), Timestamp::MAX);
    assert_eq!(again, then, "an unchanged world is reported in the same words and times");
}

#[test]
fn a_rotation_keeps_it_ready_and_is_over_when_the_one_before_is_worth_nothing() {
    let it = status(&resource(None), &done(Course::Rotating("x".to_owned()), Step::Moving), Timestamp::UNIX_EPOCH);
    assert_eq!(condition(&it, READY), ("True".to_owned(), "Rotating".to_owned()));
    assert_eq!(condition(&it, RECONCILING).0, "True");
    assert_eq!(it.rotated, None);
}

#[test]
fn every_other_end_says_who_can_change_it() {
    let refused = |reason, stalled| {
        let message = "class postgres has no plan \"huge\"; it has small".to_owned();
        Ok(Outcome::Refused(Problem { reason, message, stalled, next_step: None }))
    };
    for (outcome, reason, stalled) in [
        (refused(ResourceReason::PlanNotFound, true), "PlanNotFound", "True"),
        (refused(ResourceReason::ImageNotFound, false), "ImageNotFound", "False"),
        (Ok(Outcome::Building(Vec::new(), "fetching package 12 of 40".to_owned())), "BuildingImage", "False"),
        (Ok(Outcome::Leaving(Leaving::InUse(vec!["api".to_owned()]))), "InUse", "True"),
        (Ok(Outcome::Leaving(Leaving::NoDump("no space".to_owned(), "x".to_owned()))), "Deleting", "True"),
        (done(Course::Unavailable("0 of 1".to_owned()), Step::Resting), "Unavailable", "False"),
        (Err(Error::Unreachable("the API")), "ApplyFailed", "False"),
    ] {
        let it = status(&resource(None), &outcome, Timestamp::UNIX_EPOCH);
        assert_eq!(condition(&it, STALLED), (stalled.to_owned(), reason.to_owned()));
        assert!(!it.explanation.summary.is_empty());
    }
    let building = Ok(Outcome::Building(Vec::new(), "fetching package 12 of 40".to_owned()));
    let it = status(&resource(None), &building, Timestamp::UNIX_EPOCH);
    assert_eq!(it.explanation.summary, "building its image: fetching package 12 of 40");
}

#[test]
fn what_uses_it_is_to_be_delivered_anew_where_it_is() {
    let mut it = resource(None);
    it.metadata.namespace = Some("shop--production".to_owned());
    let outcome = Ok(Outcome::Leaving(Leaving::InUse(vec!["api".to_owned()])));
    let next = status(&it, &outcome, Timestamp::UNIX_EPOCH).explanation.next_step;
    assert_eq!(next.as_deref(), Some("remove it from score.yaml, then platform deploy --env=production"));
}

#[test]
fn the_course_follows_from_what_runs_and_whether_it_could_be_used_before() {
    let Ok(Outcome::Done(it)) = done(Course::Available, Step::Resting) else { panic!("it is done") };
    let healthy = || Health::Healthy;
    let underway = || Health::Progressing("why".to_owned());
    let used = || Some(ResourceStatus { connection: Some("one".to_owned()), ..ResourceStatus::default() });
    let why = "why".to_owned();
    for (status, serving, prepared, wanted) in [
        (None, underway(), underway(), Course::Provisioning(why.clone())),
        (None, healthy(), underway(), Course::Provisioning(why.clone())),
        (None, healthy(), healthy(), Course::Available),
        (used(), underway(), healthy(), Course::Unavailable(why.clone())),
        (used(), healthy(), underway(), Course::Rotating(why.clone())),
    ] {
        let course = plan::course(&resource(status), &it.made, &State { serving, prepared }, 1, &[]);
        assert_eq!(course, wanted);
    }
    let known = State { serving: healthy(), prepared: healthy() };
    let untold = plan::course(&resource(used()), &it.made, &known, 0, &[]);
    assert!(matches!(untold, Course::Rotating(_)), "it does not know the last password yet: {untold:?}");
    let mut moving = it.made;
    let mut wished = resource(used());
    wished.spec.rotate = Some("tuesday".to_owned());
    assert!(matches!(plan::course(&wished, &moving, &known, 1, &[]), Course::Rotating(_)));
    moving.rotates = false;
    let course = plan::course(&wished, &moving, &known, 1, &[]);
    assert_eq!(course, Course::Available, "its class has nothing to rotate, so nothing is looked for again and again");
    moving.rotates = true;
    moving.step = Step::Moving;
    let state = State { serving: healthy(), prepared: healthy() };
    let course = plan::course(&resource(used()), &moving, &state, 1, &["api".to_owned()]);
    assert_eq!(course, Course::Rotating("api is being started anew with them".to_owned()));
}
