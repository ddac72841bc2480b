use serde_json::json;

use super::*;

fn references() -> References {
    let map: ConfigMap = serde_json::from_value(json!({ "data": { "COLOUR": "blue", "SIZE": "5" } })).unwrap();
    let secret: Secret = serde_json::from_value(json!({ "data": { "password": "c2VjcmV0" } })).unwrap();
    References { config_maps: [("settings".to_owned(), map)].into(), secrets: [("keys".to_owned(), secret)].into() }
}

fn of(container: serde_json::Value) -> Result<BTreeMap<String, String>, Describe> {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "web-1", "namespace": "shop", "uid": "u-1", "labels": { "app": "web" } },
        "spec": { "nodeName": "here", "containers": [container] }
    }))
    .unwrap();
    let container = &pod.spec.as_ref().unwrap().containers[0];
    let place = Place { pod_ip: "10.244.0.7", host_ip: "10.244.0.1" };
    let image = [("LANG".to_owned(), "C".to_owned())];
    variables(&pod, container, &image, &references(), &place).map(|it| it.into_iter().collect())
}

#[test]
fn variables_come_from_image_maps_secrets_fields_and_each_other() {
    let found = of(json!({
        "name": "app",
        "resources": { "limits": { "memory": "64Mi", "cpu": "1500m" } },
        "envFrom": [
            { "prefix": "X_", "configMapRef": { "name": "settings" } },
            { "secretRef": { "name": "absent", "optional": true } }
        ],
        "env": [
            { "name": "PLAIN", "value": "a" },
            { "name": "BOTH", "value": "$(PLAIN)-$(X_COLOUR)-$(NOBODY)-$$(PLAIN)" },
            { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "password" } } },
            { "name": "MAYBE", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "no", "optional": true } } },
            { "name": "IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
            { "name": "APP", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['app']" } } },
            { "name": "MEMORY", "valueFrom": { "resourceFieldRef": { "resource": "limits.memory", "divisor": "1Mi" } } },
            { "name": "CPU", "valueFrom": { "resourceFieldRef": { "resource": "limits.cpu" } } }
        ]
    }))
    .unwrap();
    for (name, value) in [
        ("LANG", "C"),
        ("HOSTNAME", "web-1"),
        ("X_COLOUR", "blue"),
        ("X_SIZE", "5"),
        ("BOTH", "a-blue-$(NOBODY)-$(PLAIN)"),
        ("PASSWORD", "secret"),
        ("IP", "10.244.0.7"),
        ("APP", "web"),
        ("MEMORY", "64"),
        ("CPU", "2"),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(found.contains_key("PATH"));
    assert!(!found.contains_key("MAYBE"));
}

#[test]
fn what_is_missing_is_named() {
    for (env, message) in [
        (json!({ "configMapKeyRef": { "name": "absent", "key": "x" } }), "configmap \"absent\" not found"),
        (json!({ "secretKeyRef": { "name": "keys", "key": "x" } }), "couldn't find key x in secret shop/keys"),
        (
            json!({ "fieldRef": { "fieldPath": "spec.secrets" } }),
            "environment variable A: \"spec.secrets\" is not a field that can be read here",
        ),
    ] {
        let error = of(json!({ "name": "app", "env": [{ "name": "A", "valueFrom": env }] })).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}
