use fairway_api::v1alpha1::ResourceSpec;

use super::*;

fn resource(name: &str, component: Option<&str>) -> Resource {
    Resource::new(name, ResourceSpec { component_name: component.map(str::to_owned), ..ResourceSpec::default() })
}

fn wanted(component: Option<&str>, resource: Option<&str>) -> Wanted {
    Wanted { component: component.map(str::to_owned), resource: resource.map(str::to_owned) }
}

#[test]
fn a_database_is_that_of_a_service_or_the_one_that_is_named_in_full_or_as_the_service_calls_it() {
    let (own, other) = (resource("my-api-db", Some("my-api")), resource("my-api-reports", None));
    for (component, name, is_own, is_other) in [
        (Some("my-api"), None, true, false),
        (Some("my-api"), Some("db"), true, false),
        (Some("my-api"), Some("my-api-db"), true, false),
        (None, Some("my-api-db"), true, false),
        (None, Some("db"), false, false),
        (Some("my-api"), Some("reports"), false, true),
        (Some("shop"), None, false, false),
        (None, None, false, false),
    ] {
        let wanted = wanted(component, name);
        assert_eq!((wanted.is(&own), wanted.is(&other)), (is_own, is_other), "{wanted:?}");
    }
}

#[test]
fn dumps_of_what_was_removed_are_found_by_the_name_it_had() {
    assert!(wanted(Some("my-api"), None).was("my-api-db"));
    assert!(!wanted(Some("my"), Some("cache")).was("my-api-db"));
    assert!(!wanted(Some("api"), None).was("my-api-db"));
    assert!(wanted(None, Some("my-api-db")).was("my-api-db"));
    assert!(!wanted(None, None).was("my-api-db"));
}
