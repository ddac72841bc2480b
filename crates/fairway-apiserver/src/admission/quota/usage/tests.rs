use serde_json::json;

use super::*;

fn served(plural: &str) -> Served {
    let found = crate::kinds::builtin().into_iter().find(|it| &*it.plural == plural);
    Served::new(found.expect("a built-in kind"))
}

fn pod(containers: Value) -> Value {
    json!({ "spec": { "containers": containers } })
}

fn container(name: &str, cpu: &str) -> Value {
    json!({ "name": name, "resources": { "requests": { "cpu": cpu }, "limits": { "memory": "64Mi" } } })
}

fn amounts(usage: &Usage) -> Vec<String> {
    usage.iter().map(|(what, amount)| format!("{what}={amount}")).collect()
}

#[test]
fn a_pod_uses_what_its_containers_ask_for_together() {
    let two = pod(json!([container("web", "100m"), container("side", "200m")]));
    let used = of(&served("pods"), &two, &json!({}));
    assert_eq!(amounts(&used), ["count/pods=1", "cpu=300m", "limits.memory=128Mi", "pods=1", "requests.cpu=300m"]);
    let mut starts = two.clone();
    starts["spec"]["initContainers"] = json!([container("init", "1"), container("other", "400m")]);
    assert_eq!(of(&served("pods"), &starts, &json!({})).amount("requests.cpu").to_string(), "1");
    let mut over = two;
    over["status"] = json!({ "phase": "Succeeded" });
    assert_eq!(amounts(&of(&served("pods"), &over, &json!({}))), ["count/pods=1"], "what has ended uses nothing");
}

#[test]
fn objects_are_counted_and_claims_by_their_size() {
    assert_eq!(amounts(&of(&served("deployments"), &json!({}), &json!({}))), ["count/deployments.apps=1"]);
    assert_eq!(amounts(&of(&served("secrets"), &json!({}), &json!({}))), ["count/secrets=1", "secrets=1"]);
    let claim = json!({ "spec": { "resources": { "requests": { "storage": "1Gi" } } } });
    let used = of(&served("persistentvolumeclaims"), &claim, &json!({}));
    assert_eq!(amounts(&used), ["count/persistentvolumeclaims=1", "persistentvolumeclaims=1", "requests.storage=1Gi"]);
    let hard = limits(&json!({ "spec": { "hard": { "requests.storage": "2Gi", "bad": "x y" } } }));
    assert!(counted(&served("persistentvolumeclaims"), &hard) && !counted(&served("pods"), &hard));
}

#[test]
fn a_container_must_say_what_a_quota_limits() {
    let hard = limits(&json!({ "spec": { "hard": { "limits.cpu": "1", "cpu": "1", "pods": 3 } } }));
    let two = pod(json!([container("web", "100m"), { "name": "side" }]));
    assert_eq!(unsaid(&served("pods"), &two, &json!({}), &hard), "cpu for: side; limits.cpu for: side,web");
    assert_eq!(unsaid(&served("secrets"), &two, &json!({}), &hard), "");
}

#[test]
fn scopes_choose_pods() {
    let scoped = |scope: &str| json!({ "spec": { "scopes": [scope] } });
    let idle = pod(json!([{ "name": "web" }]));
    let mut ends = pod(json!([container("web", "1")]));
    ends["spec"]["activeDeadlineSeconds"] = json!(5);
    for (scope, chosen) in [
        ("BestEffort", [true, false]),
        ("NotBestEffort", [false, true]),
        ("Terminating", [false, true]),
        ("NotTerminating", [true, false]),
        ("PriorityClass", [false, false]),
    ] {
        let speaks = [&idle, &ends].map(|it| !of(&served("pods"), it, &scoped(scope)).is_empty());
        assert_eq!(speaks, chosen, "{scope}");
    }
}
