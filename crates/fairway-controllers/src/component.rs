//! Components: registered things. What runs of one is in its Deliveries; this says whether it can be delivered at all,
//! and keeps the repository of those that are made from a Template.

mod repository;

pub(crate) use repository::MAKER;

use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, Wanted, merge};
use fairway_api::names::{ComponentName, FINALIZER, environment_namespace};
use fairway_api::names::{EnvironmentName, ProjectName};
use fairway_api::v1alpha1::{
    Component, ComponentReason, ComponentRepository, ComponentType, Delivery, Environment, Project, Release, Template,
};
use fairway_controller::{Next, Phase, among, concerns, controller, delete_exact, list, related, with_finalizer};
use futures::channel::mpsc;
use jiff::Timestamp;
use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Context, Error, leaving};

pub(crate) const NAME: &str = "component-controller";

/// How soon to look whether what is being removed is gone.
const LEAVING: std::time::Duration = std::time::Duration::from_millis(200);

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let client = &ctx.kit.client;
    let controller = controller::<Component>(client, all());
    let components = controller.store();
    let for_templates = controller.store();
    let of_release = |release: Release| {
        Some(ObjectRef::new(&release.spec.component_name).within(&release.namespace().unwrap_or_default()))
    };
    // A Component that came before its Project waits for it.
    let of_project =
        move |project: Project| among(&components, |it| it.namespace().as_deref() == Some(&project.name_any()));
    // So does one that came before its Template.
    let of_template = move |template: Template| {
        let waits = |it: &Component| it.status.as_ref().is_none_or(|it| it.repository.is_none());
        let wants = |it: &Component| it.spec.template.as_ref().is_some_and(|it| it.name == template.name_any());
        among(&for_templates, |it| wants(it) && waits(it))
    };
    let (missed, look_again) = mpsc::unbounded();
    let controller = controller
        .watches(related(client), all(), concerns(of_release))
        .watches(related(client), all(), concerns(of_project))
        .watches(related(client), all(), concerns(of_template))
        .reconcile_all_on(look_again);
    let kit = Arc::clone(&ctx.kit);
    let pushed = pushed(Arc::clone(&ctx), missed, stop.clone());
    let passes = fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx)));
    futures::join!(passes, pushed);
}

/// Looks at a Component as soon as somebody pushed to its repository. A hint that is missed or comes to nothing makes
/// all of them be looked at: refs are compared, so nothing depends on a hint.
async fn pushed(ctx: Arc<Context>, missed: mpsc::UnboundedSender<()>, stop: CancellationToken) {
    let Some(mut pushes) = ctx.hosting.as_ref().map(|it| it.pushes.resubscribe()) else { return };
    let mut looks = JoinSet::new();
    loop {
        let push = tokio::select! {
            () = stop.cancelled() => break,
            push = pushes.recv() => push,
            Some(_) = looks.join_next() => continue,
        };
        match push {
            Ok(push) => {
                let (ctx, missed) = (Arc::clone(&ctx), missed.clone());
                looks.spawn(async move {
                    let api: Api<Component> = Api::namespaced(ctx.kit.client.clone(), push.repository.project.as_str());
                    let looked = match api.get_opt(push.repository.component.as_str()).await {
                        Ok(Some(component)) => reconcile(Arc::new(component), ctx).await.is_ok(),
                        Ok(None) => true,
                        Err(_) => false,
                    };
                    if !looked {
                        // Nobody listens only when the controller stops.
                        let _ = missed.unbounded_send(());
                    }
                });
            }
            Err(RecvError::Lagged(_)) => {
                let _ = missed.unbounded_send(());
            }
            Err(RecvError::Closed) => break,
        }
    }
    while looks.join_next().await.is_some() {}
}

async fn reconcile(component: Arc<Component>, ctx: Arc<Context>) -> Result<Next, Error> {
    let home = component.namespace().unwrap_or_default();
    let api: Api<Component> = Api::namespaced(ctx.kit.client.clone(), &home);
    // A push and a change may come at once; runs must not get the same number.
    let _turn = ctx.turns.take(&format!("{home}/{}", component.name_any())).await;
    let Some(component) = api.get_opt(&component.name_any()).await.map_err(Error::read("the component"))? else {
        return Ok(Next::Settled);
    };
    let phase = with_finalizer(&api, &component, FINALIZER, false).await;
    match phase.map_err(Error::write("the finalizer"))? {
        Phase::Left => return Ok(Next::Settled),
        Phase::Leaving => return leave(&component, &api, &ctx).await,
        Phase::Wanted => {}
    }
    let hosted = converge(&component, &ctx).await;
    let (verdict, repository) = match &hosted {
        Ok(Ok(repository)) => (Ok(()), repository.clone()),
        Ok(Err(problem)) => (Err(problem.clone()), None),
        Err(error) => {
            let message = format!("the platform could not {error}; it tries again");
            (Err((ComponentReason::ApplyFailed, message)), None)
        }
    };
    let status = status(&component, verdict.as_ref().copied(), repository, ctx.kit.world.clock.now());
    let reported = fairway_controller::report_part(&api, &component, &status, NAME).await;
    hosted?.ok();
    reported.map_err(Error::write("the component's status"))?;
    Ok(Next::Settled)
}

/// Its repository, if it has one, or why somebody has to change something first.
async fn converge(component: &Component, ctx: &Context) -> Result<Result<Option<ComponentRepository>, Problem>, Error> {
    let projects: Api<Project> = Api::all(ctx.kit.client.clone());
    let project = projects.get_opt(&component.namespace().unwrap_or_default()).await;
    let project = project.map_err(Error::read("the project"))?;
    match (validate(component, project.is_some()), &project) {
        (Err(problem), _) => Ok(Err(problem)),
        (Ok(_), Some(project)) => repository::converge(component, project, ctx).await,
        (Ok(_), None) => Ok(Ok(None)),
    }
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
fn status(
    component: &Component,
    verdict: Result<(), &Problem>,
    repository: Option<ComponentRepository>,
    now: Timestamp,
) -> Value {
    let before = component.status.clone().unwrap_or_default();
    // What was made stays known while it cannot be looked at.
    let repository = repository.or_else(|| before.repository.clone());
    let name = component.name_any();
    let (ready, stalled, fixed_by, next_step) = match verdict {
        Err((reason, message)) => {
            let stalled = match reason {
                ComponentReason::ApplyFailed => Wanted::no(STALLED, reason.as_str(), "it is being tried again"),
                _ => Wanted::yes(STALLED, reason.as_str(), "nothing changes until this is mended"),
            };
            let who = if *reason == ComponentReason::ApplyFailed { "the platform team" } else { "its team" };
            (Wanted::no(READY, reason.as_str(), message.clone()), stalled, Some(who), None)
        }
        Ok(()) => {
            let (reason, message, next) = match &before.latest_version {
                Some(version) => (ComponentReason::Released, format!("its newest release is {version}"), None),
                None => {
                    let message = "it is registered and has no release yet".to_owned();
                    let next = match &repository {
                        Some(_) => format!("platform repo clone {name}"),
                        None => format!("platform deploy {name}"),
                    };
                    (ComponentReason::NoRelease, message, Some(next))
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
        "repository": repository,
        "observedGeneration": generation,
        "conditions": merge(&before.conditions, &[ready, stalled], generation, now),
    })
}

/// Removes what belongs to a leaving Component, says what is left, and lets it go when nothing is.
async fn leave(component: &Component, api: &Api<Component>, ctx: &Context) -> Result<Next, Error> {
    let left = clean_up(component, ctx).await;
    if let Ok(None) = left {
        with_finalizer(api, component, FINALIZER, true).await.map_err(Error::write("the finalizer"))?;
        return Ok(Next::Settled);
    }
    let before = component.status.clone().unwrap_or_default();
    let said = left.as_ref().map(|it| it.as_deref().unwrap_or_default());
    let wanted = leaving::wanted(ComponentReason::Deleting.as_str(), said);
    let generation = component.metadata.generation;
    let status = json!({
        "summary": leaving::explanation(&wanted).summary,
        "fixedBy": null,
        "nextStep": null,
        "repository": before.repository,
        "observedGeneration": generation,
        "conditions": merge(&before.conditions, &wanted, generation, ctx.kit.world.clock.now()),
    });
    let reported = fairway_controller::report_part(api, component, &status, NAME).await;
    left?;
    reported.map_err(Error::write("the component's status"))?;
    Ok(Next::After(LEAVING))
}

/// Its Deliveries in every Environment first, then its Releases and its repository: what is still there.
async fn clean_up(component: &Component, ctx: &Context) -> Result<Option<String>, Error> {
    let home = component.namespace().unwrap_or_default();
    let name = component.name_any();
    let serving = delete_deliveries(&home, &name, ctx).await?;
    if !serving.is_empty() {
        return Ok(Some(format!("what runs of it goes first: {}", serving.join(", "))));
    }
    let releases: Api<Release> = Api::namespaced(ctx.kit.client.clone(), &home);
    let all = list::<Release>(&ctx.kit.client, &home, &ListParams::default()).await;
    let all = all.map_err(Error::read("releases"))?;
    for it in all.iter().filter(|it| it.spec.component_name == name) {
        delete_exact(&releases, &it.name_any(), it.uid()).await.map_err(Error::write("a release"))?;
    }
    let projects: Api<Project> = Api::all(ctx.kit.client.clone());
    let project = projects.get_opt(&home).await.map_err(Error::read("the project"))?;
    repository::remove(component, project.as_ref(), ctx).await?;
    Ok(None)
}

/// Deletes the Component's Deliveries; gives the Environments where one is left.
async fn delete_deliveries(home: &str, name: &str, ctx: &Context) -> Result<Vec<String>, Error> {
    let environments = list::<Environment>(&ctx.kit.client, home, &ListParams::default()).await;
    let environments = environments.map_err(Error::read("environments"))?;
    let mut left = Vec::new();
    for environment in environments {
        let Some(namespace) = namespace_of(home, &environment) else { continue };
        let deliveries: Api<Delivery> = Api::namespaced(ctx.kit.client.clone(), &namespace);
        let Some(it) = deliveries.get_opt(name).await.map_err(Error::read("a delivery"))? else { continue };
        left.push(environment.name_any());
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
