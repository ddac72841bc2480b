use crate::why::fixtures::*;
use crate::why::{CauseKind, Migration};

#[test]
fn a_failed_migration_is_told_by_its_last_line() {
    let mut seen = nothing();
    seen.migration = Some(Migration {
        job: "Job my-api-migrate-3f2".to_owned(),
        failed: true,
        message: "BackoffLimitExceeded: Job has reached the specified backoff limit".to_owned(),
        lines: ["applying 0002_totals", "ERROR:  column \"total\" does not exist", ""].map(str::to_owned).to_vec(),
    });
    let sentence = "a migration failed: ERROR:  column \"total\" does not exist; v1 goes on serving";
    let cause = is(&seen, CauseKind::FailedMigration, sentence);
    assert_eq!(cause.next_step.as_deref(), Some("platform logs my-api --env=staging --migration"));
    assert!(cause.evidence.iter().any(|it| it.text.contains("BackoffLimitExceeded")));
    seen.migration.as_mut().unwrap().failed = false;
    blames_nobody(&seen);
}

#[test]
fn one_whose_program_says_why_is_told_by_that() {
    let mut seen = nothing();
    let lines = [
        "error: relation \"t\" does not exist",
        "LINE 1: ALTER TABLE t",
        "                    ^",
        "{\"failed\": \"0002\", \"why\": \"relation \\\"t\\\" does not exist LINE 1: ALTER TABLE t ^\"}",
    ];
    seen.migration = Some(Migration {
        job: "Job my-api-migrate-3f2".to_owned(),
        failed: true,
        message: "relation \"t\" does not exist LINE 1: ALTER TABLE t ^".to_owned(),
        lines: lines.map(str::to_owned).to_vec(),
    });
    let sentence = "a migration failed: relation \"t\" does not exist LINE 1: ALTER TABLE t ^; v1 goes on serving";
    let cause = is(&seen, CauseKind::FailedMigration, sentence);
    assert!(cause.evidence.iter().all(|it| !it.text.contains('{')), "{:?}", cause.evidence);
}
