use fairway_api::v1alpha1::{ComponentSpec, ComponentStatus};

use super::*;

fn component(name: &str, r#type: ComponentType) -> Component {
    let mut it = Component::new(name, ComponentSpec { r#type, ..ComponentSpec::default() });
    it.metadata.namespace = Some("shop".to_owned());
    it
}

#[test]
fn only_services_and_workers_of_a_project_can_be_delivered() {
    assert!(validate(&component("api", ComponentType::Service), true).is_ok());
    assert!(validate(&component("api", ComponentType::Worker), true).is_ok());
    for (name, r#type, home, reason) in [
        ("a", ComponentType::Service, true, ComponentReason::InvalidName),
        ("api", ComponentType::Service, false, ComponentReason::ProjectNotFound),
        ("api", ComponentType::Cron, true, ComponentReason::TypeNotSupported),
    ] {
        assert_eq!(validate(&component(name, r#type), home).unwrap_err().0, reason);
    }
}

#[test]
fn the_status_names_the_newest_release_or_the_way_to_the_first() {
    let mut it = component("api", ComponentType::Service);
    let now = Timestamp::from_second(1).unwrap();
    assert_eq!(status(&it, Ok(()), None, now)["nextStep"], "platform deploy api");
    it.status = Some(ComponentStatus { latest_version: Some("v0.1.4".to_owned()), ..ComponentStatus::default() });
    assert_eq!(status(&it, Ok(()), None, now)["summary"], "its newest release is v0.1.4");
}
