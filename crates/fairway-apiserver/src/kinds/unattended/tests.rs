use serde_json::json;

use super::*;
use crate::kinds::builtin;

fn warning(plural: &str, object: Value) -> Option<String> {
    let resource = builtin().into_iter().find(|it| &*it.plural == plural).expect("a resource");
    unattended(&resource, &object)
}

#[test]
fn a_kind_without_a_controller_says_so_and_others_are_silent() {
    let said = warning("daemonsets", json!({})).expect("a warning");
    assert!(said.starts_with("daemonsets.apps: stored, but nothing"), "{said}");
    assert!(warning("horizontalpodautoscalers", json!({})).is_some() && warning("limitranges", json!({})).is_some());
    for plural in [
        "deployments",
        "statefulsets",
        "jobs",
        "cronjobs",
        "pods",
        "configmaps",
        "leases",
        "roles",
        "events",
        "namespaces",
    ] {
        assert_eq!(warning(plural, json!({})), None, "{plural}");
    }
}

#[test]
fn a_service_that_wants_a_port_outside_hears_that_there_is_none() {
    assert!(warning("services", json!({ "spec": { "type": "NodePort" } })).expect("a warning").contains("NodePort"));
    assert_eq!(warning("services", json!({ "spec": { "type": "ClusterIP" } })), None);
}
