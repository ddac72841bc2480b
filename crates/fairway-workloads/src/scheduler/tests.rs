use serde_json::json;

use super::*;

fn node(name: &str, ready: bool, extra: serde_json::Value) -> Node {
    let mut tree = json!({
        "metadata": { "name": name, "labels": { "disk": name } },
        "status": { "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] },
    });
    tree["spec"] = extra;
    serde_json::from_value(tree).unwrap()
}

fn pod(spec: serde_json::Value) -> Pod {
    let mut tree = json!({ "metadata": { "name": "p" }, "spec": { "containers": [] } });
    for (key, value) in spec.as_object().unwrap() {
        tree["spec"][key] = value.clone();
    }
    serde_json::from_value(tree).unwrap()
}

#[test]
fn only_a_ready_node_that_takes_pods_is_chosen() {
    let nodes =
        [node("a", false, json!({})), node("b", true, json!({ "unschedulable": true })), node("c", true, json!({}))];
    assert_eq!(choose(&pod(json!({})), &nodes, &[]), Some("c".to_owned()));
    assert_eq!(choose(&pod(json!({})), &nodes[..2], &[]), None);
}

#[test]
fn the_node_with_the_fewest_pods_is_chosen_and_the_selector_obeyed() {
    let nodes = [node("a", true, json!({})), node("b", true, json!({}))];
    let placed = [pod(json!({ "nodeName": "a" }))];
    assert_eq!(choose(&pod(json!({})), &nodes, &placed), Some("b".to_owned()));
    assert_eq!(choose(&pod(json!({ "nodeSelector": { "disk": "a" } })), &nodes, &placed), Some("a".to_owned()));
    assert_eq!(choose(&pod(json!({ "nodeSelector": { "disk": "z" } })), &nodes, &placed), None);
}
