use serde_json::{Value, json};

use super::*;

fn set(replicas: i32, min_ready: i32) -> ReplicaSet {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": "web-abc", "namespace": "n", "uid": "s1", "generation": 2 },
        "spec": {
            "replicas": replicas, "minReadySeconds": min_ready,
            "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [] } },
        },
    }))
    .unwrap()
}

/// A Pod of the set, ready since `ready` seconds, changed by `extra`.
fn pod_named(name: &str, ready: Option<i64>, extra: Value) -> Pod {
    let at = ready.map(|it| Timestamp::from_second(it).unwrap().to_string());
    let mut tree = json!({
        "metadata": {
            "name": name, "labels": { "app": "web" }, "creationTimestamp": "1970-01-01T00:00:01Z",
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "uid": "s1", "controller": true }],
        },
        "spec": { "nodeName": "here", "containers": [] },
        "status": { "phase": "Running" },
    });
    if let Some(at) = at {
        tree["status"]["conditions"] = json!([{ "type": "Ready", "status": "True", "lastTransitionTime": at }]);
    }
    for (key, value) in extra.as_object().unwrap() {
        for (inner, value) in value.as_object().unwrap() {
            tree[key][inner] = value.clone();
        }
    }
    serde_json::from_value(tree).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn missing_pods_are_made_and_none_when_all_are_there() {
    let none = Observed { set: set(3, 0), pods: vec![] };
    assert_eq!(plan(&none, at(9)).create, 3);
    let all = Observed { set: set(1, 0), pods: vec![pod_named("a", Some(5), json!({}))] };
    let it = plan(&all, at(9));
    assert_eq!((it.create, it.delete.len(), it.next), (0, 0, Next::Settled));
}

#[test]
fn a_huge_number_is_approached_in_steps() {
    let it = plan(&Observed { set: set(1000, 0), pods: vec![] }, at(9));
    assert_eq!(it.create, MOST_AT_ONCE);
    assert!(matches!(it.next, Next::After(_)));
}

#[test]
fn finished_and_leaving_pods_are_replaced() {
    let pods = vec![
        pod_named("failed", None, json!({ "status": { "phase": "Failed" } })),
        pod_named("leaving", Some(1), json!({ "metadata": { "deletionTimestamp": "1970-01-01T00:00:05Z" } })),
    ];
    assert_eq!(plan(&Observed { set: set(1, 0), pods }, at(9)).create, 1);
}

#[test]
fn the_least_useful_pods_go_first() {
    let pods = vec![
        pod_named("old-ready", Some(2), json!({})),
        pod_named("young-ready", Some(8), json!({})),
        pod_named("not-ready", None, json!({})),
        pod_named("unassigned", None, json!({ "spec": { "nodeName": null }, "status": { "phase": "Pending" } })),
    ];
    let observed = Observed { set: set(1, 0), pods };
    let names: Vec<String> = plan(&observed, at(9)).delete.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["unassigned", "not-ready", "young-ready"]);
}

#[test]
fn an_orphan_with_matching_labels_is_adopted_and_counts() {
    let orphan = pod_named("orphan", Some(1), json!({ "metadata": { "ownerReferences": [] } }));
    let other =
        pod_named("other", Some(1), json!({ "metadata": { "labels": { "app": "else" }, "ownerReferences": [] } }));
    let it = plan(&Observed { set: set(2, 0), pods: vec![orphan, other] }, at(9));
    assert_eq!((it.adopt.len(), it.create), (1, 1));
}

#[test]
fn a_pod_becomes_available_after_min_ready_seconds_and_the_set_looks_again_then() {
    let observed = Observed { set: set(1, 10), pods: vec![pod_named("a", Some(100), json!({}))] };
    assert_eq!(status(&observed, None, at(105)).available_replicas, None);
    assert_eq!(plan(&observed, at(105)).next, Next::After(Duration::from_secs(5)));
    assert_eq!(status(&observed, None, at(110)).available_replicas, Some(1));
    assert_eq!(plan(&observed, at(110)).next, Next::Settled);
}

#[test]
fn a_failed_create_is_a_condition_whose_time_stands_still() {
    let mut observed = Observed { set: set(1, 0), pods: vec![] };
    let first = status(&observed, Some("quota".to_owned()), at(5));
    observed.set.status = Some(first.clone());
    assert_eq!(status(&observed, Some("quota, told with another name".to_owned()), at(50)), first);
    assert_eq!(status(&observed, None, at(60)).conditions, None);
}
