//! The templates a StatefulSet had. Each is kept as a ControllerRevision, and its Pods say which one they were made from.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

/// Label of a Pod: the ControllerRevision it was made from.
pub(super) const LABEL: &str = "controller-revision-hash";
/// Label of a ControllerRevision: the word in its name.
const HASH: &str = "controller.kubernetes.io/hash";

/// One template, by the name of its ControllerRevision.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Revision {
    pub(super) name: String,
    pub(super) template: PodTemplateSpec,
}

/// Those that matter now.
#[derive(Debug, PartialEq)]
pub(super) struct Revisions {
    /// Which the last finished rollout brought.
    pub(super) current: Revision,
    /// Which is wanted.
    pub(super) update: Revision,
    pub(super) write: Option<Write>,
    /// Beyond those that are kept for a rollback.
    pub(super) surplus: Vec<String>,
}

/// What must be written before a Pod may name it.
#[derive(Debug, PartialEq)]
pub(super) enum Write {
    Create(Box<ControllerRevision>),
    /// A template came back: it is the newest again.
    Renumber {
        name: String,
        number: i64,
    },
}

/// Decides which of the known ones the set's template is.
pub(super) fn choose(set: &StatefulSet, known: &[ControllerRevision], pods: &[&Pod]) -> Revisions {
    let mut known: Vec<&ControllerRevision> = known.iter().collect();
    known.sort_by_key(|it| (it.revision, it.creation_timestamp(), it.name_any()));
    let spec = set.spec.clone().unwrap_or_default();
    let wanted = data(&spec.template);
    let number = known.last().map_or(1, |it| it.revision.saturating_add(1));
    let same = known.iter().rev().find(|it| it.data.as_ref().is_some_and(|it| it.0 == wanted));
    let (name, write) = match same {
        Some(it) if it.revision + 1 == number => (it.name_any(), None),
        Some(it) => (it.name_any(), Some(Write::Renumber { name: it.name_any(), number })),
        None => {
            let made = make(set, wanted, number);
            (made.name_any(), Some(Write::Create(Box::new(made))))
        }
    };
    let update = Revision { name, template: spec.template };
    let noted = set.status.as_ref().and_then(|it| it.current_revision.as_deref());
    let current = known.iter().find(|it| Some(it.name_any().as_str()) == noted).and_then(|it| read(it));
    let current = current.unwrap_or_else(|| update.clone());
    let is_live = |name: &str| name == current.name || name == update.name || pods.iter().any(|it| of(it) == name);
    let mut surplus: Vec<String> = known.iter().map(|it| it.name_any()).filter(|it| !is_live(it)).collect();
    let kept = usize::try_from(spec.revision_history_limit.unwrap_or(10)).unwrap_or(0);
    surplus.truncate(surplus.len().saturating_sub(kept));
    Revisions { current, update, write, surplus }
}

/// The name of the revision a Pod was made from.
pub(super) fn of(pod: &Pod) -> &str {
    pod.labels().get(LABEL).map_or("", String::as_str)
}

/// What a ControllerRevision holds: a patch that brings the template back.
fn data(template: &PodTemplateSpec) -> Value {
    let mut template = serde_json::to_value(template).unwrap_or_default();
    template["$patch"] = json!("replace");
    json!({ "spec": { "template": template } })
}

fn read(revision: &ControllerRevision) -> Option<Revision> {
    let mut template = revision.data.as_ref()?.0.pointer("/spec/template")?.clone();
    template.as_object_mut()?.remove("$patch");
    Some(Revision { name: revision.name_any(), template: serde_json::from_value(template).ok()? })
}

fn make(set: &StatefulSet, data: Value, number: i64) -> ControllerRevision {
    let collisions = set.status.as_ref().and_then(|it| it.collision_count).unwrap_or(0);
    let hash = crate::word::of(format!("{data}{collisions}").as_bytes());
    let spec = set.spec.as_ref();
    let template = spec.and_then(|it| it.template.metadata.as_ref()).and_then(|it| it.labels.clone());
    let mut labels = template.unwrap_or_default();
    labels.insert(HASH.to_owned(), hash.clone());
    ControllerRevision {
        metadata: ObjectMeta {
            name: Some(format!("{}-{hash}", set.name_any())),
            namespace: set.namespace(),
            labels: Some(labels),
            annotations: set.metadata.annotations.clone(),
            owner_references: set.controller_owner_ref(&()).map(|it| vec![it]),
            ..ObjectMeta::default()
        },
        data: Some(RawExtension(data)),
        revision: number,
    }
}

#[cfg(test)]
mod tests;
