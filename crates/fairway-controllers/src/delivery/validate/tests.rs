use fairway_api::conditions::{Wanted, merge};
use fairway_api::v1alpha1::{
    Component, ComponentRepository, ComponentSpec, ComponentStatus, DeliverySpec, Environment, EnvironmentSpec,
    ReleaseSpec, ReleaseStatus, Tier,
};
use jiff::Timestamp;

use super::*;

/// A wish that can be carried out, for the tests of what comes after.
pub(in crate::delivery) fn valid() -> Valid {
    Valid {
        project: ProjectName::parse("shop").unwrap(),
        environment: EnvironmentName::parse("staging").unwrap(),
        component: ComponentName::parse("api").unwrap(),
        namespace: "shop--staging".to_owned(),
        release: Release::new("r", ReleaseSpec::default()),
        replicas: 2,
        restart: None,
        hosted: false,
    }
}

fn release(uncommitted: bool, proven: &[&str]) -> Release {
    let mut spec = ReleaseSpec { component_name: "api".to_owned(), ..ReleaseSpec::default() };
    spec.source.uncommitted = uncommitted;
    let mut it = Release::new("api-0123456789", spec);
    let ready = [Wanted::yes(READY, "Deliverable", "it can be delivered")];
    it.status = Some(ReleaseStatus {
        version: Some("v0.1.0".to_owned()),
        proven_in: proven.iter().map(|it| (*it).to_owned()).collect(),
        conditions: merge(&[], &ready, None, Timestamp::UNIX_EPOCH),
        ..ReleaseStatus::default()
    });
    it
}

fn observed(environment: &str, tier: Tier, from: Option<&str>, release: Option<Release>) -> Observed {
    let spec = EnvironmentSpec { tier, promotes_from: from.map(str::to_owned), namespace: None };
    Observed {
        place: Some(("shop".to_owned(), environment.to_owned())),
        environment: Some(Environment::new(environment, spec)),
        component: Some(Component::new("api", ComponentSpec::default())),
        release,
    }
}

fn judged(observed: &Observed) -> Result<Valid, Problem> {
    let spec = DeliverySpec { release_name: "api-0123456789".to_owned(), ..DeliverySpec::default() };
    let mut it = Delivery::new("api", spec);
    it.metadata.namespace = Some("shop--x".to_owned());
    validate(&it, observed)
}

fn reason(observed: &Observed) -> DeliveryReason {
    judged(observed).err().expect("a problem").reason
}

#[test]
fn a_committed_release_goes_to_staging_and_after_that_to_production() {
    assert!(judged(&observed("staging", Tier::Staging, None, Some(release(false, &[])))).is_ok());
    let early = observed("production", Tier::Production, Some("staging"), Some(release(false, &[])));
    let problem = judged(&early).err().unwrap();
    assert_eq!(problem.reason, DeliveryReason::NotProven);
    assert_eq!(problem.next_step.as_deref(), Some("platform deploy api --env=staging"));
    let proven = observed("production", Tier::Production, Some("staging"), Some(release(false, &["staging"])));
    assert!(judged(&proven).is_ok());
}

#[test]
fn uncommitted_changes_stay_in_development_and_staging() {
    for (tier, allowed) in
        [(Tier::Development, true), (Tier::Staging, true), (Tier::Preview, false), (Tier::Production, false)]
    {
        let it = observed("x", tier, None, Some(release(true, &[])));
        assert_eq!(judged(&it).is_ok(), allowed, "{tier:?}");
    }
}

#[test]
fn each_missing_part_has_its_reason() {
    let mut nowhere = observed("staging", Tier::Staging, None, Some(release(false, &[])));
    nowhere.place = None;
    assert_eq!(reason(&nowhere), DeliveryReason::EnvironmentNotFound);
    assert_eq!(reason(&observed("staging", Tier::Staging, None, None)), DeliveryReason::ReleaseNotFound);
    let mut orphan = observed("staging", Tier::Staging, None, Some(release(false, &[])));
    orphan.component = None;
    assert_eq!(reason(&orphan), DeliveryReason::WrongComponent);
    let mut other = release(false, &[]);
    other.spec.component_name = "else".to_owned();
    assert_eq!(reason(&observed("staging", Tier::Staging, None, Some(other))), DeliveryReason::WrongComponent);
    let mut unchecked = release(false, &[]);
    unchecked.status = None;
    assert_eq!(reason(&observed("staging", Tier::Staging, None, Some(unchecked))), DeliveryReason::ReleaseNotReady);
}

#[test]
fn how_another_version_gets_there_follows_from_where_its_source_lies() {
    let mut it = observed("staging", Tier::Staging, None, Some(release(false, &[])));
    assert_eq!(judged(&it).ok().unwrap().deliver(), "platform deploy api --env=staging");
    let repository = Some(ComponentRepository::default());
    it.component.as_mut().unwrap().status = Some(ComponentStatus { repository, ..ComponentStatus::default() });
    assert_eq!(judged(&it).ok().unwrap().deliver(), "commit, and git push");
}
