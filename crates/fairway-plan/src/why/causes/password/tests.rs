use crate::why::CauseKind;
use crate::why::fixtures::*;

#[test]
fn every_client_of_a_database_is_understood() {
    for (line, sentence) in [
        (
            "psycopg.OperationalError: connection failed: connection to server at \"10.96.0.12\", port 5432 failed: FATAL:  password authentication failed for user \"app\"",
            "database my-api-db refuses the password of user \"app\"",
        ),
        (
            "pg8000.exceptions.DatabaseError: {'S': 'FATAL', 'V': 'FATAL', 'C': '28P01', 'M': 'password authentication failed for user \"app\"', 'F': 'auth.c'}",
            "the database refuses the password of user \"app\"",
        ),
        (
            "Error: db error: FATAL: password authentication failed for user \"app_a\"",
            "the database refuses the password of user \"app_a\"",
        ),
        (
            "ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.1' (using password: YES)",
            "the database refuses the password of user \"app\"",
        ),
        (
            "redis.exceptions.AuthenticationError: WRONGPASS invalid username-password pair or user is disabled.",
            "the database refuses the password",
        ),
    ] {
        is(&exited(1, &["starting", line, "exit"]), CauseKind::WrongDatabasePassword, sentence);
        is(&running(&[line]), CauseKind::WrongDatabasePassword, sentence);
    }
}

#[test]
fn the_secret_that_the_password_came_from_is_evidence() {
    let line = "FATAL:  password authentication failed for user \"app\"";
    let cause = is(
        &exited(1, &[line]).resource(true),
        CauseKind::WrongDatabasePassword,
        "the database refuses the password of user \"app\"",
    );
    assert!(cause.evidence.iter().any(|it| it.place == "Secret my-api-db-connection"), "{cause:#?}");
    assert_eq!(cause.next_step.as_deref(), Some("platform resource rotate my-api-db --env=staging"));
}

#[test]
fn a_users_login_that_fails_is_not_the_databases() {
    blames_nobody(&exited(1, &["user bob entered a wrong password", "shutting down"]));
}
