//! Which fields of a kind a field selector may name, and what they hold.

use std::borrow::Cow;

use serde_json::Value;

use crate::registry::Served;

/// By collection: the fields beside name and namespace.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "core/pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
    ),
    (
        "core/events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("core/nodes", &["spec.unschedulable"]),
    ("core/namespaces", &["status.phase"]),
    ("core/secrets", &["type"]),
    ("core/services", &["spec.clusterIP", "spec.type"]),
    ("core/replicationcontrollers", &["status.replicas"]),
    ("apps/replicasets", &["status.replicas"]),
    ("batch/jobs", &["status.successful"]),
    ("certificates.k8s.io/certificatesigningrequests", &["spec.signerName"]),
];

/// Whether objects of a resource can be selected by a field.
pub(super) fn is_selectable(served: &Served, field: &str) -> bool {
    FIELDS.iter().any(|(storage, fields)| *storage == &*served.storage && fields.contains(&field))
}

/// What a kept object holds there, as text; empty where it holds nothing.
pub(super) fn value<'a>(tree: &'a Value, field: &str) -> Cow<'a, str> {
    let path = match field {
        "source" => "source.component",
        "status.successful" => "status.succeeded",
        other => other,
    };
    let found = path.split('.').try_fold(tree, |it, key| it.get(key));
    match found {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Null) | None => Cow::Borrowed(absent(field)),
        Some(other) => Cow::Owned(other.to_string()),
    }
}

/// Switches and counts that are not there are off and zero.
fn absent(field: &str) -> &'static str {
    match field {
        "spec.unschedulable" | "spec.hostNetwork" => "false",
        "status.replicas" | "status.successful" => "0",
        _ => "",
    }
}
