use fairway_api::v1alpha1::{Explanation, ResourceSpec, ResourceStatus};

use super::*;
use crate::delivery::validate::tests::valid;

fn need(kind: &str) -> BTreeMap<String, Need> {
    [("db".to_owned(), Need { r#type: kind.to_owned(), ..Need::default() })].into()
}

fn resource(status: Option<ResourceStatus>) -> BTreeMap<String, Resource> {
    let spec = ResourceSpec {
        class_name: "postgres".to_owned(),
        component_name: Some("api".to_owned()),
        ..ResourceSpec::default()
    };
    let mut it = Resource::new("api-db", spec);
    it.status = status;
    [("db".to_owned(), it)].into()
}

fn ready() -> ResourceStatus {
    ResourceStatus {
        secret_name: Some("api-db-connection".to_owned()),
        outputs: vec!["url".to_owned()],
        connection: Some("one".to_owned()),
        ..ResourceStatus::default()
    }
}

#[test]
fn what_is_not_ready_is_awaited_and_what_was_ready_once_is_bound() {
    let making = ResourceStatus {
        explanation: Explanation { summary: "its image is being built".to_owned(), ..Explanation::default() },
        ..ResourceStatus::default()
    };
    for (status, message) in [
        (None, "waits for resource api-db: it is being made"),
        (Some(making), "waits for resource api-db: its image is being built"),
    ] {
        match verdict(&need("postgres"), &resource(status), &valid()) {
            Provided::Waiting(it) => {
                assert_eq!(it.message, message);
                assert_eq!(it.next_step.as_deref(), Some("platform resource show api-db --env=staging"));
                assert!(!it.stalled);
            }
            _ => panic!("it is not there yet"),
        }
    }
    match verdict(&need("postgres"), &resource(Some(ready())), &valid()) {
        Provided::Ready(bound) => assert_eq!(bound["db"].secret_name, "api-db-connection"),
        _ => panic!("it is there"),
    }
}

#[test]
fn a_resource_of_another_class_or_component_is_not_taken_over() {
    let valid = valid();
    assert_eq!(taken(&need("postgres"), &resource(None), &valid), None);
    let other_class = taken(&need("redis"), &resource(None), &valid).unwrap();
    assert!(other_class.message.contains("is of class postgres, which does not change"), "{}", other_class.message);
    let mut there = resource(None);
    there.get_mut("db").unwrap().spec.component_name = Some("shop-api".to_owned());
    let others = taken(&need("postgres"), &there, &valid).unwrap();
    assert!(others.message.contains("is component shop-api's"), "{}", others.message);
}

#[test]
fn only_what_the_score_file_decides_is_written() {
    let delivery = Delivery::default();
    let wanted = Need { plan: Some("large".to_owned()), ..need("postgres")["db"].clone() };
    let it = object("api-db", &wanted, &delivery, &valid());
    assert_eq!(it["spec"], json!({ "className": "postgres", "componentName": "api", "plan": "large" }));
    let there = resource(None);
    assert!(differs(&there["db"], &wanted, &valid()));
    assert!(!differs(&there["db"], &need("postgres")["db"], &valid()), "an unchanged world is not written to");
}

#[test]
fn a_delivery_uses_what_it_used_until_what_is_wanted_serves() {
    let entry = |name: &str, connection: Option<&str>| BoundResource {
        name: name.to_owned(),
        connection: connection.map(str::to_owned),
    };
    let before = [entry("api-cache", Some("old")), entry("api-db", Some("one"))];
    let binding = Binding { connection: "two".to_owned(), ..Binding::default() };
    let wanted: Bindings = [("db".to_owned(), binding)].into();
    assert_eq!(used(&before, "api", &wanted, &[], false), before);
    assert_eq!(used(&before, "api", &wanted, &[], true), [entry("api-db", Some("two"))]);
    assert_eq!(used(&[], "api", &Bindings::new(), &["api-db".to_owned()], false), [entry("api-db", None)]);
    let mut held = used(&before, "api", &wanted, &[], false);
    told(&mut held, "api", &wanted);
    assert_eq!(
        held,
        [entry("api-cache", Some("old")), entry("api-db", Some("two"))],
        "the version before serves with it"
    );
}
