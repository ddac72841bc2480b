use fairway_api::v1alpha1::{Delivered, DeliverySpec, DeliveryStatus, MigrationKind, MigrationWish};
use serde_json::json;

use super::*;
use crate::delivery::validate::tests::valid;

fn migration(kind: MigrationKind) -> Migration {
    Migration { id: "0002".to_owned(), name: "more".to_owned(), digest: "sha256:2".to_owned(), kind }
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

fn pod(job: &str, second: i64, message: Option<&str>) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "creationTimestamp": Time(Timestamp::from_second(second).unwrap()),
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": "1" }],
        },
        "status": { "containerStatuses": [{
            "name": "migrate", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "terminated": { "exitCode": 1, "message": message } },
        }] },
    }))
    .unwrap()
}

fn became(judged: Health, pods: &[Pod]) -> Schema {
    let pending = migration(MigrationKind::Compatible);
    let ran = || ran(&[&pending], &delivery(None), Timestamp::UNIX_EPOCH);
    let schema = SchemaStatus { resource: "api-db".to_owned(), ..SchemaStatus::default() };
    outcome(schema, "api-migrate-1", "migration 0002", judged, pods, ran, &valid())
}

#[test]
fn what_has_run_is_remembered_with_its_release() {
    match became(Health::Healthy, &[]) {
        Schema::Fits(Some(schema)) => {
            assert_eq!(schema.applied.len(), 1);
            assert_eq!(
                (schema.applied[0].file().as_str(), schema.applied[0].release_name.as_str()),
                ("0002_more.sql", "api-2")
            );
            assert_eq!((schema.job, schema.failed), (None, None));
        }
        _ => panic!("it has run"),
    }
}

#[test]
fn one_that_failed_is_told_by_what_it_said_last() {
    let pods = [
        pod("api-migrate-0", 9, Some("of another job")),
        pod("api-migrate-1", 1, Some("first try")),
        pod("api-migrate-1", 2, Some("began\nrelation \"t\" exists\u{7}\n\n")),
    ];
    match became(Health::Failed("job failed".to_owned()), &pods) {
        Schema::Failed(schema, problem) => {
            assert_eq!(problem.message, "migration 0002 failed: relation \"t\" exists");
            assert_eq!(problem.next_step.as_deref(), Some("platform logs api --env=staging --migration"));
            assert_eq!(schema.job.as_deref(), Some("api-migrate-1"));
            assert!(schema.applied.is_empty());
        }
        _ => panic!("it failed"),
    }
    let mut late = pods[2].clone();
    late.status.as_mut().unwrap().reason = Some("DeadlineExceeded".to_owned());
    late.spec = serde_json::from_value(json!({ "containers": [], "activeDeadlineSeconds": 90 })).unwrap();
    match became(Health::Failed("job failed".to_owned()), &[late]) {
        Schema::Failed(_, it) => {
            assert!(it.message.starts_with("migration 0002 failed: it took longer than 90 s and was ended"), "{it:?}");
        }
        _ => panic!("it failed"),
    }
    match became(Health::Failed("job failed: too late".to_owned()), &[]) {
        Schema::Failed(_, problem) => assert_eq!(problem.message, "migration 0002 failed: job failed: too late"),
        _ => panic!("it failed"),
    }
}

#[test]
fn the_last_words_are_told_without_passwords() {
    let pods = [pod("api-migrate-1", 1, Some("cannot reach postgresql://migration:s3cr3t@api-db:5432/api_db"))];
    let Schema::Failed(schema, problem) = became(Health::Failed("job failed".to_owned()), &pods) else {
        panic!("it failed")
    };
    assert_eq!(schema.failed.as_deref(), Some("cannot reach postgresql://migration:[hidden]@api-db:5432/api_db"));
    assert!(!problem.message.contains("s3cr3t"), "{}", problem.message);
}

#[test]
fn one_that_is_on_its_way_says_how_far_it_is() {
    match became(Health::Progressing("job is at work".to_owned()), &[]) {
        Schema::Changing(schema, how) => {
            assert_eq!(
                (schema.job.as_deref(), how.as_str()),
                (Some("api-migrate-1"), "migration 0002 on its way: job is at work")
            );
        }
        _ => panic!("it is on its way"),
    }
}

#[test]
fn only_another_release_that_serves_can_be_harmed() {
    assert_eq!(now(&delivery(None)).serving, None);
    assert_eq!(now(&delivery(Some("api-2"))).serving, None, "what serves is what is wanted");
    assert_eq!(now(&delivery(Some("api-1"))).serving, Some("v0.1.0"));
    let mut accepting = delivery(Some("api-1"));
    accepting.spec.migrations = Some(MigrationWish { allow_breaking: Some("0002".to_owned()), run: None });
    assert_eq!(now(&accepting).accepted, Some("0002"));
}

#[test]
fn a_release_without_migrations_runs_where_it_can_live_with_what_ran() {
    for (kind, fits) in [(MigrationKind::Compatible, true), (MigrationKind::Breaking, false)] {
        let pending = migration(kind);
        let applied = ran(&[&pending], &delivery(None), Timestamp::UNIX_EPOCH);
        let schema = SchemaStatus { resource: "api-db".to_owned(), applied, ..SchemaStatus::default() };
        match without(Some(schema), &delivery(Some("api-2")), &valid()) {
            Schema::Fits(Some(_)) => assert!(fits),
            Schema::Refused(problem) => {
                assert!(!fits);
                assert_eq!(problem.reason, DeliveryReason::MigrationRefused);
                assert!(problem.message.contains("migration 0002 is breaking"), "{}", problem.message);
            }
            _ => panic!("nothing is to be run"),
        }
    }
}
