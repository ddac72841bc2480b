use serde_json::json;
use tokio::task::JoinSet;

use super::super::tests::{Plane, binding, key, user};
use super::*;

fn part(label: &str, resource: &str) -> Value {
    json!({ "metadata": { "labels": { "to": label } },
        "rules": [{ "apiGroups": [""], "resources": [resource], "verbs": ["get"] }] })
}

fn union(label: &str) -> Value {
    json!({ "metadata": {}, "rules": [], "aggregationRule": { "clusterRoleSelectors": [
        { "matchLabels": { "to": label } },
        { "matchExpressions": [{ "key": "also", "operator": "In", "values": [label] }] },
    ] } })
}

#[tokio::test]
async fn a_role_with_the_label_counts_at_once() {
    let plane = Plane::new();
    plane.put("clusterroles/all", union("x")).await;
    plane.put("clusterrolebindings/b", binding("ClusterRole", "all", "ann")).await;
    assert!(!plane.can(&user("ann"), "get", "pods", ""));
    plane.put("clusterroles/part", part("x", "pods")).await;
    assert!(plane.can(&user("ann"), "get", "pods", ""));
    plane.put("clusterroles/part", part("y", "pods")).await;
    assert!(!plane.can(&user("ann"), "get", "pods", ""));
    plane
        .put(
            "clusterroles/part",
            json!({ "metadata": { "labels": { "also": "x" } }, "rules": part("x", "pods")["rules"] }),
        )
        .await;
    assert!(plane.can(&user("ann"), "get", "pods", ""));
    plane.delete("clusterroles/part").await;
    assert!(!plane.can(&user("ann"), "get", "pods", ""));
}

#[tokio::test]
async fn unions_of_unions_and_circles_of_them_end() {
    let plane = Plane::new();
    let circle = |from: &str, label: &str| {
        let mut role = union(from);
        role["metadata"]["labels"] = json!({ "to": label });
        role
    };
    plane.put("clusterroles/a", circle("b", "a")).await;
    plane.put("clusterroles/b", circle("a", "b")).await;
    plane.put("clusterroles/leaf", part("b", "pods")).await;
    plane.put("clusterrolebindings/b", binding("ClusterRole", "b", "ann")).await;
    assert!(plane.can(&user("ann"), "get", "pods", ""));
}

#[tokio::test]
async fn the_union_is_written_into_the_object_and_only_when_it_differs() {
    let plane = Plane::new();
    plane.put("clusterroles/all", union("x")).await;
    let mut tasks = JoinSet::new();
    let range = Range { resource: CLUSTER_ROLES.into(), namespace: None };
    tasks.spawn(Aggregation::new(plane.store.clone(), None).run());
    for (name, resource) in [("one", "pods"), ("two", "secrets")] {
        plane.put(&format!("clusterroles/{name}"), part("x", resource)).await;
        let mut watch = plane.store.watch(range.clone(), plane.store.revision() - 1).unwrap();
        let written = loop {
            let event = tokio::select! {
                event = watch.next() => event.unwrap(),
                ended = tasks.join_next() => panic!("nobody will write it any more: {ended:?}"),
            };
            if event.object.key == key("clusterroles/all") {
                break event.object.clone();
            }
        };
        let all: Value = serde_json::from_slice(&written.value).unwrap();
        let rules = all["rules"].as_array().unwrap();
        assert!(rules.iter().any(|it| it["resources"] == json!([resource])), "{rules:?}");
    }
    let settled = plane.store.revision();
    Aggregation::new(plane.store.clone(), None).write().await.unwrap();
    assert_eq!(plane.store.revision(), settled, "a second pass writes nothing");
    tasks.shutdown().await;
}
