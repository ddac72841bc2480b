use fairway_api::names::{EnvironmentName, ProjectName};
use fairway_api::v1alpha1::{Attempt, DeliverySpec, DeliveryStatus, Environment, EnvironmentSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::*;
use crate::Exit;

fn place() -> Place {
    Place {
        project: ProjectName::parse("sandbox").unwrap(),
        environment: EnvironmentName::parse("staging").unwrap(),
        object: Environment::new("staging", EnvironmentSpec::default()),
    }
}

fn time() -> Time {
    Time("2026-01-01T00:00:00Z".parse().unwrap())
}

/// A delivery at generation 2, seen at one, with conditions that are true, for one reason.
fn delivery(seen: i64, conditions: &[&str], reason: &str) -> Delivery {
    let condition = |it: &&str| Condition {
        type_: (*it).to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        observed_generation: Some(seen),
        last_transition_time: time(),
    };
    let mut conditions: Vec<Condition> = conditions.iter().map(condition).collect();
    if !conditions.iter().any(|it| it.type_ == READY) {
        conditions.push(Condition { status: "False".to_owned(), ..condition(&READY) });
    }
    let status = DeliveryStatus { observed_generation: Some(seen), conditions, ..DeliveryStatus::default() };
    let spec = DeliverySpec { release_name: "hello-1".to_owned(), ..DeliverySpec::default() };
    let mut it = Delivery::new("hello", spec);
    it.metadata.generation = Some(2);
    it.status = Some(DeliveryStatus { attempt: None, ..status });
    it
}

#[test]
fn a_wish_is_waited_for_until_it_is_seen_and_carried_out() {
    let judged = |it: Option<&Delivery>| judge(it, 2, &place());
    assert!(matches!(judged(Some(&delivery(1, &[READY], "Serving"))), Verdict::Wait(_)), "an answer to an older wish");
    assert!(matches!(judged(Some(&delivery(2, &[READY, RECONCILING], "Serving"))), Verdict::Wait(_)));
    assert!(matches!(judged(Some(&delivery(2, &[RECONCILING], "RollingOut"))), Verdict::Wait(_)));
    assert!(matches!(judged(Some(&delivery(2, &[READY], "Serving"))), Verdict::Done(_)));
    assert!(matches!(judged(None), Verdict::Never(_)));
}

#[test]
fn what_will_not_happen_ends_with_the_code_of_its_reason() {
    for (reason, exit) in [
        ("HealthCheckFailed", Exit::NotReady),
        ("NotProven", Exit::Refused),
        ("UncommittedNotAllowed", Exit::Refused),
        ("ReleaseNotFound", Exit::NotFound),
    ] {
        let Verdict::Never(failure) = judge(Some(&delivery(2, &[STALLED], reason)), 2, &place()) else { panic!() };
        assert_eq!(failure.exit, exit, "{reason}");
    }
}

#[test]
fn only_a_release_that_failed_as_it_is_wanted_is_asked_for_anew() {
    let mut it = delivery(2, &[STALLED], "HealthCheckFailed");
    assert!(!has_failed(&it, "hello-1"));
    let attempt = |release: &str, outcome| Attempt {
        release_name: release.to_owned(),
        restart: None,
        connections: None,
        bundle_digest: None,
        started: time(),
        outcome,
        message: None,
    };
    for (release, outcome, wanted, failed) in [
        ("hello-1", AttemptOutcome::Failed, "hello-1", true),
        ("hello-1", AttemptOutcome::Failed, "hello-2", false),
        ("hello-0", AttemptOutcome::Failed, "hello-1", false),
        ("hello-1", AttemptOutcome::Succeeded, "hello-1", false),
    ] {
        it.status.as_mut().unwrap().attempt = Some(attempt(release, outcome));
        assert_eq!(has_failed(&it, wanted), failed);
    }
}

#[test]
fn an_outcome_reads_as_one_line() {
    let mut it = outcome(&place(), &delivery(2, &[READY], "Serving"), "c", true);
    (it.summary, it.build_ms, it.platform_ms) = ("v0.1.0 serves".to_owned(), 2500, 320);
    assert_eq!(it.table(), "hello in staging: v0.1.0 serves (the platform took 320 ms, the build 2.5 s)\n");
}
