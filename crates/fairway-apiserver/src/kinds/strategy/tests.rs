use serde_json::{Value, json};

use crate::kinds::{builtin, prepare_create, prepare_update, service_account};
use crate::{Origin, Resource};

fn resource(plural: &str) -> Resource {
    builtin().into_iter().find(|it| &*it.plural == plural).expect("a resource")
}

fn custom() -> Resource {
    Resource {
        origin: Origin::Custom { crd: "ws.x.test".into() },
        storage: "x.test/ws".into(),
        ..resource("deployments")
    }
}

fn object(generation: i64, spec: i64, status: i64, label: &str) -> Value {
    json!({ "metadata": { "generation": generation, "labels": { "a": label } }, "spec": { "n": spec }, "status": { "n": status } })
}

#[test]
fn the_object_endpoint_leaves_the_status_and_counts_changes_of_the_spec() {
    for resource in [resource("deployments"), custom()] {
        let old = object(3, 1, 1, "x");
        let mut new = object(9, 2, 2, "y");
        prepare_update(&resource, None, &mut new, &old);
        assert_eq!(new, object(4, 2, 1, "y"), "{:?}", resource.origin);
        let mut same = object(9, 1, 2, "y");
        prepare_update(&resource, None, &mut same, &old);
        assert_eq!(same, object(3, 1, 1, "y"), "{:?}", resource.origin);
    }
}

#[test]
fn the_status_endpoint_changes_the_status_and_of_custom_resources_nothing_else() {
    let old = object(3, 1, 1, "x");
    let mut new = object(9, 2, 2, "y");
    new["metadata"]["managedFields"] = json!([{ "manager": "m" }]);
    prepare_update(&custom(), Some("status"), &mut new, &old);
    let mut expected = object(3, 1, 2, "x");
    expected["metadata"]["managedFields"] = json!([{ "manager": "m" }]);
    assert_eq!(new, expected);
    let mut new = object(9, 2, 2, "y");
    prepare_update(&resource("nodes"), Some("status"), &mut new, &old);
    assert_eq!(new, object(3, 1, 2, "y"));
}

#[test]
fn kinds_without_generations_keep_what_they_have() {
    let old = json!({ "metadata": {}, "data": { "a": "1" } });
    let mut new = json!({ "metadata": { "generation": 7 }, "data": { "a": "2" } });
    prepare_update(&resource("configmaps"), None, &mut new, &old);
    assert_eq!(new, json!({ "metadata": {}, "data": { "a": "2" } }));
}

#[test]
fn a_new_object_has_no_status_of_the_clients_but_a_node_has() {
    for (plural, kept) in [("deployments", false), ("services", false), ("nodes", true)] {
        let mut new = json!({ "metadata": { "name": "a" }, "spec": {}, "status": { "conditions": [] } });
        prepare_create(&resource(plural), &mut new, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(new["status"].get("conditions").is_some(), kept, "{plural}");
    }
}

#[test]
fn quality_of_service_follows_requests_and_limits() {
    let class = |resources: Value| {
        let mut pod = json!({ "metadata": {}, "spec": { "containers": [{ "resources": resources }] } });
        prepare_create(&resource("pods"), &mut pod, jiff::Timestamp::UNIX_EPOCH);
        pod["status"]["qosClass"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(class(json!({})), "BestEffort");
    assert_eq!(class(json!({ "requests": { "cpu": "1" } })), "Burstable");
    let all = json!({ "cpu": "1", "memory": "1Gi" });
    assert_eq!(class(json!({ "requests": all, "limits": all })), "Guaranteed");
}

#[test]
fn a_pod_runs_as_an_account_whose_token_is_mounted_unless_someone_declines() {
    let pod = |spec: Value| {
        let mut pod = json!({ "metadata": {}, "spec": { "containers": [{ "name": "c" }] } });
        for (key, value) in spec.as_object().expect("an object") {
            pod["spec"][key] = value.clone();
        }
        pod
    };
    let mut plain = pod(json!({}));
    service_account(&mut plain, "n", "abcde", |name| (name == "default").then(|| json!({}))).expect("an account");
    assert_eq!(plain["spec"]["serviceAccountName"], "default");
    assert_eq!(plain["spec"]["volumes"][0]["name"], "kube-api-access-abcde");
    assert_eq!(plain["spec"]["containers"][0]["volumeMounts"][0]["name"], "kube-api-access-abcde");
    let mut again = plain.clone();
    service_account(&mut again, "n", "fghij", |_| Some(json!({}))).expect("an account");
    assert_eq!(again, plain, "a pod that has its mount keeps it");

    let mut declines = pod(json!({ "automountServiceAccountToken": false }));
    service_account(&mut declines, "n", "abcde", |_| Some(json!({}))).expect("an account");
    assert!(declines["spec"]["volumes"].is_null());
    let mut declined = pod(json!({}));
    let account = json!({ "automountServiceAccountToken": false, "imagePullSecrets": [{ "name": "s" }] });
    service_account(&mut declined, "n", "abcde", |_| Some(account)).expect("an account");
    assert!(declined["spec"]["volumes"].is_null());
    assert_eq!(declined["spec"]["imagePullSecrets"][0]["name"], "s");

    let missing = service_account(&mut pod(json!({ "serviceAccountName": "x" })), "n", "abcde", |_| None).unwrap_err();
    assert_eq!(missing.to_string(), "error looking up service account n/x: serviceaccount \"x\" not found");
}

#[test]
fn a_service_keeps_what_was_allocated_for_it() {
    let old = json!({ "metadata": {}, "spec": {
        "type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"],
        "ports": [{ "port": 80, "protocol": "TCP", "nodePort": 30080 }],
    } });
    let mut new = json!({ "metadata": {}, "spec": { "type": "NodePort", "ports": [
        { "port": 80, "protocol": "TCP" }, { "port": 81, "protocol": "TCP" },
    ] } });
    prepare_update(&resource("services"), None, &mut new, &old);
    assert_eq!(new["spec"]["clusterIPs"], json!(["10.0.0.1"]));
    assert_eq!(new["spec"]["ports"][0]["nodePort"], 30080);
    assert!(new["spec"]["ports"][1]["nodePort"].is_null());
}

#[test]
fn only_finalize_changes_the_finalizers_of_a_namespace() {
    let old = json!({ "metadata": {}, "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" } });
    let without = json!({ "metadata": {}, "spec": {} });
    let mut main = without.clone();
    prepare_update(&resource("namespaces"), None, &mut main, &old);
    assert_eq!(main["spec"], old["spec"]);
    let mut finalize = without;
    prepare_update(&resource("namespaces"), Some("finalize"), &mut finalize, &old);
    assert!(finalize["spec"].get("finalizers").is_none());
    assert_eq!(finalize["status"], old["status"]);
}
