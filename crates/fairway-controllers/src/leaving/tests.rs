use super::*;

#[test]
fn what_is_awaited_and_what_failed_are_told() {
    let awaited = wanted("Deleting", Ok("its namespace goes first"));
    assert_eq!(explanation(&awaited).summary, "it is being removed; its namespace goes first");
    let refused = kube::Error::Api(kube::core::Status::failure("no", "Forbidden").with_code(403).boxed());
    let failed = wanted("Deleting", Err(&Error::Write { what: "the namespace", source: refused }));
    let expected = "it is being removed, and the platform could not write the namespace; it tries again";
    assert_eq!(explanation(&failed).summary, expected);
    assert!(failed.iter().all(|it| it.status == Some(false) && it.reason == "Deleting"));
}
