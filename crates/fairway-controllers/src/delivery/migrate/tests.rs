use fairway_api::v1alpha1::{AppliedMigration, DeliverySpec, MigrationKind};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::delivery::validate::tests::valid;

#[test]
fn a_release_without_migrations_runs_where_it_can_live_with_what_ran() {
    let delivery = Delivery::new("api", DeliverySpec { release_name: "api-2".to_owned(), ..DeliverySpec::default() });
    for (kind, fits) in [(MigrationKind::Compatible, true), (MigrationKind::Breaking, false)] {
        let applied = vec![AppliedMigration {
            id: "0002".to_owned(),
            name: "more".to_owned(),
            digest: "sha256:2".to_owned(),
            kind,
            release_name: "api-2".to_owned(),
            since: Time(Timestamp::UNIX_EPOCH),
        }];
        let schema = SchemaStatus { resource: "api-db".to_owned(), applied, ..SchemaStatus::default() };
        match without(Some(schema), &delivery, &valid()) {
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
