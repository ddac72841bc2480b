use fairway_api::names::ANNOTATION_OWNER;
use fairway_api::v1alpha1::{EnvironmentSpec, ProjectSpec};

use super::*;

fn environment(name: &str, spec: EnvironmentSpec) -> Environment {
    let mut it = Environment::new(name, spec);
    it.metadata.namespace = Some("shop".to_owned());
    it
}

#[expect(clippy::option_option, reason = "no namespace, one without a mark, one with a mark")]
fn observed(namespace: Option<Option<&str>>) -> Observed {
    let namespace = namespace.map(|mark| Namespace {
        metadata: ObjectMeta {
            annotations: mark.map(|it| [(ANNOTATION_OWNER.to_owned(), it.to_owned())].into()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    });
    let project = Some(Project::new("shop", ProjectSpec::default()));
    Observed {
        project,
        members: Members::default(),
        namespace,
        source_exists: true,
        production: false,
        egress: Egress::default(),
    }
}

#[test]
fn an_environment_gets_the_namespace_of_project_and_name() {
    let it = validate(&environment("staging", EnvironmentSpec::default()), &observed(None)).unwrap();
    assert_eq!(it.namespace, "shop--staging");
}

#[test]
fn a_foreign_namespace_is_not_touched_unless_it_was_named() {
    let plain = environment("staging", EnvironmentSpec::default());
    assert_eq!(validate(&plain, &observed(Some(None))).unwrap_err().0, EnvironmentReason::NamespaceTaken);
    assert!(validate(&plain, &observed(Some(Some("Environment/shop/staging")))).is_ok());
    let spec = EnvironmentSpec { namespace: Some("legacy".to_owned()), ..EnvironmentSpec::default() };
    let adopting = environment("staging", spec);
    assert_eq!(validate(&adopting, &observed(Some(None))).unwrap().namespace, "legacy");
}

#[test]
fn the_namespace_of_an_environment_does_not_change_later() {
    let mut it = environment("staging", EnvironmentSpec::default());
    it.status = Some(EnvironmentStatus { namespace: Some("shop--staging".to_owned()), ..EnvironmentStatus::default() });
    it.spec.namespace = Some("elsewhere".to_owned());
    assert_eq!(validate(&it, &observed(None)).unwrap().namespace, "shop--staging");
}

#[test]
fn an_environment_outside_a_project_or_promoting_from_nowhere_says_so() {
    let it = environment(
        "production",
        EnvironmentSpec { promotes_from: Some("stagin".to_owned()), ..EnvironmentSpec::default() },
    );
    let mut seen = observed(None);
    seen.source_exists = false;
    let (reason, message) = validate(&it, &seen).unwrap_err();
    assert_eq!(reason, EnvironmentReason::PromotionSourceNotFound);
    assert!(message.contains("\"stagin\""), "{message}");
    seen.project = None;
    assert_eq!(validate(&it, &seen).unwrap_err().0, EnvironmentReason::ProjectNotFound);
}

#[test]
fn what_the_platform_could_not_do_is_told_and_its_namespace_stays_known() {
    let mut it = environment("staging", EnvironmentSpec::default());
    it.status = Some(EnvironmentStatus { namespace: Some("shop--staging".to_owned()), ..EnvironmentStatus::default() });
    let away = kube::Error::Api(kube::core::Status::failure("away", "ServiceUnavailable").with_code(503).boxed());
    let pass = Err(Error::Read { what: "the project", source: away });
    let said = status(&it, &pass, None, Timestamp::UNIX_EPOCH);
    assert_eq!(said.explanation.summary, "the platform could not read the project; it tries again");
    assert_eq!(said.namespace.as_deref(), Some("shop--staging"));
    assert!(said.conditions.iter().all(|it| it.reason == "ApplyFailed" && it.status == "False"));
}
