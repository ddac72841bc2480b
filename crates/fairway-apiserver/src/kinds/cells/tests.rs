use serde_json::{Value, json};

use super::*;
use crate::kinds::builtin;

fn row(plural: &str, object: Value) -> String {
    let resource = builtin().into_iter().find(|it| &*it.plural == plural).expect("a resource");
    let now = "2026-01-01T01:00:00Z".parse().expect("a time");
    let cells = cells(&resource, &object, now);
    assert_eq!(cells.len(), resource.columns.len(), "{plural}: {cells:?}");
    let shown = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
    cells.iter().map(shown).collect::<Vec<_>>().join(" | ")
}

fn metadata() -> Value {
    json!({ "name": "a", "creationTimestamp": "2026-01-01T00:57:30Z" })
}

#[test]
fn every_resource_has_a_cell_for_each_column_even_of_an_empty_object() {
    for resource in builtin() {
        let cells = cells(&resource, &json!({}), Timestamp::UNIX_EPOCH);
        let expected = resource.columns.len().max(1);
        assert_eq!(cells.len(), expected, "{}/{}: {cells:?}", resource.group, resource.plural);
    }
}

#[test]
fn a_pod_is_summed_up_as_kubectl_does() {
    let pod = |status: Value| {
        row(
            "pods",
            json!({
                "metadata": metadata(), "spec": { "nodeName": "n", "containers": [{ "name": "c" }, { "name": "d" }] },
                "status": status,
            }),
        )
    };
    let running = json!({ "state": { "running": {} }, "ready": true });
    let table = [
        (json!({ "phase": "Pending" }), "a | 0/2 | Pending | 0 | 2m30s | <none> | n | <none> | <none>"),
        (
            json!({ "phase": "Running", "podIP": "10.1.0.2", "containerStatuses": [running, running] }),
            "a | 2/2 | Running | 0 | 2m30s | 10.1.0.2 | n | <none> | <none>",
        ),
        (
            json!({ "phase": "Running", "containerStatuses": [running, {
                "state": { "waiting": { "reason": "CrashLoopBackOff" } }, "restartCount": 3,
                "lastState": { "terminated": { "finishedAt": "2026-01-01T00:59:00Z" } },
            }] }),
            "a | 1/2 | CrashLoopBackOff | 3 (60s ago) | 2m30s | <none> | n | <none> | <none>",
        ),
        (
            json!({ "phase": "Failed", "containerStatuses": [{ "state": { "terminated": { "exitCode": 3 } } }] }),
            "a | 0/2 | ExitCode:3 | 0 | 2m30s | <none> | n | <none> | <none>",
        ),
        (
            json!({ "phase": "Failed", "containerStatuses": [{ "state": { "terminated": { "exitCode": 137, "signal": 9 } } }] }),
            "a | 0/2 | Signal:9 | 0 | 2m30s | <none> | n | <none> | <none>",
        ),
        (
            json!({ "phase": "Running", "containerStatuses": [running, { "state": { "terminated": { "reason": "Completed" } } }] }),
            "a | 1/2 | NotReady | 0 | 2m30s | <none> | n | <none> | <none>",
        ),
        (
            json!({ "phase": "Failed", "reason": "Evicted" }),
            "a | 0/2 | Evicted | 0 | 2m30s | <none> | n | <none> | <none>",
        ),
    ];
    for (status, expected) in table {
        assert_eq!(pod(status.clone()), expected, "{status}");
    }
}

#[test]
fn a_pod_that_starts_says_how_far_its_init_containers_are() {
    let pod = |statuses: Value| {
        let spec = json!({ "containers": [{ "name": "c" }], "initContainers": [{ "name": "i" }, { "name": "j" }] });
        let status = json!({ "phase": "Pending", "initContainerStatuses": statuses });
        row("pods", json!({ "metadata": metadata(), "spec": spec, "status": status }))
    };
    let done = json!({ "name": "i", "state": { "terminated": { "exitCode": 0 } } });
    assert!(pod(json!([done, { "name": "j", "state": { "running": {} } }])).contains("| Init:1/2 |"));
    let failed = json!([{ "name": "i", "state": { "terminated": { "exitCode": 1, "reason": "Error" } } }]);
    assert!(pod(failed).contains("| Init:Error |"));
    let waits = json!([{ "name": "i", "state": { "waiting": { "reason": "ErrImagePull" } } }]);
    assert!(pod(waits).contains("| Init:ErrImagePull |"));
}

#[test]
fn a_pod_that_is_deleted_is_terminating() {
    let mut metadata = metadata();
    metadata["deletionTimestamp"] = json!("2026-01-01T00:59:00Z");
    let pod = json!({ "metadata": metadata, "spec": { "containers": [{}] }, "status": { "phase": "Running" } });
    assert!(row("pods", pod).contains("| Terminating |"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_other_kinds_print_what_people_look_for() {
    let template =
        json!({ "spec": { "containers": [{ "name": "c", "image": "i:1" }, { "name": "d", "image": "j" }] } });
    let selector =
        json!({ "matchLabels": { "b": "2", "a": "1" }, "matchExpressions": [{ "key": "c", "operator": "Exists" }] });
    let table = [
        (
            "deployments",
            json!({ "spec": { "replicas": 3, "selector": selector, "template": template },
                    "status": { "readyReplicas": 1, "updatedReplicas": 3, "availableReplicas": 1 } }),
            "a | 1/3 | 3 | 1 | 2m30s | c,d | i:1,j | a=1,b=2,c",
        ),
        (
            "replicasets",
            json!({ "spec": { "replicas": 3, "selector": selector, "template": template }, "status": { "replicas": 2 } }),
            "a | 3 | 2 | 0 | 2m30s | c,d | i:1,j | a=1,b=2,c",
        ),
        (
            "services",
            json!({ "spec": { "type": "NodePort", "clusterIP": "10.96.0.5", "selector": { "app": "x" },
                    "ports": [{ "port": 80, "protocol": "TCP", "nodePort": 30080 }, { "port": 53, "protocol": "UDP" }] } }),
            "a | NodePort | 10.96.0.5 | <none> | 80:30080/TCP,53/UDP | 2m30s | app=x",
        ),
        (
            "services",
            json!({ "spec": { "type": "LoadBalancer", "clusterIP": "10.96.0.5", "ports": [] } }),
            "a | LoadBalancer | 10.96.0.5 | <pending> | <none> | 2m30s | <none>",
        ),
        ("namespaces", json!({ "status": { "phase": "Active" } }), "a | Active | 2m30s"),
        ("configmaps", json!({ "data": { "x": "", "y": "" }, "binaryData": { "z": "" } }), "a | 3 | 2m30s"),
        ("secrets", json!({ "type": "Opaque", "data": { "x": "" } }), "a | Opaque | 1 | 2m30s"),
        (
            "nodes",
            json!({ "metadata": { "labels": { "node-role.kubernetes.io/worker": "" } }, "spec": { "unschedulable": true },
                    "status": { "conditions": [{ "type": "Ready", "status": "True" }], "nodeInfo": { "kubeletVersion": "v1.34.0" },
                                "addresses": [{ "type": "InternalIP", "address": "10.0.0.1" }] } }),
            "a | Ready,SchedulingDisabled | worker | 2m30s | v1.34.0 | 10.0.0.1 | <none> | <unknown> | <unknown> | <unknown>",
        ),
        (
            "endpointslices",
            json!({ "addressType": "IPv4", "ports": [{ "port": 80 }],
                    "endpoints": [{ "addresses": ["10.1.0.1"] }, { "addresses": ["10.1.0.2"] }, { "addresses": ["10.1.0.3"] }, { "addresses": ["10.1.0.4"] }] }),
            "a | IPv4 | 80 | 10.1.0.1,10.1.0.2,10.1.0.3 + 1 more... | 2m30s",
        ),
        ("leases", json!({ "spec": { "holderIdentity": "me" } }), "a | me | 2m30s"),
        ("networkpolicies", json!({ "spec": { "podSelector": {} } }), "a | <none> | 2m30s"),
        (
            "rolebindings",
            json!({ "roleRef": { "kind": "Role", "name": "r" },
                    "subjects": [{ "kind": "User", "name": "u" }, { "kind": "ServiceAccount", "name": "s", "namespace": "n" }] }),
            "a | Role/r | 2m30s | u |  | n/s",
        ),
        ("roles", json!({}), "a | 2026-01-01T00:57:30Z"),
        (
            "jobs",
            json!({ "spec": { "completions": 2, "template": template }, "status": { "succeeded": 2,
                    "startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:09Z",
                    "conditions": [{ "type": "Complete", "status": "True" }] } }),
            "a | Complete | 2/2 | 9s | 2m30s | c,d | i:1,j | <none>",
        ),
        (
            "statefulsets",
            json!({ "spec": { "replicas": 2, "template": template }, "status": { "readyReplicas": 2 } }),
            "a | 2/2 | 2m30s | c,d | i:1,j",
        ),
    ];
    for (plural, mut object, expected) in table {
        let mut full = metadata();
        if let Some(labels) = object["metadata"].get("labels") {
            full["labels"] = labels.clone();
        }
        object["metadata"] = full;
        assert_eq!(row(plural, object), expected, "{plural}");
    }
}

#[test]
fn an_event_reads_the_same_in_both_groups() {
    let expected = "90s | Warning | BackOff | pod/p | spec.containers{c} | kubelet, n | Back-off | 2m | 4 | a";
    let old = json!({
        "metadata": metadata(), "type": "Warning", "reason": "BackOff", "message": "Back-off\n", "count": 4,
        "involvedObject": { "kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}" },
        "source": { "component": "kubelet", "host": "n" }, "eventTime": null,
        "firstTimestamp": "2026-01-01T00:58:00Z", "lastTimestamp": "2026-01-01T00:58:30Z",
    });
    assert_eq!(row("events", old.clone()), expected);
    let modern = builtin().into_iter().find(|it| &*it.group == "events.k8s.io").expect("events");
    let mut object = old;
    crate::kinds::from_stored(&modern, &mut object);
    assert_eq!(row("events", object), expected);
}

#[test]
fn durations_read_as_kubectl_prints_them() {
    let table = [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (48 * 3600 - 1, "47h"),
        (48 * 3600, "2d"),
        (50 * 3600, "2d2h"),
        (8 * 86_400, "8d"),
        (729 * 86_400, "729d"),
        (730 * 86_400, "2y"),
        (731 * 86_400, "2y1d"),
        (9 * 365 * 86_400, "9y"),
    ];
    for (seconds, expected) in table {
        assert_eq!(human_duration(seconds), expected, "{seconds}");
    }
}
