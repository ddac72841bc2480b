use fairway_api::v1alpha1::{
    AppliedMigration, Delivered, DeliverySpec, DeliveryStatus, Migration, MigrationKind, ReleaseMigrations,
    ReleaseSpec, SchemaStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;

fn step(id: &str, kind: MigrationKind) -> Migration {
    Migration { id: id.to_owned(), name: format!("step{id}"), digest: format!("sha256:{id}"), kind }
}

fn release(steps: &[Migration]) -> Release {
    let migrations = ReleaseMigrations { steps: steps.to_vec(), ..ReleaseMigrations::default() };
    let spec = ReleaseSpec {
        component_name: "my-api".to_owned(),
        version: Some("v0.2.0".to_owned()),
        migrations: Some(migrations),
        ..ReleaseSpec::default()
    };
    Release::new("my-api-2", spec)
}

fn delivery(applied: &[Migration], failed: Option<&str>) -> Delivery {
    let now = || Time(Timestamp::UNIX_EPOCH);
    let ran = |it: &Migration| AppliedMigration {
        id: it.id.clone(),
        name: it.name.clone(),
        digest: it.digest.clone(),
        kind: it.kind,
        release_name: "my-api-1".to_owned(),
        since: now(),
    };
    let mut delivery =
        Delivery::new("my-api", DeliverySpec { release_name: "my-api-2".to_owned(), ..DeliverySpec::default() });
    let current = Delivered {
        release_name: "my-api-1".to_owned(),
        version: "v0.1.0".to_owned(),
        number: 1,
        image_digest: String::new(),
        bundle_digest: String::new(),
        since: now(),
    };
    let schema = SchemaStatus {
        resource: "my-api-db".to_owned(),
        applied: applied.iter().map(ran).collect(),
        job: None,
        failed: failed.map(str::to_owned),
        failed_step: None,
    };
    delivery.status =
        Some(DeliveryStatus { current: Some(current), schema: Some(schema), ..DeliveryStatus::default() });
    delivery
}

fn shown(applied: &[Migration], brings: &[Migration], failed: Option<&str>, accepted: Option<&str>) -> String {
    told(&delivery(applied, failed), &release(brings), "staging", accepted, Timestamp::UNIX_EPOCH).table()
}

#[test]
fn what_ran_and_what_is_to_run_is_shown_in_order() {
    let (one, two) = (step("1", MigrationKind::Compatible), step("2", MigrationKind::Compatible));
    let text = shown(std::slice::from_ref(&one), &[one.clone(), two.clone()], None, None);
    let lines: Vec<Vec<&str>> = text.lines().map(|it| it.split_whitespace().collect()).collect();
    assert_eq!(text.lines().next(), Some("my-api in staging: one migration is to run"));
    assert_eq!(lines[3][..4], ["1", "step1", "compatible", "applied"]);
    assert_eq!(lines[4][..4], ["2", "step2", "compatible", "pending"]);
    let failed = shown(std::slice::from_ref(&one), &[one.clone(), two.clone()], Some("it\ncannot be"), None);
    assert!(failed.contains("the last try failed: it cannot be"), "{failed}");
    assert!(
        shown(&[one.clone(), two.clone()], &[one, two], None, None).contains("nothing is to run; the schema is at 2")
    );
    assert_eq!(shown(&[], &[], None, None), "my-api in staging: it has no migrations\n");
}

#[test]
fn of_a_set_that_failed_half_way_only_the_one_that_failed_is_shown_so() {
    let steps = ["1", "2", "3", "4"].map(|it| step(it, MigrationKind::Compatible));
    let mut delivery = delivery(&steps[..2], Some("no such table"));
    let states = |delivery: &Delivery| -> Vec<&'static str> {
        let told = told(delivery, &release(&steps), "staging", None, Timestamp::UNIX_EPOCH);
        told.steps.iter().map(|it| it.state).collect()
    };
    assert_eq!(states(&delivery), ["applied", "applied", "failed", "failed"], "nobody said which");
    let schema = delivery.status.as_mut().unwrap().schema.as_mut().unwrap();
    schema.failed_step = Some("3".to_owned());
    assert_eq!(states(&delivery), ["applied", "applied", "failed", "pending"]);
    let summary = told(&delivery, &release(&steps), "staging", None, Timestamp::UNIX_EPOCH).summary;
    assert_eq!(summary, "2 migrations are to run; the last try failed at 3: no such table");
}

#[test]
fn what_would_break_is_refused_with_the_way_out_until_it_is_accepted() {
    let (one, two) = (step("1", MigrationKind::Compatible), step("2", MigrationKind::Breaking));
    let (applied, brings) = ([one.clone()], [one, two]);
    let text = shown(&applied, &brings, None, None);
    assert!(text.contains("migration 2 is breaking: v0.1.0, which serves now"), "{text}");
    assert!(text.contains("platform db migrate my-api --env=staging --allow-breaking=2"), "{text}");
    assert!(shown(&applied, &brings, None, Some("2")).contains("one migration is to run"));
}

#[test]
fn a_number_is_digits() {
    for bad in ["", "two", "-1", "1;x", "123456789012345"] {
        number(bad).unwrap_err();
    }
    assert_eq!(number("0003").unwrap(), "0003");
}
