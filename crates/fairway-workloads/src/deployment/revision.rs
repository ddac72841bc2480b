//! Which ReplicaSet belongs to which template, and how they are numbered.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};

/// Annotation: the number of a template's turn.
pub(super) const ANNOTATION: &str = "deployment.kubernetes.io/revision";
/// Annotation: how many Pods the Deployment wanted when the ReplicaSet got its size.
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// Annotation: how many it might have had at most.
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// Label: which template a ReplicaSet and its Pods were made from.
pub(super) const LABEL: &str = "pod-template-hash";
/// Annotations of the Deployment that are not those of its ReplicaSets.
const NOT_COPIED: &[&str] = &[ANNOTATION, DESIRED, MOST, "kubectl.kubernetes.io/last-applied-configuration"];

/// A short word that follows from the template alone. JSON keys are sorted, so equal templates have equal words.
pub(super) fn hash(template: &PodTemplateSpec) -> String {
    crate::word::of(&serde_json::to_vec(template).unwrap_or_default())
}

/// The ReplicaSet whose template is the Deployment's; the oldest, if there are several.
pub(super) fn newest<'a>(deployment: &Deployment, sets: &'a [ReplicaSet]) -> Option<&'a ReplicaSet> {
    let wanted = deployment.spec.as_ref().map(|it| &it.template)?;
    let mut matching: Vec<&ReplicaSet> = sets.iter().filter(|it| same_template(it, wanted)).collect();
    matching.sort_by_key(|it| (it.creation_timestamp(), it.name_any()));
    matching.first().copied()
}

/// Whether a ReplicaSet was made from this template: equal, but for the label that tells templates apart.
fn same_template(set: &ReplicaSet, wanted: &PodTemplateSpec) -> bool {
    let Some(template) = set.spec.as_ref().and_then(|it| it.template.as_ref()) else { return false };
    let mut template = template.clone();
    if let Some(labels) = template.metadata.as_mut().and_then(|it| it.labels.as_mut()) {
        labels.remove(LABEL);
    }
    template == *wanted
}

/// A ReplicaSet's number.
pub(super) fn number(set: &ReplicaSet) -> i64 {
    set.annotations().get(ANNOTATION).and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// What a ReplicaSet remembers of its turn and of the size it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notes {
    pub(super) revision: i64,
    pub(super) desired: i32,
    pub(super) most: i32,
}

impl Notes {
    /// As annotations.
    pub(super) fn annotations(self) -> [(String, String); 3] {
        [
            (ANNOTATION.to_owned(), self.revision.to_string()),
            (DESIRED.to_owned(), self.desired.to_string()),
            (MOST.to_owned(), self.most.to_string()),
        ]
    }
}

/// A number that a ReplicaSet remembers.
pub(super) fn noted(set: &ReplicaSet, annotation: &str) -> Option<i32> {
    set.annotations().get(annotation)?.parse().ok()
}

/// The ReplicaSet for the Deployment's template.
pub(super) fn make(deployment: &Deployment, replicas: i32, notes: &Notes) -> ReplicaSet {
    let spec = deployment.spec.clone().unwrap_or_default();
    let hash = hash(&spec.template);
    let mut template = spec.template;
    let mut labels = template.metadata.as_ref().and_then(|it| it.labels.clone()).unwrap_or_default();
    labels.insert(LABEL.to_owned(), hash.clone());
    template.metadata.get_or_insert_default().labels = Some(labels.clone());
    let mut selector = spec.selector;
    selector.match_labels.get_or_insert_default().insert(LABEL.to_owned(), hash.clone());
    let mut annotations = deployment.annotations().clone();
    annotations.retain(|key, _| !NOT_COPIED.contains(&key.as_str()));
    annotations.extend(notes.annotations());
    ReplicaSet {
        metadata: ObjectMeta {
            name: Some(format!("{}-{hash}", deployment.name_any())),
            namespace: deployment.namespace(),
            labels: Some(labels),
            annotations: Some(annotations),
            owner_references: deployment.controller_owner_ref(&()).map(|it| vec![it]),
            ..ObjectMeta::default()
        },
        spec: Some(ReplicaSetSpec {
            replicas: Some(replicas),
            min_ready_seconds: spec.min_ready_seconds,
            selector,
            template: Some(template),
        }),
        status: None,
    }
}
