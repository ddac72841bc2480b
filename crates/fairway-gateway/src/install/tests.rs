use super::*;
use crate::route;

#[test]
fn the_definitions_are_those_of_the_resources_that_are_read() {
    for (text, resource) in DEFINITIONS.into_iter().zip([route::http_routes(), route::gateways()]) {
        let definition: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(definition["metadata"]["name"], format!("{}.{}", resource.plural, resource.group));
        let version = &definition["spec"]["versions"][0];
        assert_eq!(
            (&definition["spec"]["names"]["kind"], &version["name"]),
            (&json!(resource.kind), &json!(resource.version))
        );
        assert_eq!(version["subresources"]["status"], json!({}), "status is written apart");
    }
}

#[test]
fn every_field_that_is_read_is_in_the_definition() {
    let definition: Value = serde_saphyr::from_str(DEFINITIONS[0]).unwrap();
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    let rule = &spec["rules"]["items"]["properties"];
    let fields = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(fields(spec), "hostnames parentRefs rules");
    assert_eq!(fields(rule), "backendRefs filters matches name timeouts");
    assert_eq!(fields(&rule["matches"]["items"]["properties"]), "headers method path queryParams");
    assert_eq!(fields(&rule["backendRefs"]["items"]["properties"]), "filters group kind name namespace port weight");
    assert_eq!(fields(&rule["timeouts"]["properties"]), "backendRequest request");
}

#[test]
fn an_open_gateway_has_one_listener_for_all() {
    let name = Named { namespace: "infra".into(), name: "edge".into() };
    let object = serde_json::from_value(open_gateway(&name, "example", 7080)).unwrap();
    let listeners = route::listeners(&object).unwrap();
    assert_eq!((listeners.len(), listeners[0].port), (1, 7080));
    assert_eq!(listeners[0].allowed_routes.namespaces.from.as_deref(), Some("All"));
}
