use crate::why::fixtures::*;
use crate::why::{CauseKind, KeyNames};

const REASON: &str = "CreateContainerConfigError";

#[test]
fn a_missing_key_is_named_with_the_variable_that_needs_it() {
    let message = "couldn't find key password in secret shop--staging/my-api-db-connection";
    let sentence = "secret my-api-db-connection has no key \"password\", which variable DB_PASSWORD of container web is to come from";
    let mut seen = waiting(REASON, message);
    is(&seen, CauseKind::MissingSecretKey, sentence);
    is(&taken_back(&format!("container web waits, {REASON}: {message}"), &[]), CauseKind::MissingSecretKey, sentence);
    let keys = ["passwort", "username"].map(str::to_owned);
    seen.keys.push(KeyNames {
        kind: "Secret".to_owned(),
        name: "my-api-db-connection".to_owned(),
        keys: Some(keys.into()),
    });
    let cause = is(&seen.resource(true), CauseKind::MissingSecretKey, &format!("{sentence}; it has \"passwort\""));
    assert_eq!(cause.next_step.as_deref(), Some("platform resource show my-api-db --env=staging"));
}

#[test]
fn a_missing_secret_or_config_map_is_named() {
    for (message, sentence) in [
        (
            "secret \"my-api-db-connection\" not found",
            "there is no secret my-api-db-connection, which variable DB_PASSWORD of container web is to come from",
        ),
        ("configmap \"features\" not found", "there is no configmap features, which container web needs"),
    ] {
        is(&waiting(REASON, message), CauseKind::MissingSecretKey, sentence);
    }
    blames_nobody(&waiting(REASON, "the claim scratch is not bound"));
}
