//! Which version and plan of its class a Resource gets.

use fairway_api::v1alpha1::{
    ClassPlan, ClassVersion, ResourceClassSpec, ResourceReason, ResourceSpec, ResourceStatus, Tier,
};

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The version.
    pub version: &'a ClassVersion,
    /// The plan.
    pub plan: &'a ClassPlan,
}

/// Why there is no choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason of the condition.
    pub reason: ResourceReason,
    /// What is wrong, and what there is.
    pub message: String,
}

/// Chooses. What a Resource has it keeps: its version does not change, nor its plan because a default did.
pub fn choose<'a>(
    spec: &ResourceSpec,
    class: &'a ResourceClassSpec,
    tier: Tier,
    status: &ResourceStatus,
) -> Result<Choice<'a>, Refusal> {
    let refuse = |reason, message| Err(Refusal { reason, message });
    let named = &spec.class_name;
    if let (Some(wanted), Some(has)) = (&spec.version, &status.version)
        && wanted != has
    {
        let message = format!("version {wanted:?} is asked for, and it was made with {has:?}: that does not change");
        return refuse(ResourceReason::VersionFixed, message);
    }
    let version = spec.version.as_ref().or(status.version.as_ref());
    let found = version.map_or_else(|| class.versions.first(), |it| class.versions.iter().find(|v| v.name == *it));
    let Some(version) = found else {
        let there = listed(class.versions.iter().map(|it| it.name.as_str()));
        let message = format!("class {named} has no version {:?}; it has {there}", version.map_or("", |it| it));
        return refuse(ResourceReason::VersionNotFound, message);
    };
    let default = class.defaults.get(tier.as_str());
    let plan = spec.plan.as_ref().or(status.plan.as_ref()).or(default);
    let found = plan.map_or_else(|| class.plans.first(), |it| class.plans.iter().find(|p| p.name == *it));
    let Some(plan) = found else {
        let there = listed(class.plans.iter().map(|it| it.name.as_str()));
        let message = format!("class {named} has no plan {:?}; it has {there}", plan.map_or("", |it| it));
        return refuse(ResourceReason::PlanNotFound, message);
    };
    Ok(Choice { version, plan })
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
