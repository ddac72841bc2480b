use fairway_api::v1alpha1::{Delivered, DeliverySpec, DeliveryStatus, MigrationWish};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::*;

const C: MigrationKind = MigrationKind::Compatible;
const R: MigrationKind = MigrationKind::Reversible;
const B: MigrationKind = MigrationKind::Breaking;

fn wanted(steps: &[(&str, MigrationKind)]) -> Vec<Migration> {
    let one = |(id, kind): &(&str, MigrationKind)| Migration {
        id: (*id).to_owned(),
        name: format!("step{id}"),
        digest: format!("sha256:{id}"),
        kind: *kind,
    };
    steps.iter().map(one).collect()
}

fn applied(steps: &[(&str, MigrationKind)]) -> Vec<AppliedMigration> {
    let one = |it: Migration| AppliedMigration {
        id: it.id,
        name: it.name,
        digest: it.digest,
        kind: it.kind,
        release_name: "my-api-0".to_owned(),
        since: Time(Timestamp::UNIX_EPOCH),
    };
    wanted(steps).into_iter().map(one).collect()
}

/// What is decided, in a word.
fn decided(ran: &[(&str, MigrationKind)], brings: &[(&str, MigrationKind)], now: Now<'_>) -> String {
    match plan(&applied(ran), &wanted(brings), now) {
        Plan::Nothing => "nothing".to_owned(),
        Plan::Run(steps) => format!("run {}", steps.iter().map(|it| it.id.as_str()).collect::<Vec<_>>().join(" ")),
        Plan::Refuse(refusal) => refusal.to_string(),
    }
}

fn delivery(serving: Option<&str>) -> Delivery {
    let mut delivery =
        Delivery::new("api", DeliverySpec { release_name: "api-2".to_owned(), ..DeliverySpec::default() });
    let current = serving.map(|release| Delivered {
        release_name: release.to_owned(),
        version: "v0.1.0".to_owned(),
        number: 1,
        image_digest: String::new(),
        bundle_digest: String::new(),
        since: Time(Timestamp::UNIX_EPOCH),
    });
    delivery.status = Some(DeliveryStatus { current, ..DeliveryStatus::default() });
    delivery
}

#[test]
fn only_another_release_that_serves_can_be_harmed() {
    assert_eq!(Now::of(&delivery(None)).serving, None);
    assert_eq!(Now::of(&delivery(Some("api-2"))).serving, None, "what serves is what is wanted");
    assert_eq!(Now::of(&delivery(Some("api-1"))).serving, Some("v0.1.0"));
    let mut accepting = delivery(Some("api-1"));
    accepting.spec.migrations = Some(MigrationWish { allow_breaking: Some("0002".to_owned()), run: None });
    assert_eq!(Now::of(&accepting).accepted, Some("0002"));
}

#[test]
fn a_try_that_failed_half_way_is_known_again_by_what_it_was_started_for() {
    let steps = wanted(&[("1", C), ("2", C), ("3", C)]);
    let ids = |applied: &[AppliedMigration], release: &str| -> Vec<String> {
        batch(applied, &steps, release).iter().map(|it| it.id.clone()).collect()
    };
    let mut ran = applied(&[("1", C)]);
    assert_eq!(ids(&ran, "my-api-1"), ["2", "3"]);
    ran.push(AppliedMigration { release_name: "my-api-1".to_owned(), ..applied(&[("2", C)]).remove(0) });
    assert_eq!(ids(&ran, "my-api-1"), ["2", "3"], "the same try");
    assert_eq!(ids(&ran, "my-api-2"), ["3"], "the next release has its own");
}

const SERVING: Now<'_> = Now { serving: Some("v1"), accepted: None };

#[test]
fn what_has_not_run_is_run_in_its_order_and_once() {
    let nobody = Now::default();
    assert_eq!(decided(&[], &[], SERVING), "nothing");
    assert_eq!(decided(&[], &[("1", C), ("2", B)], nobody), "run 1 2", "where nobody serves, nobody is harmed");
    assert_eq!(decided(&[("1", C)], &[("1", C)], SERVING), "nothing");
    assert_eq!(decided(&[("1", C)], &[("1", C), ("2", C), ("10", C)], SERVING), "run 2 10");
}

#[test]
fn what_serves_is_not_broken_unless_somebody_accepts_it_by_its_number() {
    let accepts = |id| Now { serving: Some("v1"), accepted: Some(id) };
    let refused = decided(&[("1", C)], &[("1", C), ("2", B)], SERVING);
    assert_eq!(refused, "migration 2 is breaking: v1, which serves now, cannot run on the schema after it");
    assert!(decided(&[], &[("1", R)], SERVING).starts_with("migration 1 is reversible: v1"));
    assert_eq!(decided(&[("1", C)], &[("1", C), ("2", B)], accepts("2")), "run 2");
    assert!(decided(&[("1", C)], &[("1", C), ("2", B), ("3", B)], accepts("2")).starts_with("migration 3 is breaking"));
}

#[test]
fn one_goes_back_over_what_is_compatible_and_over_nothing_else() {
    assert_eq!(decided(&[("1", C), ("2", C), ("3", C)], &[("1", C)], SERVING), "nothing");
    assert_eq!(decided(&[("1", C)], &[], SERVING), "nothing", "a version without migrations is one before them");
    for (kind, word) in [(B, "breaking"), (R, "reversible")] {
        let refused = decided(&[("1", C), ("2", kind), ("3", C)], &[("1", C)], SERVING);
        assert!(refused.starts_with(&format!("the schema is at 3, and migration 2 is {word}")), "{refused}");
    }
}

#[test]
fn history_is_neither_edited_nor_filled_in_nor_cut() {
    let mut edited = wanted(&[("1", C), ("2", C)]);
    edited[0].digest = "sha256:other".to_owned();
    let ran = applied(&[("1", C)]);
    assert!(matches!(plan(&ran, &edited, SERVING), Plan::Refuse(Refusal::Edited { id, .. }) if id == "1"));
    let between = decided(&[("1", C), ("3", C)], &[("1", C), ("2", C), ("3", C)], SERVING);
    assert!(between.starts_with("migration 2 is missing here, and 3 after it has run already"), "{between}");
    let missing = decided(&[("1", C), ("2", C)], &[("1", C), ("3", C)], SERVING);
    assert!(missing.starts_with("migration 2 ran here and is missing from this release"), "{missing}");
}

#[test]
fn every_refusal_has_a_way_out() {
    let id = || "2".to_owned();
    let refusals = [
        Refusal::Edited { id: id(), was: "2_x.sql".to_owned() },
        Refusal::Between { id: id(), later: "3".to_owned() },
        Refusal::Missing { id: id() },
        Refusal::TooNew { schema: "3".to_owned(), id: id(), kind: "breaking" },
        Refusal::Breaking { id: id(), kind: "breaking", serving: "v1".to_owned() },
    ];
    for refusal in refusals {
        assert!(refusal.way_out("my-api", "staging").len() > 20, "{refusal}");
    }
}
