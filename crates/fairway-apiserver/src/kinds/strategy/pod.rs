//! Pods: first status, quality of service, and what admission adds to every pod.

use serde_json::{Value, json};

use super::keep;
use crate::kinds::tree::{blank, child, entries, fill, items, items_mut, text};

pub(super) fn create(object: &mut Value) {
    let class = quality_of_service(&object["spec"]);
    object["status"] = json!({ "phase": "Pending", "qosClass": class });
    let spec = child(object, "spec");
    fill(spec, "priority", 0);
    fill(spec, "preemptionPolicy", "PreemptLowerPriority");
    tolerations(spec);
}

/// The tolerations are the server's to set, and may be added to.
pub(super) fn update(new: &mut Value, old: &Value) {
    let spec = child(new, "spec");
    for field in ["priority", "preemptionPolicy", "serviceAccountName", "serviceAccount", "nodeName"] {
        if spec[field].is_null() {
            keep(spec, &old["spec"], &[field]);
        }
    }
}

/// `Guaranteed` where every container limits cpu and memory to what it requests, `BestEffort` where none says
/// anything, else `Burstable`.
fn quality_of_service(spec: &Value) -> &'static str {
    let containers = || items(&spec["initContainers"]).iter().chain(items(&spec["containers"]));
    let compute = |it: &Value| entries(it).any(|(name, _)| name == "cpu" || name == "memory");
    if !containers().any(|it| compute(&it["resources"]["requests"]) || compute(&it["resources"]["limits"])) {
        return "BestEffort";
    }
    let guaranteed = |it: &Value| {
        ["cpu", "memory"].iter().all(|name| {
            let (limit, request) = (&it["resources"]["limits"][name], &it["resources"]["requests"][name]);
            limit.is_string() && limit == request
        })
    };
    if containers().all(guaranteed) { "Guaranteed" } else { "Burstable" }
}

/// A pod survives five minutes of a lost node unless it says otherwise.
fn tolerations(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let said = items(&spec["tolerations"])
            .iter()
            .any(|it| (it["key"] == key || blank(&it["key"])) && (it["effect"] == "NoExecute" || blank(&it["effect"])));
        if said {
            continue;
        }
        let wanted = json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 });
        let mut all = items(&spec["tolerations"]).to_vec();
        all.push(wanted);
        spec["tolerations"] = Value::Array(all);
    }
}

const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_VOLUME: &str = "kube-api-access-";

/// The ServiceAccount a pod names is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found")]
pub struct NoServiceAccount {
    pub namespace: String,
    pub name: String,
}

/// Admission of a new pod: it runs as a ServiceAccount (`default` unless it says otherwise), whose token is mounted
/// unless pod or account decline. `look_up` reads the account of that name in the pod's namespace; `suffix` makes the
/// volume's name its own (five characters).
pub fn service_account(
    pod: &mut Value,
    namespace: &str,
    suffix: &str,
    look_up: impl FnOnce(&str) -> Option<Value>,
) -> Result<(), NoServiceAccount> {
    // A mirror of a pod that runs anyway has no account.
    if pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string() {
        return Ok(());
    }
    let spec = child(pod, "spec");
    if blank(&spec["serviceAccountName"]) {
        spec["serviceAccountName"] = json!("default");
    }
    let name = text(&spec["serviceAccountName"]).to_owned();
    spec["serviceAccount"] = json!(name);
    let Some(account) = look_up(&name) else {
        return Err(NoServiceAccount { namespace: namespace.to_owned(), name });
    };
    let wanted = spec["automountServiceAccountToken"].as_bool().or(account["automountServiceAccountToken"].as_bool());
    if wanted.unwrap_or(true) {
        mount_token(spec, suffix);
    }
    let secrets = account["imagePullSecrets"].clone();
    if items(&spec["imagePullSecrets"]).is_empty() && !items(&secrets).is_empty() {
        spec["imagePullSecrets"] = secrets;
    }
    Ok(())
}

fn mount_token(spec: &mut Value, suffix: &str) {
    let existing = items(&spec["volumes"]).iter().map(|it| text(&it["name"])).find(|it| it.starts_with(TOKEN_VOLUME));
    let known = existing.is_some();
    let volume = existing.map_or_else(|| format!("{TOKEN_VOLUME}{suffix}"), str::to_owned);
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in items_mut(spec.get_mut(list)) {
            if items(&container["volumeMounts"]).iter().any(|it| it["mountPath"] == TOKEN_FOLDER) {
                continue;
            }
            let mut mounts = items(&container["volumeMounts"]).to_vec();
            mounts.push(json!({ "name": volume, "readOnly": true, "mountPath": TOKEN_FOLDER }));
            container["volumeMounts"] = Value::Array(mounts);
            mounted = true;
        }
    }
    if mounted && !known {
        let mut volumes = items(&spec["volumes"]).to_vec();
        volumes.push(json!({ "name": volume, "projected": { "defaultMode": 0o644, "sources": [
            { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [
                { "path": "namespace", "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } },
            ] } },
        ] } }));
        spec["volumes"] = Value::Array(volumes);
    }
}
