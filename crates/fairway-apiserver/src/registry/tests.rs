use super::*;
use crate::kinds;

fn registry() -> Registry {
    Registry::new(kinds::builtin().into_iter().map(|it| Arc::new(Served::new(it))).collect(), Definitions::new())
}

fn json(document: &Document) -> serde_json::Value {
    serde_json::from_slice(&document.body).unwrap()
}

#[test]
fn versions_stand_in_the_order_of_their_trust() {
    let mut versions = ["v1alpha1", "v2", "v1", "v1beta2", "v10", "foo", "v1beta10"];
    versions.sort_by_key(|it| version_rank(it));
    assert_eq!(versions, ["v10", "v2", "v1", "v1beta10", "v1beta2", "v1alpha1", "foo"]);
}

#[test]
fn both_forms_of_discovery_name_the_same_resources() {
    let registry = registry();
    let documents = registry.discovery();
    let apps = json(&documents.resource_lists[&("apps".into(), "v1".into())]);
    let rows: Vec<&str> = apps["resources"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(rows.contains(&"deployments") && rows.contains(&"deployments/scale"), "{rows:?}");
    let scale = apps["resources"].as_array().unwrap().iter().find(|it| it["name"] == "deployments/scale").unwrap();
    assert_eq!((&scale["group"], &scale["kind"]), (&"autoscaling".into(), &"Scale".into()));
    let groups = json(&documents.aggregated_groups);
    let apps = groups["items"].as_array().unwrap().iter().find(|it| it["metadata"]["name"] == "apps").unwrap();
    let resources = apps["versions"][0]["resources"].as_array().unwrap();
    assert!(resources.iter().any(|it| it["resource"] == "deployments" && it["responseKind"]["kind"] == "Deployment"));
}

/// `kubectl create` and `apply` look for it before they send anything.
#[test]
fn trap_2_the_patch_of_every_kind_has_the_parameter_field_validation() {
    let registry = registry();
    let documents = registry.openapi();
    let index = json(&documents.index);
    let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    assert!(url.ends_with(documents.hash("apis/apps/v1").unwrap()));
    let text = documents.render("apis/apps/v1", "v1.34.0").unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    assert!(patch["parameters"].as_array().unwrap().iter().any(|it| it["name"] == "fieldValidation"));
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is referred to and not there");
    }
}

/// Clients older than version 3 look here, and newer ones for kinds that they do not find there.
#[test]
fn version_2_has_the_patches_of_all_kinds_in_one_document() {
    let registry = registry();
    let document = registry.openapi().render_v2("v1.34.0");
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    let parameters = patch["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|it| it["name"] == "fieldValidation" && it["type"] == "string"), "{parameters:?}");
    let text = document.to_string();
    assert!(!text.contains("#/components/"));
    for reference in text.split("#/definitions/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["definitions"].get(name).is_some(), "{name} is referred to and not there");
    }
    assert!(encode_v2(&document).len() > 100_000);
}
