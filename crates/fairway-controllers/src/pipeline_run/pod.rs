//! The objects of a run: its workspace, its Project's cache, and a Pod for each step. Pure.

use std::collections::BTreeMap;

use fairway_api::names::{LABEL_COMPONENT, LABEL_PROJECT, LABEL_RUN, LABEL_STEP};
use fairway_api::v1alpha1::PipelineRun;
use fairway_outside::EGRESS_ANNOTATION;
use fairway_outside::trust::BUNDLE_VARIABLES;
use fairway_plan::pipeline::file::{Pipeline, Step};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::authorities;
use super::cache::Cache;
use crate::hosting::Toolchain;

/// The cache that a run uses, in its workspace's claim: from then on it is that one.
const USES: &str = "fairway.dev/cache";
/// How many processes and threads a step may have: more than builds need, and fewer than a machine has.
const PROCESSES: &str = "1024";
/// How many a Pod's containers may have.
const PROCESS_LIMIT: &str = "node.fairway.dev/pids-limit";
/// Where steps work.
const WORKSPACE_PATH: &str = "/workspace";
/// Where caches are.
const CACHE_PATH: &str = "/cache";
/// Where the authorities of the machine are in a base image.
const AUTHORITIES_PATH: &str = "/var/run/authorities";
/// The commit that a workspace holds.
const HOLDS: &str = "fairway.dev/commit";
/// How much a Pod's containers may say; the beginning is kept.
const LOG_LIMIT: &str = "node.fairway.dev/log-limit";
/// The user that steps run as.
const USER: i64 = 1000;

/// The claim of a run's workspace.
pub(super) fn workspace_name(run: &PipelineRun) -> String {
    format!("{}-workspace", run.name_any())
}

/// The Pod of a step.
pub(super) fn pod_name(run: &PipelineRun, step: &str) -> String {
    format!("{}-{step}", run.name_any())
}

/// Whether a workspace was filled with a commit.
pub(super) fn holds(claim: &PersistentVolumeClaim, commit: &str) -> bool {
    claim.annotations().get(HOLDS).is_some_and(|it| it == commit)
}

/// What says so.
pub(super) fn filled(commit: &str) -> Value {
    json!({ "metadata": { "annotations": { HOLDS: commit } } })
}

fn labels(run: &PipelineRun) -> BTreeMap<String, String> {
    let home = run.namespace().unwrap_or_default();
    let labels =
        [(LABEL_PROJECT, home), (LABEL_COMPONENT, run.spec.component_name.clone()), (LABEL_RUN, run.name_any())];
    labels.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The cache that a run with this workspace uses.
pub(super) fn uses(claim: &PersistentVolumeClaim) -> Option<Cache> {
    let name = claim.annotations().get(USES)?;
    [Cache::Releases, Cache::Branches].into_iter().find(|it| it.claim() == name)
}

/// The claim of a run's workspace.
pub(super) fn workspace(run: &PipelineRun, pipeline: &Pipeline, cache: Cache) -> Value {
    let mut claim = claim(&workspace_name(run), &pipeline.workspace().to_string());
    claim["metadata"]["labels"] = json!(labels(run));
    claim["metadata"]["annotations"] = json!({ USES: cache.claim() });
    claim["metadata"]["ownerReferences"] = json!(run.controller_owner_ref(&()).map(|it| vec![it]));
    claim
}

/// The claim of one of the Project's caches.
pub(super) fn cache(cache: Cache, bytes: u64) -> Value {
    claim(cache.claim(), &bytes.to_string())
}

fn claim(name: &str, size: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": name },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": size } } },
    })
}

/// What a step sees besides its workspace.
pub(super) struct Shown {
    pub(super) cache: Cache,
    /// Whether the machine's authorities have to be shown to it.
    pub(super) authorities: bool,
}

/// The Pod of a step.
pub(super) fn pod(
    run: &PipelineRun,
    step: &Step,
    toolchain: &Toolchain,
    shown: &Shown,
) -> Result<Pod, serde_json::Error> {
    let mut labels = labels(run);
    labels.insert(LABEL_STEP.to_owned(), step.name.clone());
    let mut annotations = json!({ LOG_LIMIT: step.log.max(1).to_string(), PROCESS_LIMIT: PROCESSES });
    if let Some(network) = &step.network {
        annotations[EGRESS_ANNOTATION] = json!(network.join(","));
    }
    let mut volumes = vec![
        json!({ "name": "workspace", "persistentVolumeClaim": { "claimName": workspace_name(run) } }),
        json!({ "name": "cache", "persistentVolumeClaim": { "claimName": shown.cache.claim() } }),
    ];
    if toolchain.base.is_some() {
        volumes.push(json!({ "name": "tmp", "emptyDir": {} }));
    }
    if shown.authorities {
        volumes.push(json!({ "name": "authorities", "configMap": { "name": authorities::CONFIG_MAP } }));
    }
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": pod_name(run, &step.name),
            "namespace": run.namespace(),
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": run.controller_owner_ref(&()).map(|it| vec![it]),
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": step.timeout,
            "terminationGracePeriodSeconds": 5,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [container(run, step, toolchain, shown.authorities)],
            "volumes": volumes,
        },
    }))
}

fn container(run: &PipelineRun, step: &Step, toolchain: &Toolchain, authorities: bool) -> Value {
    // What a step asks for comes last, and wins.
    let usual = [("CI", "true"), ("FAIRWAY_COMPONENT", run.spec.component_name.as_str())];
    let mut variables: BTreeMap<String, String> = usual.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    variables.extend(toolchain.variables(&run.spec.component_name));
    let mut mounts = vec![
        json!({ "name": "workspace", "mountPath": WORKSPACE_PATH }),
        json!({ "name": "cache", "mountPath": CACHE_PATH }),
    ];
    // A host image has a folder for what is thrown away, and shows the machine's authorities.
    if toolchain.base.is_some() {
        mounts.push(json!({ "name": "tmp", "mountPath": "/tmp" }));
    }
    if authorities {
        mounts.push(json!({ "name": "authorities", "mountPath": AUTHORITIES_PATH, "readOnly": true }));
        let file = format!("{AUTHORITIES_PATH}/{}", authorities::KEY);
        let told = BUNDLE_VARIABLES.iter().chain(&["NODE_EXTRA_CA_CERTS", "PIP_CERT"]);
        variables.extend(told.map(|it| ((*it).to_owned(), file.clone())));
    }
    variables.extend(step.environment.clone());
    let env: Vec<Value> = variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "name": "step",
        "image": toolchain.image,
        "command": ["/bin/sh", "-eu", "-c", step.run],
        "workingDir": WORKSPACE_PATH,
        "env": env,
        "resources": {
            // What is promised is little, so that steps find a place; what is allowed is what the file says.
            "requests": { "cpu": "10m", "memory": "16Mi" },
            "limits": { "cpu": format!("{}m", step.cpu), "memory": step.memory.to_string() },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": mounts,
    })
}

#[cfg(test)]
mod tests;
