use fairway_api::v1alpha1::MigrationKind;
use serde_json::json;

use super::*;
use crate::delivery::validate::tests::valid;
use crate::last_words::tests::pod as ended;

fn migration(id: &str) -> Migration {
    let kind = MigrationKind::Compatible;
    Migration { id: id.to_owned(), name: "more".to_owned(), digest: format!("sha256:{id}"), kind }
}

fn pod(job: &str, second: i64, message: Option<&str>) -> Pod {
    ended("", job, &Timestamp::from_second(second).unwrap().to_string(), message)
}

fn became(judged: Health, pods: &[Pod]) -> Schema {
    after(&SchemaStatus { resource: "api-db".to_owned(), ..SchemaStatus::default() }, &["0002"], judged, pods)
}

/// What a schema is after a try that was started for these.
fn after(before: &SchemaStatus, batch: &[&str], judged: Health, pods: &[Pod]) -> Schema {
    let steps: Vec<Migration> = batch.iter().map(|it| migration(it)).collect();
    let batch: Vec<&Migration> = steps.iter().collect();
    let has_run = |it: &&&Migration| before.applied.iter().any(|done| done.id == it.id);
    let pending: Vec<&Migration> = batch.iter().filter(|it| !has_run(it)).copied().collect();
    let tried = Try {
        job: "api-migrate-1",
        batch: &batch,
        pending: &pending,
        release_name: "api-2",
        now: Timestamp::UNIX_EPOCH,
    };
    outcome(before.clone(), &tried, judged, pods, &valid())
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

/// What is remembered of a schema after it failed, and what is said.
fn failed_with(before: &SchemaStatus, batch: &[&str], said: &[Pod]) -> (SchemaStatus, String) {
    match after(before, batch, Health::Failed("job failed".to_owned()), said) {
        Schema::Failed(schema, problem) => (schema, problem.message),
        _ => panic!("it failed"),
    }
}

fn ids(schema: &SchemaStatus) -> Vec<&str> {
    schema.applied.iter().map(|it| it.id.as_str()).collect()
}

#[test]
fn what_ran_of_a_set_that_failed_half_way_is_remembered() {
    let before = SchemaStatus { resource: "api-db".to_owned(), ..SchemaStatus::default() };
    let said =
        "{\"ran\": \"0002\"}\nerror: no such table\nLINE 1\n{\"failed\": \"0003\", \"why\": \"no such table\"}\n";
    let pods = [pod("api-migrate-1", 1, Some(said))];
    let all = ["0002", "0003", "0004"];
    let (schema, message) = failed_with(&before, &all, &pods);
    assert_eq!((ids(&schema), schema.failed_step.as_deref()), (vec!["0002"], Some("0003")));
    assert_eq!(message, "migration 0003 failed after 0002 ran: no such table");
    assert_eq!(failed_with(&schema, &all, &pods), (schema.clone(), message.clone()), "the next pass says the same");
    assert_eq!(failed_with(&schema, &all, &[]), (schema.clone(), message), "and so it does when the pod is gone");
    let other = SchemaStatus { job: Some("api-migrate-0".to_owned()), ..schema.clone() };
    let (silent, message) = failed_with(&other, &all, &[]);
    assert_eq!(
        (ids(&silent), silent.failed_step.as_deref()),
        (vec!["0002"], None),
        "what an earlier job said is its own"
    );
    assert_eq!(message, "migrations 0003, 0004 failed: job failed");
    match after(&schema, &all, Health::Healthy, &[]) {
        Schema::Fits(Some(it)) => {
            assert_eq!((ids(&it), &it.failed, &it.failed_step), (all.to_vec(), &None, &None), "tried again, it ran");
        }
        _ => panic!("it ran"),
    }
}

#[test]
fn a_program_that_says_nothing_ran_all_or_nothing() {
    let before = SchemaStatus { resource: "api-db".to_owned(), ..SchemaStatus::default() };
    let (schema, message) =
        failed_with(&before, &["0002", "0003"], &[pod("api-migrate-1", 1, Some("running 0002\nerror: no"))]);
    assert_eq!((ids(&schema), &schema.failed_step), (vec![], &None));
    assert_eq!(message, "migrations 0002, 0003 failed: error: no");
    let (schema, message) =
        failed_with(&before, &["0002", "0003"], &[pod("api-migrate-1", 1, Some("error: killed\n{\"ran\":\"0002\"}"))]);
    assert_eq!((ids(&schema), schema.failed_step.as_deref()), (vec!["0002"], Some("0003")));
    assert_eq!(message, "migration 0003 failed after 0002 ran: error: killed");
}
