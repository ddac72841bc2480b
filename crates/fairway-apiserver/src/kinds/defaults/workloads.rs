//! Everything that makes pods from a template and keeps them.

use serde_json::{Value, json};

use super::pod::template;
use crate::kinds::tree::{child, fill, items_mut, remove};

pub(super) fn deployment(object: &mut Value) {
    let spec = child(object, "spec");
    template(child(spec, "template"));
    fill(spec, "replicas", 1);
    fill(spec, "revisionHistoryLimit", 10);
    fill(spec, "progressDeadlineSeconds", 600);
    let strategy = child(spec, "strategy");
    fill(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = child(strategy, "rollingUpdate");
        fill(rolling, "maxUnavailable", "25%");
        fill(rolling, "maxSurge", "25%");
    }
}

pub(super) fn replica_set(object: &mut Value) {
    let spec = child(object, "spec");
    template(child(spec, "template"));
    fill(spec, "replicas", 1);
}

/// The selector is the template's labels unless given, and so are the labels of the object itself.
pub(super) fn replication_controller(object: &mut Value) {
    replica_set(object);
    // The schema marks a default that Go then leaves out.
    if object["spec"]["minReadySeconds"] == 0 {
        remove(&mut object["spec"], "minReadySeconds");
    }
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    if labels.is_object() {
        fill(&mut object["spec"], "selector", labels.clone());
        fill(child(object, "metadata"), "labels", labels);
    }
}

pub(super) fn daemon_set(object: &mut Value) {
    let spec = child(object, "spec");
    template(child(spec, "template"));
    fill(spec, "revisionHistoryLimit", 10);
    let strategy = child(spec, "updateStrategy");
    fill(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = child(strategy, "rollingUpdate");
        fill(rolling, "maxUnavailable", 1);
        fill(rolling, "maxSurge", 0);
    }
}

pub(super) fn stateful_set(object: &mut Value) {
    let spec = child(object, "spec");
    template(child(spec, "template"));
    fill(spec, "replicas", 1);
    fill(spec, "revisionHistoryLimit", 10);
    fill(spec, "podManagementPolicy", "OrderedReady");
    let strategy = child(spec, "updateStrategy");
    fill(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        fill(child(strategy, "rollingUpdate"), "partition", 0);
    }
    let retention = child(spec, "persistentVolumeClaimRetentionPolicy");
    fill(retention, "whenDeleted", "Retain");
    fill(retention, "whenScaled", "Retain");
    for claim in items_mut(spec.get_mut("volumeClaimTemplates")) {
        claim["kind"] = json!("PersistentVolumeClaim");
        claim["apiVersion"] = json!("v1");
        super::claim(claim);
    }
}
