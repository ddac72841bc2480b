use fairway_plan::why::{CauseKind, Changed};

use super::*;

fn report(cause: Cause) -> WhyReport {
    WhyReport {
        project: "shop".to_owned(),
        component: "my-api".to_owned(),
        environment: "staging".to_owned(),
        cause,
        asked: Timestamp::from_second(190).unwrap(),
    }
}

fn cause() -> Cause {
    Cause {
        kind: CauseKind::WrongDatabasePassword,
        sentence: "the database refuses the password of user \"app\"".to_owned(),
        evidence: vec![Evidence {
            kind: Witness::Log,
            place: "my-api-x/web".to_owned(),
            text: "FATAL: no\u{1b}[31m".to_owned(),
        }],
        changed: Some(Changed {
            what: "local:0 changed secret my-api-db in staging".to_owned(),
            by: "local:0".to_owned(),
            when: Timestamp::from_second(100).unwrap(),
            event: "e1".to_owned(),
        }),
        mend: Some("rotate it".to_owned()),
        fixed_by: Some("its team".to_owned()),
        next_step: Some("platform restart my-api --env=staging".to_owned()),
    }
}

#[test]
fn the_cause_comes_first_and_then_what_says_so() {
    assert_eq!(
        crate::output::render(&report(cause()), crate::output::Format::Table).unwrap(),
        "my-api in staging: the database refuses the password of user \"app\"\n\
         next: platform restart my-api --env=staging\n\n\
         EVIDENCE  OF            SAYS\n\
         log       my-api-x/web  FATAL: no[31m\n\n\
         changed last: local:0 changed secret my-api-db in staging, 1m30s ago (event e1)\n\
         to mend it: rotate it\n\
         mended by: its team\n"
    );
}

#[test]
fn programs_get_the_same_words() {
    let told = serde_json::to_value(report(cause())).unwrap();
    assert_eq!(told["kind"], "WrongDatabasePassword");
    assert_eq!(told["changed"]["by"], "local:0");
    assert_eq!(told["evidence"][0]["where"], "my-api-x/web");
    assert!(told["sentence"].is_string() && told["environment"] == "staging" && told.get("asked").is_none());
}
