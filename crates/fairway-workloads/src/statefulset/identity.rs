//! Who a Pod of a StatefulSet is: its number, its name, its claims. Pure.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};

use super::revision::{self, Revision};
use crate::pod::from_template;

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// A Pod's name.
pub(super) fn name(set: &StatefulSet, ordinal: i64) -> String {
    format!("{}-{ordinal}", set.name_any())
}

/// The number in a Pod's name, if it is a name of this set.
pub(super) fn ordinal(set: &StatefulSet, pod: &Pod) -> Option<i64> {
    let ordinal = pod.name_any().strip_prefix(&set.name_any())?.strip_prefix('-')?.parse().ok()?;
    (ordinal >= 0 && name(set, ordinal) == pod.name_any()).then_some(ordinal)
}

/// The Pod of this number.
pub(super) fn pod(set: &StatefulSet, ordinal: i64, revision: &Revision) -> Pod {
    let mut pod = from_template(&revision.template, set);
    let name = name(set, ordinal);
    pod.labels_mut().extend(labels(set, ordinal));
    pod.labels_mut().insert(revision::LABEL.to_owned(), revision.name.clone());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(name.clone());
    spec.subdomain = set.spec.as_ref().and_then(|it| it.service_name.clone()).filter(|it| !it.is_empty());
    let volumes = spec.volumes.get_or_insert_default();
    for template in templates(set) {
        volumes.retain(|it| it.name != template.name_any());
        let claim_name = claim_name(set, template, ordinal);
        let source = PersistentVolumeClaimVolumeSource { claim_name, read_only: None };
        volumes.push(Volume { name: template.name_any(), persistent_volume_claim: Some(source), ..Volume::default() });
    }
    if volumes.is_empty() {
        spec.volumes = None;
    }
    pod.metadata.name = Some(name);
    pod
}

/// The labels by which a Pod is told from its fellows.
pub(super) fn labels(set: &StatefulSet, ordinal: i64) -> [(String, String); 2] {
    [(POD_NAME.to_owned(), name(set, ordinal)), (POD_INDEX.to_owned(), ordinal.to_string())]
}

/// What each Pod gets a claim of its own from.
pub(super) fn templates(set: &StatefulSet) -> impl Iterator<Item = &PersistentVolumeClaim> {
    set.spec.iter().flat_map(|it| it.volume_claim_templates.iter().flatten())
}

/// The name of a Pod's claim.
pub(super) fn claim_name(set: &StatefulSet, template: &PersistentVolumeClaim, ordinal: i64) -> String {
    format!("{}-{}", template.name_any(), name(set, ordinal))
}

/// A Pod's claim.
pub(super) fn claim(set: &StatefulSet, template: &PersistentVolumeClaim, ordinal: i64) -> PersistentVolumeClaim {
    let selected = set.spec.as_ref().and_then(|it| it.selector.match_labels.clone()).unwrap_or_default();
    let mut labels = template.labels().clone();
    labels.extend(selected);
    let owners = retained(set).owners(set, None, &[]);
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(claim_name(set, template, ordinal)),
            namespace: set.namespace(),
            labels: Some(labels),
            annotations: template.metadata.annotations.clone(),
            owner_references: owners.filter(|it| !it.is_empty()),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}

/// When claims go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    with_set: bool,
    with_pod: bool,
}

/// What the set says about it; they stay unless it says otherwise.
pub(super) fn retained(set: &StatefulSet) -> Retention {
    let policy = set.spec.as_ref().and_then(|it| it.persistent_volume_claim_retention_policy.clone());
    let policy = policy.unwrap_or_default();
    let deletes = |it: Option<String>| it.as_deref() == Some("Delete");
    Retention { with_set: deletes(policy.when_deleted), with_pod: deletes(policy.when_scaled) }
}

impl Retention {
    /// Whose deletion takes a claim along: the set's, or that of its Pod (`condemned`) when that is one too many. Nothing
    /// where somebody else controls it.
    pub(super) fn owners(
        self,
        set: &StatefulSet,
        condemned: Option<&Pod>,
        before: &[OwnerReference],
    ) -> Option<Vec<OwnerReference>> {
        let ours = |it: &&OwnerReference| {
            (it.kind == "StatefulSet" && Some(&it.uid) == set.uid().as_ref()) || it.kind == "Pod"
        };
        let (_, others): (Vec<_>, Vec<_>) = before.iter().partition(ours);
        if others.iter().any(|it| it.controller == Some(true)) {
            return None;
        }
        let owner = match condemned {
            Some(pod) if self.with_pod => pod.controller_owner_ref(&()),
            _ if self.with_set => set.controller_owner_ref(&()),
            _ => None,
        };
        Some(others.into_iter().cloned().chain(owner).collect())
    }
}

/// Whether a claim is about to go with a Pod of this name that is no more, or is on its way already.
pub(super) fn is_going(claim: &PersistentVolumeClaim, pod: Option<&Pod>) -> bool {
    let uid = pod.and_then(ResourceExt::uid);
    claim.metadata.deletion_timestamp.is_some()
        || claim.owner_references().iter().any(|it| it.kind == "Pod" && Some(&it.uid) != uid.as_ref())
}

#[cfg(test)]
mod tests;
