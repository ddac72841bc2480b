use super::fixtures::*;
use super::*;

fn change(kind: &str, name: &str, second: i64) -> Change {
    Change {
        kind: kind.to_owned(),
        name: name.to_owned(),
        what: format!("somebody changed {name}"),
        by: "local:1000".to_owned(),
        when: Timestamp::from_second(second).unwrap(),
        event: second.to_string(),
    }
}

#[test]
fn what_changed_last_is_the_change_of_what_the_cause_is_about() {
    let mut seen = waiting("CreateContainerConfigError", "secret \"my-api-db-connection\" not found");
    assert_eq!(judge(&seen).changed, None);
    seen.changes = vec![
        change("ConfigMap", "other", 4),
        change("Delivery", "my-api", 3),
        change("Secret", "my-api-db-connection", 2),
        change("Secret", "my-api-db-connection", 1),
    ];
    assert_eq!(judge(&seen).changed.unwrap().event, "2");
    seen.changes.retain(|it| it.kind != "Secret");
    assert_eq!(judge(&seen).changed.unwrap().event, "3");
    seen.changes.remove(1);
    assert_eq!(judge(&seen).changed.unwrap().event, "4");
}

#[test]
fn no_password_stands_in_a_sentence_or_in_evidence() {
    let line = "cannot use postgres://app:s3cr3t@db:5432/app: password authentication failed for user \"app\"";
    let cause = judge(&exited(1, &[line]));
    let text = serde_json::to_string(&cause).unwrap();
    assert!(cause.kind == CauseKind::WrongDatabasePassword && !text.contains("s3cr3t"), "{text}");
}

#[test]
fn a_cause_is_told_to_programs_in_words_that_stay() {
    let cause = judge(
        &running(&["listening on 0.0.0.0:8081"])
            .event("Unhealthy", "Readiness probe failed: dial tcp 10.88.0.4:8080: Connection refused (os error 111)"),
    );
    let told = serde_json::to_value(&cause).unwrap();
    assert_eq!(told["kind"], "PortMismatch");
    assert_eq!(told["evidence"][0]["kind"], "log");
    assert_eq!(told["evidence"][0]["where"], "my-api-2-x/web");
    assert!(told["nextStep"].is_string() && told["fixedBy"] == "its team" && told.get("changed").is_none(), "{told}");
}

#[test]
fn what_serves_is_blamed_for_nothing_it_ever_printed() {
    let mut seen = exited(1, &["FATAL:  password authentication failed for user \"app\""]);
    seen.standing = Standing { ready: true, summary: "v2 serves".to_owned(), ..Standing::default() };
    let cause = judge(&seen);
    assert_eq!((cause.kind, cause.sentence.as_str(), cause.next_step), (CauseKind::Serving, "v2 serves", None));
}

#[test]
fn what_an_older_version_printed_is_no_evidence() {
    let mut seen = exited(1, &["FATAL:  password authentication failed for user \"app\""]);
    seen.instances[0].is_wanted = false;
    assert_eq!(blames_nobody(&seen).kind, CauseKind::Refused);
}
