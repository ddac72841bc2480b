use serde_json::{Value, json};

use crate::kinds::{builtin, normalize};

fn normalized(plural: &str, mut object: Value) -> Result<Value, String> {
    let resource = builtin().into_iter().find(|it| &*it.plural == plural).expect("a resource");
    normalize(&resource, &mut object).map(|()| object)
}

#[test]
fn nulls_empty_collections_and_unknown_fields_vanish_but_empty_structs_stay() {
    let given = json!({
        "metadata": { "name": "a", "labels": {}, "creationTimestamp": null }, "nope": 1,
        "spec": { "containers": [{ "name": "c", "args": [], "resources": { "limits": {} }, "nope": {} }],
                  "securityContext": {}, "volumes": [{ "name": "v", "emptyDir": {} }], "nodeSelector": null },
    });
    let expected = json!({
        "metadata": { "name": "a" },
        "spec": { "containers": [{ "name": "c", "resources": {} }],
                  "securityContext": {}, "volumes": [{ "name": "v", "emptyDir": {} }] },
    });
    assert_eq!(normalized("pods", given), Ok(expected));
}

#[test]
fn quantities_and_times_take_their_canonical_form() {
    let limits = |value: Value| {
        let spec = json!({ "containers": [{ "resources": { "limits": { "cpu": value } } }] });
        normalized("pods", json!({ "spec": spec }))
            .map(|it| it["spec"]["containers"][0]["resources"]["limits"]["cpu"].clone())
    };
    assert_eq!(limits(json!("1000m")), Ok(json!("1")));
    assert_eq!(limits(json!(0.5)), Ok(json!("500m")));
    assert_eq!(limits(json!("1024Mi")), Ok(json!("1Gi")));
    assert!(limits(json!("1x")).is_err() && limits(json!(true)).is_err());
    let lease = json!({ "spec": { "renewTime": "2026-01-01T01:00:00.5+01:00" }, "metadata": { "deletionTimestamp": "2026-01-01T01:00:00.5+01:00" } });
    let lease = normalized("leases", lease).expect("well formed");
    assert_eq!(lease["spec"]["renewTime"], "2026-01-01T00:00:00.500000Z");
    assert_eq!(lease["metadata"]["deletionTimestamp"], "2026-01-01T00:00:00Z");
    assert!(
        normalized("leases", json!({ "spec": { "renewTime": "soon" } }))
            .unwrap_err()
            .starts_with("parsing time \"soon\"")
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused_in_the_words_of_go() {
    let table = [
        (
            "configmaps",
            json!({ "data": { "a": 5 } }),
            "cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            "configmaps",
            json!({ "data": [] }),
            "cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string",
        ),
        (
            "deployments",
            json!({ "spec": { "replicas": "x" } }),
            "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "deployments",
            json!({ "spec": { "replicas": 1.5 } }),
            "cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "deployments",
            json!({ "spec": { "replicas": 3_000_000_000_i64 } }),
            "cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "pods",
            json!({ "spec": { "containers": {} } }),
            "cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "pods",
            json!({ "spec": { "containers": [{ "name": true }] } }),
            "cannot unmarshal bool into Go struct field Container.spec.containers.name of type string",
        ),
        ("pods", json!({ "spec": 1 }), "cannot unmarshal number into Go struct field Pod.spec of type v1.PodSpec"),
        ("pods", json!([]), "cannot unmarshal array into Go value of type v1.Pod"),
    ];
    for (plural, object, expected) in table {
        assert_eq!(normalized(plural, object.clone()), Err(format!("json: {expected}")), "{object}");
    }
    assert_eq!(
        normalized("secrets", json!({ "data": { "a": "not base64" } })),
        Err("illegal base64 data at input byte 3".to_owned())
    );
}

#[test]
fn what_has_no_structure_is_left_as_it_is() {
    let schema = json!({ "type": "object", "properties": { "a": { "default": null, "x-unknown": 1 } } });
    let version = json!({ "name": "v1", "schema": { "openAPIV3Schema": schema } });
    let given = json!({ "spec": { "versions": [version] } });
    let kept = normalized("customresourcedefinitions", given).expect("well formed");
    assert!(kept["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["a"].is_object());
}
