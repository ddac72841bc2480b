use fairway_api::v1alpha1::{ReleaseSpec, ReleaseStatus, Tier};

use super::*;

fn release(uncommitted: bool, proven: &[&str]) -> Release {
    let mut spec = ReleaseSpec { component_name: "api".to_owned(), ..ReleaseSpec::default() };
    spec.source.uncommitted = uncommitted;
    let mut it = Release::new("api-0123456789", spec);
    let proven_in = proven.iter().map(|it| (*it).to_owned()).collect();
    it.status = Some(ReleaseStatus { version: Some("v0.1.0".to_owned()), proven_in, ..ReleaseStatus::default() });
    it
}

#[test]
fn only_what_is_committed_and_proven_comes_to_production() {
    let spec = |tier, from: Option<&str>| EnvironmentSpec {
        tier,
        promotes_from: from.map(str::to_owned),
        ..EnvironmentSpec::default()
    };
    let production = spec(Tier::Production, Some("staging"));
    for (environment, uncommitted, proven, expected) in [
        (&spec(Tier::Staging, None), true, &[][..], None),
        (&spec(Tier::Production, None), false, &[], None),
        (&spec(Tier::Production, None), true, &[], Some(DeliveryReason::UncommittedNotAllowed)),
        (&production, false, &[], Some(DeliveryReason::NotProven)),
        (&production, false, &["development"], Some(DeliveryReason::NotProven)),
        (&production, false, &["staging"], None),
        // What served here once may come back, whatever became of the place before.
        (&production, false, &["production"], None),
        (&production, true, &["staging"], Some(DeliveryReason::UncommittedNotAllowed)),
    ] {
        let name = EnvironmentName::parse("production").unwrap();
        let found = refusal(&name, environment, &release(uncommitted, proven));
        assert_eq!(found.map(|it| it.reason), expected, "{uncommitted} {proven:?}");
    }
}

#[test]
fn a_refusal_says_what_and_the_way_out() {
    let spec = EnvironmentSpec { promotes_from: Some("staging".to_owned()), ..EnvironmentSpec::default() };
    let name = EnvironmentName::parse("production").unwrap();
    let found = refusal(&name, &spec, &release(false, &[])).unwrap();
    assert_eq!(found.message, "v0.1.0 has not been healthy in staging yet, and production takes only what was");
    assert_eq!(found.next_step, "platform deploy api --env=staging");
    for (from, expected) in [(Some("testing"), "testing"), (None, "production")] {
        let promotes_from = from.map(str::to_owned);
        let spec = EnvironmentSpec { tier: Tier::Production, promotes_from, ..EnvironmentSpec::default() };
        let found = refusal(&name, &spec, &release(true, &[])).unwrap();
        assert_eq!(found.next_step, format!("git commit, then platform deploy api --env={expected}"));
    }
}
