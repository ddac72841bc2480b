use fairway_schema::{ListType, Type};

use super::*;

fn find(group: &str, plural: &str) -> crate::Resource {
    builtin().into_iter().find(|it| &*it.group == group && &*it.plural == plural).expect("a built-in resource")
}

#[test]
fn every_resource_has_a_schema_that_compiles() {
    for it in builtin() {
        assert!(it.schema.properties.contains_key("metadata"), "{} has no metadata", it.plural);
        assert_eq!(it.schema.r#type, Type::Object, "{}", it.plural);
    }
}

#[test]
fn every_component_compiles_and_everything_it_refers_to_exists() {
    let roots = builtin().into_iter().filter_map(|it| schema_name(&it.group, &it.version, &it.kind));
    let names: Vec<&str> = component_names(roots);
    assert!(names.contains(&"io.k8s.api.core.v1.PodSpec"), "{names:?}");
    for name in names {
        let _ = component(name).expect("a component").r#type;
    }
}

#[test]
fn a_property_keeps_what_is_said_beside_its_reference() {
    let pods = find("", "pods");
    let containers = &pods.schema.properties["spec"].properties["containers"];
    assert_eq!(containers.list_type, ListType::Map);
    assert_eq!(&*containers.list_map_keys[0], "name");
    assert_eq!(containers.patch_merge_key.as_deref(), Some("name"));
    let container = containers.items.as_ref().expect("items");
    let ports = container.properties["ports"].items.as_ref().expect("items");
    assert_eq!(ports.properties["protocol"].default, Some("TCP".into()));
    let limits = &container.properties["resources"].properties["limits"];
    let fairway_schema::Additional::Of(quantity) = &limits.additional else { panic!("limits is a map") };
    assert_eq!(quantity.format.as_deref(), Some("quantity"));
}

#[test]
fn a_schema_that_contains_itself_compiles() {
    let crds = find("apiextensions.k8s.io", "customresourcedefinitions");
    let version = crds.schema.properties["spec"].properties["versions"].items.clone().expect("items");
    let schema = &version.properties["schema"].properties["openAPIV3Schema"];
    assert_eq!(schema.properties["not"].properties["not"].properties["type"].r#type, Type::String);
}

#[test]
fn subresources_say_the_kind_they_speak() {
    let deployments = find("apps", "deployments");
    let scale = deployments.subresources.iter().find(|it| &*it.name == "scale").expect("scale");
    assert_eq!((&*scale.group, &*scale.version, &*scale.kind), ("autoscaling", "v1", "Scale"));
    let status = deployments.subresources.iter().find(|it| &*it.name == "status").expect("status");
    assert_eq!((&*status.group, &*status.version, &*status.kind), ("apps", "v1", "Deployment"));
}

#[test]
fn both_groups_of_events_are_kept_in_one_place() {
    assert_eq!(&*find("", "events").storage, "core/events");
    assert_eq!(&*find("events.k8s.io", "events").storage, "core/events");
}
