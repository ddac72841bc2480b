//! Pods and pod templates.

use serde_json::{Value, json};

use crate::kinds::tree::{blank, child, entries, fill, items_mut, text};

/// A pod: as a template, and what only a pod that will run gets.
pub(super) fn pod(object: &mut Value) {
    let spec = child(object, "spec");
    for list in ["containers", "initContainers"] {
        for container in items_mut(spec.get_mut(list)) {
            limits_are_requests(container);
        }
    }
    pod_spec(spec);
    fill(spec, "enableServiceLinks", true);
}

/// A pod template: `{metadata, spec}`.
pub(super) fn template(template: &mut Value) {
    pod_spec(child(template, "spec"));
}

/// Resources with a limit and no request request the limit.
fn limits_are_requests(container: &mut Value) {
    let limits: Vec<(String, Value)> =
        entries(&container["resources"]["limits"]).map(|(k, v)| (k.clone(), v.clone())).collect();
    for (name, limit) in limits {
        fill(child(child(container, "resources"), "requests"), &name, limit);
    }
}

fn pod_spec(spec: &mut Value) {
    fill(spec, "restartPolicy", "Always");
    fill(spec, "dnsPolicy", "ClusterFirst");
    fill(spec, "terminationGracePeriodSeconds", 30);
    fill(spec, "securityContext", json!({}));
    fill(spec, "schedulerName", "default-scheduler");
    same_account(spec);
    let host_network = spec["hostNetwork"] == true;
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for it in items_mut(spec.get_mut(list)) {
            container(it, host_network);
        }
    }
    for it in items_mut(spec.get_mut("volumes")) {
        volume(it);
    }
}

/// `serviceAccount` is the old name of `serviceAccountName`; both are always there together.
fn same_account(spec: &mut Value) {
    let (new, old) = (text(&spec["serviceAccountName"]).to_owned(), text(&spec["serviceAccount"]).to_owned());
    let name = if new.is_empty() { old } else { new };
    if !name.is_empty() {
        spec["serviceAccountName"] = json!(name);
        spec["serviceAccount"] = json!(name);
    }
}

fn container(container: &mut Value, host_network: bool) {
    fill(container, "terminationMessagePath", "/dev/termination-log");
    fill(container, "terminationMessagePolicy", "File");
    if blank(&container["imagePullPolicy"]) {
        let policy = pull_policy(text(&container["image"]));
        container["imagePullPolicy"] = json!(policy);
    }
    for port in items_mut(container.get_mut("ports")) {
        fill(port, "protocol", "TCP");
        if host_network && port["containerPort"].is_i64() {
            let same = port["containerPort"].clone();
            fill(port, "hostPort", same);
        }
    }
    for variable in items_mut(container.get_mut("env")) {
        if let Some(from) = variable.get_mut("valueFrom") {
            field_reference(from);
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(it) = container.get_mut(name) {
            probe(it);
        }
    }
    if let Some(lifecycle) = container.get_mut("lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(it) = lifecycle.get_mut(hook) {
                http_get(it);
            }
        }
    }
}

/// An image whose tag may move is pulled each time.
fn pull_policy(image: &str) -> &'static str {
    let name = image.split('@').next().unwrap_or(image);
    let tag = name.rsplit_once('/').map_or(name, |it| it.1).split_once(':').map(|it| it.1);
    match tag {
        Some("latest") => "Always",
        None if !image.contains('@') => "Always",
        _ => "IfNotPresent",
    }
}

fn field_reference(from: &mut Value) {
    if let Some(field) = from.get_mut("fieldRef")
        && blank(&field["apiVersion"])
    {
        field["apiVersion"] = json!("v1");
    }
}

fn probe(probe: &mut Value) {
    fill_zero(probe, "timeoutSeconds", 1);
    fill_zero(probe, "periodSeconds", 10);
    fill_zero(probe, "successThreshold", 1);
    fill_zero(probe, "failureThreshold", 3);
    http_get(probe);
    if let Some(grpc) = probe.get_mut("grpc") {
        fill(grpc, "service", "");
    }
}

/// Zero and missing are the same for numbers that are not pointers in Go.
fn fill_zero(value: &mut Value, key: &str, default: i64) {
    if value[key].is_null() || value[key] == 0 {
        value[key] = json!(default);
    }
}

fn http_get(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet") {
        if blank(&get["path"]) {
            get["path"] = json!("/");
        }
        if blank(&get["scheme"]) {
            get["scheme"] = json!("HTTP");
        }
    }
}

const FILE_MODE: i64 = 0o644;

fn volume(volume: &mut Value) {
    if volume.as_object().is_some_and(|it| it.keys().all(|key| key == "name")) {
        volume["emptyDir"] = json!({});
    }
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        if let Some(it) = volume.get_mut(source) {
            fill(it, "defaultMode", FILE_MODE);
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        fill(path, "type", "");
    }
    if let Some(it) = volume.get_mut("downwardAPI") {
        downward(it);
    }
    for source in items_mut(volume.get_mut("projected").and_then(|it| it.get_mut("sources"))) {
        if let Some(it) = source.get_mut("downwardAPI") {
            downward(it);
        }
        if let Some(token) = source.get_mut("serviceAccountToken") {
            fill(token, "expirationSeconds", 3600);
        }
    }
    if let Some(spec) = volume.get_mut("ephemeral").and_then(|it| it.pointer_mut("/volumeClaimTemplate/spec")) {
        super::claim_spec(spec);
    }
}

fn downward(source: &mut Value) {
    for it in items_mut(source.get_mut("items")) {
        field_reference(it);
    }
}
