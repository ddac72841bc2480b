//! What a Resource says of itself: one sentence, who can change it, the next command.

use fairway_api::conditions::{READY, RECONCILING, STALLED, Wanted, merge};
use fairway_api::names::split_environment_namespace;
use fairway_api::v1alpha1::{Explanation, Resource, ResourceReason, ResourceStatus};
use fairway_plan::resource::{self, Step};
use jiff::Timestamp;
use kube::ResourceExt;

use super::cleanup::Leaving;
use super::plan::Course;
use super::{Done, Outcome};
use crate::Error;

pub(super) fn status(resource: &Resource, outcome: &Result<Outcome, Error>, now: Timestamp) -> ResourceStatus {
    let mut status = resource.status.clone().unwrap_or_default();
    let generation = resource.metadata.generation;
    let said = match outcome {
        Err(error) => {
            let message = format!("the platform could not {error}; it tries again{}", goes_on(&status));
            Said { fixed_by: Some("the platform team"), ..Said::no(ResourceReason::ApplyFailed, message, false) }
        }
        Ok(Outcome::Refused(problem)) => {
            let message = format!("{}{}", problem.message, goes_on(&status));
            let who = match problem.reason {
                ResourceReason::ImageNotFound | ResourceReason::ClassNotReady | ResourceReason::RenderFailed => {
                    "the platform team"
                }
                _ => "its team",
            };
            let said = Said::no(problem.reason, message, problem.stalled);
            Said { fixed_by: Some(who), next_step: problem.next_step.clone(), ..said }
        }
        Ok(Outcome::Building(used_by, how_far)) => {
            status.used_by.clone_from(used_by);
            let message = format!("building its image: {how_far}{}", goes_on(&status));
            Said { ready: None, ..Said::no(ResourceReason::BuildingImage, message, false) }
        }
        Ok(Outcome::Leaving(leaving)) => leaves(resource, leaving),
        Ok(Outcome::Done(it)) => done(resource, &mut status, it),
    };
    let reason = said.reason.as_str();
    let way = if said.underway { "it is on its way" } else { "nothing is on its way" };
    let kept = if said.stalled { "nothing changes until this is mended" } else { "nothing keeps it" };
    let wanted = [
        Wanted { r#type: READY, status: said.ready, reason, message: said.message.clone() },
        Wanted { r#type: RECONCILING, status: Some(said.underway), reason, message: way.to_owned() },
        Wanted { r#type: STALLED, status: Some(said.stalled), reason, message: kept.to_owned() },
    ];
    status.conditions = merge(&status.conditions, &wanted, generation, now);
    status.explanation =
        Explanation { summary: said.message, fixed_by: said.fixed_by.map(str::to_owned), next_step: said.next_step };
    status.observed_generation = generation;
    status
}

/// What is to be said.
struct Said {
    ready: Option<bool>,
    underway: bool,
    stalled: bool,
    reason: ResourceReason,
    message: String,
    fixed_by: Option<&'static str>,
    next_step: Option<String>,
}

impl Said {
    fn no(reason: ResourceReason, message: String, stalled: bool) -> Self {
        Self { ready: Some(false), underway: !stalled, stalled, reason, message, fixed_by: None, next_step: None }
    }

    fn yes(reason: ResourceReason, message: String) -> Self {
        Self { ready: Some(true), underway: false, ..Self::no(reason, message, false) }
    }
}

/// The end of a sentence about something that did not work.
fn goes_on(status: &ResourceStatus) -> &'static str {
    if status.connection.is_some() { "; what runs goes on running" } else { "" }
}

fn leaves(resource: &Resource, leaving: &Leaving) -> Said {
    match leaving {
        Leaving::InUse(users) => {
            let message =
                format!("it is to be removed, and {} uses it; it goes when nothing does any more", users.join(", "));
            let place = resource.namespace().as_deref().and_then(split_environment_namespace);
            let flag = place.map(|(_, environment)| format!(" --env={environment}")).unwrap_or_default();
            let next = Some(format!("remove it from score.yaml, then platform deploy{flag}"));
            let said = Said::no(ResourceReason::InUse, message, true);
            Said { fixed_by: Some("the team of what uses it"), next_step: next, ..said }
        }
        Leaving::Dumping(how) => {
            Said::no(ResourceReason::Deleting, format!("it is being removed; a dump comes first: {how}"), false)
        }
        Leaving::NoDump(why, next) => {
            let message = format!("it is to be removed, and the dump that comes first failed: {why}");
            let said = Said::no(ResourceReason::Deleting, message, true);
            Said { fixed_by: Some("its team"), next_step: Some(next.clone()), ..said }
        }
        Leaving::Removing(what) => Said::no(ResourceReason::Deleting, format!("it is being removed; {what}"), false),
    }
}

fn done(resource: &Resource, status: &mut ResourceStatus, it: &Done) -> Said {
    let (version, plan) = (&it.valid.version.name, &it.valid.plan.name);
    status.version = Some(version.clone());
    status.plan = Some(plan.clone());
    status.image = Some(it.made.image.clone());
    status.used_by.clone_from(&it.used_by);
    status.task.clone_from(&it.task);
    status.backups.clone_from(&it.backups);
    let name = format!("{} {version}", it.valid.class.r#type);
    let place = &it.valid.environment;
    let look =
        Some(format!("kubectl get pods -n {} -l fairway.dev/resource={}", it.valid.namespace, resource.name_any()));
    // A workload is told of it from the first moment on that it can be used.
    if !matches!(it.course, Course::Provisioning(_)) {
        status.secret_name = Some(resource::connection_secret(&resource.name_any()));
        status.outputs = it.made.told.keys().cloned().collect();
        status.connection = Some(it.made.connection.clone());
    }
    if it.made.step == Step::Resting && it.course == Course::Available {
        status.rotated.clone_from(&it.made.rotated);
    }
    match &it.course {
        Course::Available => {
            Said::yes(ResourceReason::Available, format!("{name} in plan {plan} can be used in {place}"))
        }
        Course::Rotating(how) => {
            let message = format!("{name} in plan {plan} can be used; its credentials are being changed: {how}");
            Said { underway: true, ..Said::yes(ResourceReason::Rotating, message) }
        }
        Course::Provisioning(why) => {
            let said = Said::no(ResourceReason::Provisioning, format!("{name} is being made: {why}"), false);
            Said { ready: None, next_step: look, ..said }
        }
        Course::Unavailable(why) => {
            let said = Said::no(ResourceReason::Unavailable, format!("{name} cannot be used at present: {why}"), false);
            Said { fixed_by: Some("the platform team"), next_step: look, ..said }
        }
    }
}

#[cfg(test)]
mod tests;
