//! Whether a Resource can be made as it is asked for. Pure: names in, newtypes or one [`Problem`] out.

use fairway_api::conditions::{READY, is_true};
use fairway_api::names::{EnvironmentName, ProjectName, ResourceName};
use fairway_api::v1alpha1::{ClassPlan, ClassVersion, Resource, ResourceClassSpec, ResourceReason};
use fairway_plan::resource::{self, Facts};
use kube::ResourceExt;

use super::observe::Observed;
use crate::TargetError;

/// What keeps a Resource from being made, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: ResourceReason,
    pub(super) message: String,
    /// Whether somebody has to change something.
    pub(super) stalled: bool,
    pub(super) next_step: Option<String>,
}

/// A Resource that can be made.
#[derive(Debug, Clone)]
pub(super) struct Valid {
    pub(super) name: ResourceName,
    pub(super) namespace: String,
    pub(super) project: ProjectName,
    pub(super) environment: EnvironmentName,
    pub(super) component: Option<String>,
    pub(super) class: ResourceClassSpec,
    pub(super) version: ClassVersion,
    pub(super) plan: ClassPlan,
}

impl Valid {
    pub(super) fn facts<'a>(&'a self, image: &'a str, serial: u64) -> Facts<'a> {
        Facts {
            name: self.name.as_str(),
            namespace: &self.namespace,
            component: self.component.as_deref(),
            project: self.project.as_str(),
            environment: self.environment.as_str(),
            version: &self.version.name,
            plan: &self.plan,
            image,
            serial,
        }
    }
}

fn problem(reason: ResourceReason, message: impl Into<String>, next_step: Option<String>) -> Problem {
    Problem { reason, message: message.into(), stalled: true, next_step }
}

/// What the target says no to, until something changes.
pub(super) fn refused(error: TargetError) -> Result<Problem, TargetError> {
    match error {
        TargetError::Taken(message) => Ok(problem(ResourceReason::ObjectTaken, message, None)),
        TargetError::Refused(message) => {
            // What the cluster says no to now it may take later: a kind that it does not know yet.
            Ok(Problem { stalled: false, ..problem(ResourceReason::ApplyFailed, message, None) })
        }
        failed @ TargetError::Failed(_) => Err(failed),
    }
}

/// Texts of the class that cannot become objects here.
pub(super) fn unrendered(class: &str, findings: &[fairway_plan::Finding]) -> Problem {
    let message = findings.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let next = format!("kubectl get resourceclass {class} -o yaml");
    problem(ResourceReason::RenderFailed, message, Some(next))
}

pub(super) fn validate(resource: &Resource, observed: &Observed) -> Result<Valid, Problem> {
    let name = ResourceName::parse(&resource.name_any())
        .map_err(|it| problem(ResourceReason::InvalidName, it.to_string(), None))?;
    let namespace = resource.namespace().unwrap_or_default();
    let nowhere = || {
        let message =
            format!("namespace {namespace} is not that of an environment; resources live in their environment's");
        problem(ResourceReason::EnvironmentNotFound, message, Some("platform get environments".to_owned()))
    };
    let (project, environment) = observed.place.as_ref().ok_or_else(nowhere)?;
    let project = ProjectName::parse(project).map_err(|_| nowhere())?;
    let environment = EnvironmentName::parse(environment).map_err(|_| nowhere())?;
    let tier = observed.environment.as_ref().ok_or_else(nowhere)?.spec.tier;
    if let Some(secret) = &observed.taken {
        let message = format!(
            "secret {secret} is not its own, and what a workload is told would lie there; rename that secret, or make \
             a resource of another name than {name}"
        );
        let next = format!("kubectl describe secret {secret} -n {namespace}");
        return Err(problem(ResourceReason::ObjectTaken, message, Some(next)));
    }
    let wanted = &resource.spec.class_name;
    let look = || Some(format!("kubectl get resourceclass {wanted} -o yaml"));
    let Some(class) = &observed.class else {
        let there = if observed.classes.is_empty() {
            "there is none".to_owned()
        } else {
            format!("there are {}", observed.classes.join(", "))
        };
        let message = format!("there is no resource class {wanted}; {there}");
        let next = Some("kubectl get resourceclasses".to_owned());
        return Err(problem(ResourceReason::ClassNotFound, message, next));
    };
    let said = class.status.clone().unwrap_or_default();
    if !is_true(&said.conditions, READY) || said.observed_generation != class.metadata.generation {
        let judged = said.observed_generation == class.metadata.generation;
        let why = if judged { said.explanation.summary } else { "it is being checked".to_owned() };
        let refusal = problem(ResourceReason::ClassNotReady, format!("class {wanted} cannot be used: {why}"), look());
        return Err(Problem { stalled: judged, ..refusal });
    }
    let status = resource.status.clone().unwrap_or_default();
    let choice = resource::choose(&resource.spec, &class.spec, tier, &status)
        .map_err(|it| problem(it.reason, it.message, look()))?;
    Ok(Valid {
        name,
        namespace: namespace.clone(),
        project,
        environment,
        component: resource.spec.component_name.clone(),
        version: choice.version.clone(),
        plan: choice.plan.clone(),
        class: class.spec.clone(),
    })
}

#[cfg(test)]
mod tests;
