use serde_json::{Value, json};

use super::*;

fn pod(spec: Value) -> Pod {
    serde_json::from_value(json!({ "metadata": { "name": "x" }, "spec": spec })).unwrap()
}

fn container(extra: Value) -> Pod {
    let mut container = json!({ "name": "app", "image": "x" });
    container.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    pod(json!({ "containers": [container] }))
}

#[test]
fn what_cannot_be_done_is_refused_with_its_field() {
    let with = |extra: Value| {
        let mut spec = json!({ "containers": [{ "name": "app", "image": "x" }] });
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        pod(spec)
    };
    let cases = vec![
        (with(json!({ "hostNetwork": true })), "HostNetworkNotSupported", "spec.hostNetwork"),
        (with(json!({ "hostPID": true })), "HostPIDNotSupported", "spec.hostPID"),
        (with(json!({ "hostIPC": true })), "HostIPCNotSupported", "spec.hostIPC"),
        (with(json!({ "dnsPolicy": "None" })), "DNSConfigNotSupported", "spec.dnsConfig"),
        (
            with(json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/" } }] })),
            "HostPathNotSupported",
            "spec.volumes[0] (v)",
        ),
        (
            with(json!({ "volumes": [{ "name": "v", "nfs": { "path": "/", "server": "s" } }] })),
            "VolumeNotSupported",
            "spec.volumes[0] (v)",
        ),
        (
            container(json!({ "ports": [{ "containerPort": 80, "hostPort": 80 }] })),
            "HostPortNotSupported",
            "spec.containers[0].ports.hostPort",
        ),
        (
            container(json!({ "securityContext": { "privileged": true } })),
            "PrivilegedNotSupported",
            "spec.containers[0].securityContext.privileged",
        ),
        (
            container(json!({ "securityContext": { "capabilities": { "add": ["NET_BIND_SERVICE", "SYS_ADMIN"] } } })),
            "CapabilitiesNotSupported",
            "spec.containers[0].securityContext.capabilities.add",
        ),
        (
            container(json!({ "readinessProbe": { "grpc": { "port": 1 } } })),
            "ProbeNotSupported",
            "spec.containers[0].readinessProbe.grpc",
        ),
    ];
    for (pod, reason, field) in cases {
        let refusal = refuse(&pod, false).unwrap();
        assert_eq!(refusal.reason, reason);
        assert!(refusal.message.starts_with(field), "{}", refusal.message);
    }
}

#[test]
fn an_ordinary_pod_is_not_refused() {
    let ordinary = json!({
        "hostNetwork": false,
        "volumes": [{ "name": "v", "emptyDir": {} }, { "name": "c", "configMap": { "name": "c" } }],
        "containers": [{
            "name": "app", "image": "x",
            "ports": [{ "containerPort": 80 }],
            "securityContext": { "capabilities": { "drop": ["ALL"], "add": ["NET_BIND_SERVICE"] }, "privileged": false },
            "readinessProbe": { "httpGet": { "port": 80, "scheme": "HTTP" } }
        }]
    });
    assert_eq!(refuse(&pod(ordinary), false), None);
}
