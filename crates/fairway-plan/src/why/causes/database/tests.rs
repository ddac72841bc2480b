use crate::why::CauseKind;
use crate::why::fixtures::*;

#[test]
fn a_database_that_does_not_answer_is_named() {
    for line in [
        "connection to server at \"my-api-db\" (10.96.0.12), port 5432 failed: Connection refused",
        "dial tcp 10.96.0.12:5432: connect: connection refused",
        "error connecting to server my-api-db:5432: Connection refused (os error 111)",
        "pg8000.exceptions.InterfaceError: Can't create a connection to host my-api-db and port 5432 (timeout is None)",
    ] {
        let mut seen = exited(1, &[line]);
        is(&seen, CauseKind::DatabaseDown, "database my-api-db does not answer");
        seen.services[2].endpoints = Some(0);
        let sentence = "database my-api-db does not answer: no instance of it is ready";
        let cause = is(&seen.resource(false), CauseKind::DatabaseDown, sentence);
        assert_eq!(cause.next_step.as_deref(), Some("platform resource show my-api-db --env=staging"));
        assert!(cause.evidence.iter().any(|it| it.place == "Resource my-api-db"), "{cause:#?}");
    }
}

#[test]
fn the_port_of_a_database_is_enough_where_nothing_else_is_known() {
    let line = "Error 111 connecting to cache:6379. Connection refused.";
    is(&exited(1, &[line]), CauseKind::DatabaseDown, "database cache does not answer");
}

#[test]
fn a_service_that_refuses_is_no_database() {
    blames_nobody(&exited(1, &["dial tcp 10.96.0.80:80: connect: connection refused"]));
    blames_nobody(&running(&["a client's request timed out"]));
}
