//! What to do for a claim: a pure function of the claim and of whether somebody uses it.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::pods::containers::milli;

/// Keeps a claim until nobody uses it, as Kubernetes calls it.
const PROTECTION: &str = "kubernetes.io/pvc-protection";
/// The only class of storage that there is here; a claim that names none gets it too.
pub(super) const CLASS: &str = "folder";

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// It is not ours to do anything.
    Nothing,
    /// It is used; look again.
    Wait,
    /// It can never be bound here, and why.
    Refuse(String),
    /// Give it its folder, which may hold so many bytes.
    Bind(Option<u64>),
    /// Remove its folder and let it go.
    Remove,
}

pub(super) fn decide(claim: &PersistentVolumeClaim, is_used: bool) -> Step {
    if claim.metadata.deletion_timestamp.is_some() {
        let is_ours = claim.finalizers().iter().any(|it| it == PROTECTION);
        return match (is_ours, is_used) {
            (false, _) => Step::Nothing,
            (true, true) => Step::Wait,
            (true, false) => Step::Remove,
        };
    }
    match refusal(claim) {
        Some(why) => Step::Refuse(why),
        None => Step::Bind(limit(claim)),
    }
}

fn refusal(claim: &PersistentVolumeClaim) -> Option<String> {
    let spec = claim.spec.as_ref()?;
    let class = spec.storage_class_name.as_deref().unwrap_or_default();
    if !matches!(class, "" | CLASS) {
        return Some(format!("storageclass.storage.k8s.io {class:?} not found; this node has {CLASS:?}"));
    }
    if spec.volume_mode.as_deref().is_some_and(|it| it != "Filesystem") {
        return Some("spec.volumeMode: this node has volumes of mode Filesystem only".into());
    }
    let named = spec.volume_name.as_deref().unwrap_or_default();
    if !named.is_empty() && named != volume_name(claim) {
        return Some(format!("spec.volumeName: persistentvolume {named:?} not found; leave the field empty"));
    }
    if spec.selector.is_some() || spec.data_source.is_some() || spec.data_source_ref.is_some() {
        return Some("spec.selector and spec.dataSource: volumes of this node begin empty; remove the field".into());
    }
    None
}

fn volume_name(claim: &PersistentVolumeClaim) -> String {
    format!("pvc-{}", claim.uid().unwrap_or_default())
}

/// `requests.storage` in bytes.
fn limit(claim: &PersistentVolumeClaim) -> Option<u64> {
    let resources = claim.spec.as_ref()?.resources.as_ref()?;
    Some(milli(resources.requests.as_ref()?.get("storage")?)?.div_ceil(1000))
}

/// The patch that names the volume and keeps the claim from going while it is used.
pub(super) fn tie(claim: &PersistentVolumeClaim) -> Option<Value> {
    let has_name = claim.spec.as_ref().and_then(|it| it.volume_name.as_deref()).is_some_and(|it| !it.is_empty());
    let mut finalizers = claim.finalizers().to_vec();
    let is_kept = finalizers.iter().any(|it| it == PROTECTION);
    if has_name && is_kept {
        return None;
    }
    if !is_kept {
        finalizers.push(PROTECTION.to_owned());
    }
    Some(json!({
        "metadata": { "resourceVersion": claim.resource_version(), "finalizers": finalizers },
        "spec": { "volumeName": volume_name(claim) },
    }))
}

/// The patch that says that it is bound, if that is news.
pub(super) fn status(claim: &PersistentVolumeClaim) -> Option<Value> {
    let spec = claim.spec.as_ref()?;
    let asked = spec.resources.as_ref().and_then(|it| it.requests.as_ref()).and_then(|it| it.get("storage"));
    let known = claim.status.clone().unwrap_or_default();
    let capacity = known.capacity.as_ref().and_then(|it| it.get("storage"));
    if known.phase.as_deref() == Some("Bound") && capacity == asked && known.access_modes == spec.access_modes {
        return None;
    }
    Some(json!({ "metadata": { "uid": claim.uid() }, "status": {
        "phase": "Bound", "accessModes": spec.access_modes, "capacity": { "storage": asked } } }))
}

/// The patch that lets the claim go.
pub(super) fn untie(claim: &PersistentVolumeClaim) -> Value {
    let others: Vec<_> = claim.finalizers().iter().filter(|it| *it != PROTECTION).collect();
    json!({ "metadata": { "resourceVersion": claim.resource_version(), "finalizers": others } })
}

#[cfg(test)]
mod tests;
