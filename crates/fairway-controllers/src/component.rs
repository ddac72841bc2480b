//! Components: registered things. What runs of one is in its Deliveries; this says whether it can be delivered at all.

use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::names::{ComponentName, FINALIZER, environment_namespace};
use fairway_api::names::{EnvironmentName, ProjectName};
use fairway_api::v1alpha1::{Component, ComponentReason, ComponentType, Delivery, Environment, Project, Release};
use fairway_controller::{Next, Phase, controller, delete_exact, with_finalizer};
use jiff::Timestamp;
use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{Context, Error};

pub(crate) const NAME: &str = "component-controller";

/// How soon to look whether what is being removed is gone.
const LEAVING: std::time::Duration = std::time::Duration::from_millis(200);

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let releases: Api<Release> = Api::all(ctx.kit.client.clone());
    let projects: Api<Project> = Api::all(ctx.kit.client.clone());
    let controller = controller::<Component>(&ctx.kit.client, watcher::Config::default());
    let components = controller.store();
    let controller = controller
        .watches(releases, watcher::Config::default(), |release| {
            Some(ObjectRef::new(&release.spec.component_name).within(&release.namespace().unwrap_or_default()))
        })
        // A Component that came before its Project waits for it.
        .watches(projects, watcher::Config::default(), move |project| {
            let here = |it: &Arc<kube::core::DeserializeGuard<Component>>| it.namespace() == Some(project.name_any());
            components.state().into_iter().filter(here).map(|it| ObjectRef::from_obj(it.as_ref())).collect::<Vec<_>>()
        });
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(component: Arc<Component>, ctx: Arc<Context>) -> Result<Next, Error> {
    let home = component.namespace().unwrap_or_default();
    let api: Api<Component> = Api::namespaced(ctx.kit.client.clone(), &home);
    let phase = with_finalizer(&api, component.as_ref(), FINALIZER, false).await;
    match phase.map_err(Error::write("the finalizer"))? {
        Phase::Left => return Ok(Next::Settled),
        Phase::Leaving => return clean_up(&component, &api, &ctx).await,
        Phase::Wanted => {}
    }
    let projects: Api<Project> = Api::all(ctx.kit.client.clone());
    let project = projects.get_opt(&home).await.map_err(Error::read("the project"))?;
    let verdict = validate(&component, project.is_some());
    let status = status(&component, verdict.as_ref().map(|_| ()), ctx.kit.world.clock.now());
    let reported = fairway_controller::report_part(&api, component.as_ref(), &status, NAME).await;
    reported.map_err(Error::write("the component's status"))?;
    Ok(Next::Settled)
}

/// What keeps a Component from being delivered.
type Problem = (ComponentReason, String);

fn validate(component: &Component, in_project: bool) -> Result<ComponentName, Problem> {
    let name =
        ComponentName::parse(&component.name_any()).map_err(|it| (ComponentReason::InvalidName, it.to_string()))?;
    if !in_project {
        let home = component.namespace().unwrap_or_default();
        let message =
            format!("namespace {home} is not that of a project; components live in their project's namespace");
        return Err((ComponentReason::ProjectNotFound, message));
    }
    match component.spec.r#type {
        ComponentType::Service | ComponentType::Worker => Ok(name),
        other => {
            let message = format!("components of type {other:?} are not run yet; Service and Worker are");
            Err((ComponentReason::TypeNotSupported, message))
        }
    }
}

/// This controller's part of the status; the rest is the release controller's.
fn status(component: &Component, verdict: Result<(), &Problem>, now: Timestamp) -> Value {
    let before = component.status.clone().unwrap_or_default();
    let name = component.name_any();
    let (ready, stalled, fixed_by, next_step) = match verdict {
        Err((reason, message)) => {
            let stalled = Wanted::yes(STALLED, reason.as_str(), "nothing changes until this is mended");
            (Wanted::no(READY, reason.as_str(), message.clone()), stalled, Some("its team"), None)
        }
        Ok(()) => {
            let (reason, message, next) = match &before.latest_version {
                Some(version) => (ComponentReason::Released, format!("its newest release is {version}"), None),
                None => {
                    let message = "it is registered and has no release yet".to_owned();
                    (ComponentReason::NoRelease, message, Some("platform deploy --env=staging".to_owned()))
                }
            };
            let stalled = Wanted::no(STALLED, reason.as_str(), "nothing keeps it");
            (Wanted::yes(READY, reason.as_str(), message), stalled, None, next)
        }
    };
    tracing::debug!(component.name = name, reason = ready.reason, "looked at a component");
    let generation = component.metadata.generation;
    json!({
        "summary": ready.message,
        "fixedBy": fixed_by,
        "nextStep": next_step,
        "observedGeneration": generation,
        "conditions": merge(&before.conditions, &[ready, stalled], generation, now),
    })
}

/// Its Deliveries in every Environment first, then its Releases, then the Component.
async fn clean_up(component: &Component, api: &Api<Component>, ctx: &Context) -> Result<Next, Error> {
    let home = component.namespace().unwrap_or_default();
    let name = component.name_any();
    if delete_deliveries(&home, &name, ctx).await? {
        return Ok(Next::After(LEAVING));
    }
    let releases: Api<Release> = Api::namespaced(ctx.kit.client.clone(), &home);
    let all = releases.list(&ListParams::default()).await.map_err(Error::read("releases"))?.items;
    for it in all.iter().filter(|it| it.spec.component_name == name) {
        delete_exact(&releases, &it.name_any(), it.uid()).await.map_err(Error::write("a release"))?;
    }
    with_finalizer(api, component, FINALIZER, true).await.map_err(Error::write("the finalizer"))?;
    Ok(Next::Settled)
}

/// Deletes the Component's Deliveries; true while one is left.
async fn delete_deliveries(home: &str, name: &str, ctx: &Context) -> Result<bool, Error> {
    let environments: Api<Environment> = Api::namespaced(ctx.kit.client.clone(), home);
    let environments = environments.list(&ListParams::default()).await.map_err(Error::read("environments"))?.items;
    let mut left = false;
    for environment in environments {
        let Some(namespace) = namespace_of(home, &environment) else { continue };
        let deliveries: Api<Delivery> = Api::namespaced(ctx.kit.client.clone(), &namespace);
        let Some(it) = deliveries.get_opt(name).await.map_err(Error::read("a delivery"))? else { continue };
        left = true;
        if it.metadata.deletion_timestamp.is_none() {
            delete_exact(&deliveries, name, it.uid()).await.map_err(Error::write("a delivery"))?;
        }
    }
    Ok(left)
}

/// The namespace in which an Environment's components run.
pub(crate) fn namespace_of(home: &str, environment: &Environment) -> Option<String> {
    let given = environment.status.as_ref().and_then(|it| it.namespace.clone());
    given.or_else(|| {
        let project = ProjectName::parse(home).ok()?;
        let name = EnvironmentName::parse(&environment.name_any()).ok()?;
        Some(environment_namespace(&project, &name))
    })
}

#[cfg(test)]
mod tests;
