use fairway_api::conditions::is_true;

use super::*;

#[test]
fn a_class_of_the_platform_can_be_used_and_says_what_can_be_had() {
    for class in resource::builtin() {
        let first = status(&class, validate(&class), Timestamp::UNIX_EPOCH);
        assert!(is_true(&first.conditions, READY), "{:?}", first.findings);
        let again = ResourceClass { status: Some(first.clone()), ..class };
        assert_eq!(status(&again, validate(&again), Timestamp::MAX), first, "an unchanged world, an equal status");
    }
}

#[test]
fn a_class_whose_manifests_do_not_parse_says_on_which_line() {
    let mut class = resource::builtin().remove(0);
    class.spec.manifests = "apiVersion: v1\nkind: {{ nothing.here }}\n".to_owned();
    let status = status(&class, validate(&class), Timestamp::UNIX_EPOCH);
    assert!(!is_true(&status.conditions, READY) && is_true(&status.conditions, STALLED));
    assert!(status.findings[0].place == "spec.manifests:2", "{:?}", status.findings);
    assert!(status.explanation.summary.starts_with("it has mistakes: spec.manifests:2: \"nothing\" is not known"));
}

#[test]
fn a_class_whose_name_nobody_could_write_is_refused() {
    let mut class = resource::builtin().remove(0);
    class.metadata.name = Some("kube-postgres".to_owned());
    assert_eq!(validate(&class).reason, ResourceClassReason::InvalidName);
}
