use fairway_api::v1alpha1::{ComponentSpec, ComponentStatus, ReleaseSpec, ReleaseStatus};

use super::*;

fn spec() -> ReleaseSpec {
    let (score, _) = score::parse(include_str!("../../../../examples/hello/score.yaml"));
    ReleaseSpec { component_name: "hello".to_owned(), workload: score.unwrap().workload, ..ReleaseSpec::default() }
}

fn release(spec: ReleaseSpec) -> Release {
    Release::new(&name(&spec), spec)
}

fn component(last_number: i64, latest: Option<&str>) -> Component {
    let mut it = Component::new("hello", ComponentSpec::default());
    let latest_version = latest.map(str::to_owned);
    it.status = Some(ComponentStatus { last_number, latest_version, ..ComponentStatus::default() });
    it
}

fn observed() -> Observed {
    Observed { component: Some(component(0, None)), siblings: Vec::new() }
}

#[test]
fn a_release_whose_name_does_not_follow_from_its_content_is_refused() {
    assert!(validate(&release(spec()), &observed()).is_ok());
    let mut changed = release(spec());
    changed.spec.config.entry("default".to_owned()).or_default().insert("A".to_owned(), "1".to_owned());
    assert_eq!(validate(&changed, &observed()).unwrap_err().0, ReleaseReason::DigestMismatch);
}

#[test]
fn a_release_needs_its_component_and_a_workload_that_can_be_rendered() {
    let orphan = Observed { component: None, siblings: Vec::new() };
    assert_eq!(validate(&release(spec()), &orphan).unwrap_err().0, ReleaseReason::ComponentNotFound);
    let mut broken = spec();
    broken.workload.remove("containers");
    let (reason, message) = validate(&release(broken), &observed()).unwrap_err();
    assert_eq!(reason, ReleaseReason::InvalidWorkload);
    assert!(message.contains("containers"), "{message}");
}

#[test]
fn numbers_and_versions_go_up_and_a_gap_is_not_filled() {
    let next = |component: &Component| next(&release(spec()), component, &[]);
    assert_eq!(next(&component(0, None)), Identity { version: "v0.1.0".to_owned(), number: 1 });
    assert_eq!(next(&component(7, Some("v1.4.2"))), Identity { version: "v1.4.3".to_owned(), number: 8 });
}

#[test]
fn a_number_that_was_taken_and_never_said_is_taken_again_by_the_same_release_alone() {
    let mut component = component(7, Some("v1.4.2"));
    let it = release(spec());
    component.status.as_mut().unwrap().latest_release_name = it.metadata.name.clone();
    assert_eq!(next(&it, &component, &[]), Identity { version: "v1.4.2".to_owned(), number: 7 });
    let mut tagged = it.clone();
    tagged.spec.version = Some("v2.0.0".to_owned());
    assert_eq!(next(&tagged, &component, &[]), Identity { version: "v2.0.0".to_owned(), number: 8 });
    component.status.as_mut().unwrap().latest_release_name = Some("another".to_owned());
    assert_eq!(next(&it, &component, &[]).number, 8);
}

#[test]
fn a_tag_that_another_release_has_is_refused_and_ones_own_is_kept() {
    let tagged = ReleaseSpec { version: Some("v2.0.0".to_owned()), ..spec() };
    let mut other = release(ReleaseSpec { version: Some("v2.0.0".to_owned()), ..spec() });
    other.status =
        Some(ReleaseStatus { version: Some("v2.0.0".to_owned()), number: Some(1), ..ReleaseStatus::default() });
    let mut seen = observed();
    seen.siblings = vec![other.clone()];
    assert_eq!(validate(&release(tagged), &seen).unwrap_err().0, ReleaseReason::VersionTaken);
    assert!(validate(&other, &seen).is_ok());
}
