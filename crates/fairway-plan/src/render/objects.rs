//! The objects of a Bundle, one function each, in the order in which they are applied.

use std::collections::BTreeMap;

use fairway_api::names::{LABEL_COMPONENT, LABEL_ENVIRONMENT, LABEL_PROJECT, LABEL_VERSION};
use serde_json::{Map, Value, json};

use super::{GATEWAY_NAME, GATEWAY_NAMESPACE, Input, host};
use super::{restricted, variables};
use crate::digest_of;
use crate::health::RESTARTED;
use crate::score::{Container, Workload};

pub(super) fn all(
    input: &Input<'_>,
    workload: &Workload,
    images: &BTreeMap<String, String>,
    settings: &BTreeMap<String, String>,
) -> Vec<Value> {
    let config = (!settings.is_empty()).then(|| config_map(input, settings));
    let config_name = config.as_ref().map(|it| it["metadata"]["name"].clone());
    let mut objects = vec![service_account(input)];
    objects.extend(config);
    objects.push(network_policy(input, workload));
    if !workload.ports.is_empty() {
        objects.push(service(input, workload));
    }
    objects.push(deployment(input, workload, images, config_name.as_ref()));
    if !workload.ports.is_empty() {
        objects.push(route(input, workload));
    }
    objects
}

/// The labels that select the pods of a component: never the version, which changes.
fn selector(input: &Input<'_>) -> Value {
    json!({ LABEL_COMPONENT: input.component.as_str(), LABEL_ENVIRONMENT: input.environment.as_str() })
}

fn labels(input: &Input<'_>) -> Value {
    json!({
        "app.kubernetes.io/name": input.component.as_str(),
        "app.kubernetes.io/managed-by": "fairway",
        LABEL_PROJECT: input.project.as_str(),
        LABEL_ENVIRONMENT: input.environment.as_str(),
        LABEL_COMPONENT: input.component.as_str(),
    })
}

fn metadata(input: &Input<'_>, name: &str) -> Value {
    json!({ "name": name, "namespace": input.namespace, "labels": labels(input) })
}

fn service_account(input: &Input<'_>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": metadata(input, input.component.as_str()),
        "automountServiceAccountToken": false,
    })
}

/// Settings under a name that follows from their content: pods of the version before keep theirs until they are gone.
fn config_map(input: &Input<'_>, settings: &BTreeMap<String, String>) -> Value {
    let name = format!("{}-config-{}", input.component, digest_of(settings).short());
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": metadata(input, &name),
        "immutable": true,
        "data": settings,
    })
}

/// Who may call: components of the same environment, and the gateway (which is the node, and always may).
fn network_policy(input: &Input<'_>, workload: &Workload) -> Value {
    let ports: Vec<Value> = workload.ports.values().map(|it| json!({ "protocol": "TCP", "port": it.target })).collect();
    let rules = if ports.is_empty() { json!([]) } else { json!([{ "from": [{ "podSelector": {} }], "ports": ports }]) };
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": metadata(input, input.component.as_str()),
        "spec": { "podSelector": { "matchLabels": selector(input) }, "policyTypes": ["Ingress"], "ingress": rules },
    })
}

fn service(input: &Input<'_>, workload: &Workload) -> Value {
    let ports: Vec<Value> = workload
        .ports
        .iter()
        .map(|(name, it)| json!({ "name": name, "port": it.port, "targetPort": it.target, "protocol": "TCP" }))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": metadata(input, input.component.as_str()),
        "spec": { "type": "ClusterIP", "selector": selector(input), "ports": ports },
    })
}

fn deployment(
    input: &Input<'_>,
    workload: &Workload,
    images: &BTreeMap<String, String>,
    config: Option<&Value>,
) -> Value {
    let containers: Vec<Value> =
        workload.containers.iter().map(|(name, it)| container(input, name, it, workload, images, config)).collect();
    let mut pod_labels = labels(input);
    pod_labels[LABEL_VERSION] = json!(input.version);
    let mut template = json!({
        "metadata": { "labels": pod_labels },
        "spec": {
            "serviceAccountName": input.component.as_str(),
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 30,
            "securityContext": restricted::pod(),
            "containers": containers,
        },
    });
    if let Some(restart) = input.restart {
        template["metadata"]["annotations"][RESTARTED] = json!(restart);
    }
    if let Some(connections) = variables::connections(input.resources) {
        template["metadata"]["annotations"][variables::CONNECTIONS] = json!(connections);
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": metadata(input, input.component.as_str()),
        "spec": {
            "replicas": input.replicas,
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": workload.ready_within,
            "selector": { "matchLabels": selector(input) },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
            "template": template,
        },
    })
}

fn container(
    input: &Input<'_>,
    name: &str,
    it: &Container,
    workload: &Workload,
    images: &BTreeMap<String, String>,
    config: Option<&Value>,
) -> Value {
    let env = variables::env(it, input.component, input.resources);
    let only = workload.containers.len() == 1;
    let ports: Vec<Value> = workload
        .ports
        .iter()
        .filter(|_| only)
        .map(|(name, port)| json!({ "name": name, "containerPort": port.target, "protocol": "TCP" }))
        .collect();
    let mut container = Map::new();
    container.insert("name".to_owned(), json!(name));
    container.insert("image".to_owned(), json!(images.get(name)));
    container.insert("imagePullPolicy".to_owned(), json!("IfNotPresent"));
    container.insert("securityContext".to_owned(), restricted::container());
    let mut put = |key: &str, value: Value, wanted: bool| {
        if wanted {
            container.insert(key.to_owned(), value);
        }
    };
    put("command", json!(it.command), !it.command.is_empty());
    put("args", json!(it.args), !it.args.is_empty());
    put("env", json!(env), !env.is_empty());
    put("envFrom", json!([{ "configMapRef": { "name": config } }]), config.is_some());
    put("ports", json!(ports), !ports.is_empty());
    put("resources", it.resources.clone(), it.resources.as_object().is_some_and(|it| !it.is_empty()));
    let liveness = it.liveness.clone().map(|probe| timed(probe, 10, 3));
    put("livenessProbe", json!(liveness), liveness.is_some());
    // Without a check of its own, a service is ready once its port answers.
    let port = workload.ports.values().next().filter(|_| only).map(|it| it.target);
    let readiness = it.readiness.clone().or_else(|| port.map(|it| json!({ "tcpSocket": { "port": it } })));
    let readiness = readiness.map(|probe| timed(probe, 1, 3));
    put("readinessProbe", json!(readiness), readiness.is_some());
    Value::Object(container)
}

fn timed(mut probe: Value, period: u32, failures: u32) -> Value {
    probe["periodSeconds"] = json!(period);
    probe["timeoutSeconds"] = json!(2);
    probe["failureThreshold"] = json!(failures);
    probe
}

fn route(input: &Input<'_>, workload: &Workload) -> Value {
    let port = workload.ports.values().next().map(|it| it.port);
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": metadata(input, input.component.as_str()),
        "spec": {
            "parentRefs": [{ "name": GATEWAY_NAME, "namespace": GATEWAY_NAMESPACE }],
            "hostnames": [host(input)],
            "rules": [{
                "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }],
                "backendRefs": [{ "name": input.component.as_str(), "port": port }],
            }],
        },
    })
}
