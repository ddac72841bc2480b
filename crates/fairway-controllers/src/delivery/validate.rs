//! Whether a wish can be carried out at all. Pure: names in, newtypes or one [`Problem`] out.

use fairway_api::conditions::{READY, is_true};
use fairway_api::names::{ComponentName, EnvironmentName, ProjectName};
use fairway_api::v1alpha1::{Delivery, DeliveryReason, Release};
use fairway_plan::entry;
use kube::ResourceExt;

use super::observe::Observed;

/// What keeps a wish from being carried out, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: DeliveryReason,
    pub(super) message: String,
    pub(super) next_step: Option<String>,
}

/// A wish that can be carried out.
pub(super) struct Valid {
    pub(super) project: ProjectName,
    pub(super) environment: EnvironmentName,
    pub(super) component: ComponentName,
    pub(super) namespace: String,
    pub(super) release: Release,
    pub(super) replicas: i32,
    pub(super) restart: Option<String>,
    /// Whether the Component has a repository here: it is delivered by a push to it.
    pub(super) hosted: bool,
}

impl Valid {
    /// How another version of it gets here.
    pub(super) fn deliver(&self) -> String {
        if self.hosted {
            "commit, and git push".to_owned()
        } else {
            format!("platform deploy {} --env={}", self.component, self.environment)
        }
    }
}

fn problem(reason: DeliveryReason, message: impl Into<String>, next_step: Option<String>) -> Problem {
    Problem { reason, message: message.into(), next_step }
}

/// An object of the bundle is somebody else's.
pub(super) fn taken(message: String) -> Problem {
    problem(DeliveryReason::ObjectTaken, message, None)
}

/// The cluster refused an object.
pub(super) fn refused(message: String) -> Problem {
    problem(DeliveryReason::ApplyFailed, message, None)
}

pub(super) fn validate(delivery: &Delivery, observed: &Observed) -> Result<Valid, Problem> {
    let namespace = delivery.namespace().unwrap_or_default();
    let nowhere = || {
        let message =
            format!("namespace {namespace} is not that of an environment; deliveries live in their environment's");
        problem(DeliveryReason::EnvironmentNotFound, message, Some("platform get environments".to_owned()))
    };
    let (project, environment) = observed.place.as_ref().ok_or_else(nowhere)?;
    let project = ProjectName::parse(project).map_err(|_| nowhere())?;
    let environment = EnvironmentName::parse(environment).map_err(|_| nowhere())?;
    let place = observed.environment.as_ref().ok_or_else(nowhere)?;
    let wrong = |message: String| problem(DeliveryReason::WrongComponent, message, None);
    let component = ComponentName::parse(&delivery.name_any()).map_err(|it| wrong(it.to_string()))?;
    let Some(observed_component) = &observed.component else {
        let message = format!("component {component} does not exist in project {project}");
        let next = format!("platform create-service --name={component}");
        return Err(problem(DeliveryReason::WrongComponent, message, Some(next)));
    };
    let hosted = observed_component.status.as_ref().is_some_and(|it| it.repository.is_some());
    let release = release(delivery, observed, &component)?;
    if let Some(it) = entry::refusal(&environment, &place.spec, &release) {
        return Err(problem(it.reason, it.message, Some(it.next_step)));
    }
    let replicas = delivery.spec.replicas.unwrap_or(1);
    let restart = delivery.spec.restart.clone();
    Ok(Valid { project, environment, component, namespace, release, replicas, restart, hosted })
}

fn release(delivery: &Delivery, observed: &Observed, component: &ComponentName) -> Result<Release, Problem> {
    let name = &delivery.spec.release_name;
    let Some(release) = observed.release.clone() else {
        let message = format!("release {name} does not exist");
        let next = format!("platform release list --service={component}");
        return Err(problem(DeliveryReason::ReleaseNotFound, message, Some(next)));
    };
    if release.spec.component_name != component.as_str() {
        let message = format!("release {name} is one of component {}, not of {component}", release.spec.component_name);
        return Err(problem(DeliveryReason::WrongComponent, message, None));
    }
    let status = release.status.clone().unwrap_or_default();
    if !is_true(&status.conditions, READY) {
        let why =
            if status.explanation.summary.is_empty() { "it is being checked" } else { &status.explanation.summary };
        let message = format!("release {name} is not deliverable: {why}");
        return Err(problem(DeliveryReason::ReleaseNotReady, message, status.explanation.next_step.clone()));
    }
    Ok(release)
}

#[cfg(test)]
pub(super) mod tests;
