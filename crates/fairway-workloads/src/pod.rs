//! Questions about a Pod that several controllers ask.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta, Time};
use kube::{Resource, ResourceExt};

/// A Pod made from a template for its owner, which still has to name it.
pub(crate) fn from_template<O>(template: &PodTemplateSpec, owner: &O) -> Pod
where
    O: Resource<DynamicType = ()>,
{
    let metadata = template.metadata.clone().unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", base(owner))),
            namespace: owner.namespace(),
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: metadata.finalizers,
            owner_references: owner.controller_owner_ref(&()).map(|it| vec![it]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}

/// What a name of a Pod begins with: so much of its owner's that a suffix still fits.
pub(crate) fn base<O>(owner: &O) -> String
where
    O: Resource<DynamicType = ()>,
{
    let mut base = owner.name_any();
    base.truncate(57);
    base
}

/// Whether this object controls it.
pub(crate) fn is_of<O>(pod: &Pod, owner: &O) -> bool
where
    O: ResourceExt,
{
    let uid = owner.uid();
    pod.owner_references().iter().any(|it| it.controller == Some(true) && Some(&it.uid) == uid.as_ref())
}

/// Whether nobody controls it.
pub(crate) fn is_orphan(pod: &Pod) -> bool {
    !pod.owner_references().iter().any(|it| it.controller == Some(true))
}

/// Labels as a list request wants them.
pub(crate) fn list_selector(selector: Option<&LabelSelector>) -> String {
    let labels = selector.and_then(|it| it.match_labels.as_ref());
    labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Whether it passes its readiness checks.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    ready_since(pod).is_some()
}

/// Since when it passes its readiness checks.
pub(crate) fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|it| it.type_ == "Ready" && it.status == "True")?;
    Some(ready.last_transition_time.as_ref().map_or(Timestamp::MIN, |Time(at)| *at))
}

/// Whether it has been ready long enough to count.
pub(crate) fn is_available(pod: &Pod, min_ready: Duration, now: Timestamp) -> bool {
    ready_since(pod).is_some_and(|since| {
        min_ready.is_zero() || since.saturating_add(min_ready).is_ok_and(|available| available <= now)
    })
}

/// Whether it still counts as running: neither finished nor on its way out.
pub(crate) fn is_active(pod: &Pod) -> bool {
    !is_finished(pod) && pod.metadata.deletion_timestamp.is_none()
}

/// Whether it ran to its end.
pub(crate) fn is_finished(pod: &Pod) -> bool {
    matches!(pod.status.as_ref().and_then(|it| it.phase.as_deref()), Some("Succeeded" | "Failed"))
}

/// What it is worth keeping, least first: without a node, not running, not ready, ready the shortest.
pub(crate) fn worth(pod: &Pod) -> (bool, bool, bool, Reverse<Timestamp>, Reverse<Timestamp>) {
    let has_node = pod.spec.as_ref().is_some_and(|it| it.node_name.is_some());
    let runs = pod.status.as_ref().and_then(|it| it.phase.as_deref()) == Some("Running");
    let ready = ready_since(pod);
    let made = pod.creation_timestamp().map_or(Timestamp::MAX, |Time(at)| at);
    (has_node, runs, ready.is_some(), Reverse(ready.unwrap_or(Timestamp::MAX)), Reverse(made))
}

/// Whether its labels are those a selector asks for. An empty selector selects everything.
pub(crate) fn is_selected(pod: &Pod, selector: &LabelSelector) -> bool {
    let labels = pod.labels();
    let equal = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    equal && selector.match_expressions.iter().flatten().all(|it| meets(labels, it))
}

fn meets(labels: &std::collections::BTreeMap<String, String>, requirement: &LabelSelectorRequirement) -> bool {
    let value = labels.get(&requirement.key);
    let among = || value.is_some_and(|it| requirement.values.iter().flatten().any(|other| other == it));
    match requirement.operator.as_str() {
        "In" => among(),
        "NotIn" => !among(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}
