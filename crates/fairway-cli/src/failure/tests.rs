use super::*;

fn status(code: u16) -> ApiError {
    let status = kube::core::Status { code, message: "it says why".to_owned(), ..kube::core::Status::default() };
    ApiError::Api(Box::new(status))
}

#[test]
fn answers_of_the_api_have_the_exit_codes_that_are_documented() {
    for (code, exit) in [
        (401, Exit::Refused),
        (403, Exit::Refused),
        (404, Exit::NotFound),
        (409, Exit::Failed),
        (422, Exit::Failed),
        (500, Exit::Failed),
        (503, Exit::NotRunning),
    ] {
        let failure = Failure::api("read it")(status(code));
        assert_eq!(failure.exit, exit, "{code}");
        assert_eq!(failure.what, "cannot read it: it says why");
    }
}

#[test]
fn a_platform_that_does_not_answer_is_not_running() {
    let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused");
    let failure = Failure::api("read it")(ApiError::Service(Box::new(refused)));
    assert_eq!((failure.exit, failure.hint.as_deref()), (Exit::NotRunning, Some("platform up")));
    assert!(failure.what.ends_with("(connection refused)"), "{}", failure.what);
}

#[test]
fn codes_are_their_place_in_the_list() {
    for (index, (exit, _)) in Exit::ALL.iter().enumerate() {
        assert_eq!(usize::from(exit.code()), index);
    }
}

#[test]
fn a_program_gets_everything() {
    let failure = Failure::not_ready("v2 was refused").hint("platform logs").data("buildMs", 7);
    let json = failure.to_json();
    assert_eq!((&json["error"], &json["exitCode"], &json["buildMs"]), (&json!("v2 was refused"), &json!(5), &json!(7)));
}
