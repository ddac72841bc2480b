use super::*;
use crate::Exit;

#[test]
fn a_confirmation_is_given_by_a_flag_or_by_somebody() {
    assert!(confirm(false, true, "Remove it?").is_ok());
    let failure = confirm(false, false, "Remove it?").unwrap_err();
    assert_eq!((failure.exit, failure.hint.as_deref()), (Exit::Refused, Some("say it with --yes")));
}

#[test]
fn without_a_platform_the_next_command_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let failure = local(&Home::new(folder.path())).unwrap_err();
    assert_eq!((failure.exit, failure.hint.as_deref()), (Exit::NotRunning, Some("platform up")));
}

#[test]
fn the_token_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let failure = connection(&Home::new(folder.path()), 7443).unwrap_err();
    assert!(failure.what.contains("admin.token"), "{}", failure.what);
}
