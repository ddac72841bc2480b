use serde_json::{Value, json};

use super::*;

fn of(volume: Value) -> Result<Option<Files>, Fill> {
    let map: ConfigMap = serde_json::from_value(json!({ "data": { "a.yaml": "a: 1", "b": "2" } })).unwrap();
    let secret: Secret = serde_json::from_value(json!({ "data": { "key": "AAE=" } })).unwrap();
    let references = References {
        config_maps: [("settings".to_owned(), map)].into(),
        secrets: [("keys".to_owned(), secret)].into(),
    };
    let mut named = json!({ "name": "v" });
    named.as_object_mut().unwrap().extend(volume.as_object().unwrap().clone());
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "web" } },
        "spec": { "serviceAccountName": "me", "containers": [], "volumes": [named] }
    }))
    .unwrap();
    let place = Place { pod_ip: "10.244.0.7", host_ip: "10.244.0.1" };
    files(&pod, &pod.spec.as_ref().unwrap().volumes.as_ref().unwrap()[0], &references, &place, Some("token"))
}

fn text(files: &Files, path: &str) -> String {
    String::from_utf8_lossy(&files[path].0).into_owned()
}

#[test]
fn volumes_hold_what_their_sources_say() {
    let all = of(json!({ "configMap": { "name": "settings" } })).unwrap().unwrap();
    assert_eq!((text(&all, "a.yaml").as_str(), all["b"].1), ("a: 1", 0o644));
    let picked = of(json!({ "configMap": {
        "name": "settings", "defaultMode": 0o400, "items": [{ "key": "b", "path": "deep/c" }] } }));
    let picked = picked.unwrap().unwrap();
    assert_eq!(picked.keys().collect::<Vec<_>>(), ["deep/c"]);
    assert_eq!(picked["deep/c"].1, 0o400);
    assert_eq!(of(json!({ "secret": { "secretName": "keys" } })).unwrap().unwrap()["key"].0, [0, 1]);
    assert!(of(json!({ "secret": { "secretName": "no", "optional": true } })).unwrap().unwrap().is_empty());
    assert!(of(json!({ "emptyDir": {} })).unwrap().is_none());
    let projected = of(json!({ "projected": { "sources": [
        { "serviceAccountToken": { "path": "token" } },
        { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } }] } }
    ] } }));
    let projected = projected.unwrap().unwrap();
    assert_eq!((text(&projected, "token").as_str(), text(&projected, "namespace").as_str()), ("token", "shop"));
}

#[test]
fn what_is_missing_or_leads_out_is_said() {
    for (volume, expected) in [
        (json!({ "configMap": { "name": "no" } }), "volume \"v\" : configmap \"no\" not found"),
        (json!({ "secret": { "secretName": "no" } }), "volume \"v\" : secret \"no\" not found"),
        (
            json!({ "configMap": { "name": "settings", "items": [{ "key": "b", "path": "../out" }] } }),
            "\"../out\" is not a path inside the volume",
        ),
        (
            json!({ "configMap": { "name": "settings", "items": [{ "key": "b", "path": "/etc/x" }] } }),
            "\"/etc/x\" is not a path inside the volume",
        ),
    ] {
        let error = of(volume).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn a_volume_follows_its_source_and_keeps_what_did_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = |text: &str| (text.as_bytes().to_vec(), 0o640);
    let first: Files = [("a".to_owned(), file("1")), ("deep/b".to_owned(), file("2"))].into();
    write(folder.path(), &first).unwrap();
    assert_eq!(fs::metadata(folder.path().join("a")).unwrap().permissions().mode() & 0o777, 0o640);
    let second: Files = [("a".to_owned(), file("3"))].into();
    write(folder.path(), &second).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "3");
    assert!(!folder.path().join("deep/b").exists());
}
