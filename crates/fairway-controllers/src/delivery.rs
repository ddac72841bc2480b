//! Deliveries: a Release becomes a Bundle, the Bundle is applied, and what serves is judged from outside.
//!
//! A Release that never becomes healthy is taken back at once; the version before never stopped serving. The newest
//! wish always pre-empts: every pass starts from what is wanted now.

mod observe;

mod validate;

mod resources;

mod plan;

mod migrate;

mod report;

use std::sync::Arc;
use std::time::Duration;

use fairway_api::names::{ANNOTATION_CAUSE, FINALIZER};
use fairway_api::v1alpha1::{Component, Delivery, Environment, Release, Resource, SchemaStatus};
use fairway_controller::{Next, Phase, among, concerns, controller, related, with_finalizer};
use fairway_plan::health::Health;
use k8s_openapi::api::apps::v1::Deployment;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::target::{Target, TargetBundle, TargetError, TargetReport};
use crate::{Context, Error};
use migrate::Schema;
use plan::{Course, Rendered};
use resources::{Bindings, Provided, Waiting};
use validate::{Problem, Valid};

pub(crate) const NAME: &str = "delivery-controller";

/// How soon to look again while something is on its way: what keeps restarting does not change its Deployment.
const UNDERWAY: Duration = Duration::from_millis(500);

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let client = &ctx.kit.client;
    let controller = controller::<Delivery>(client, all());
    let (for_releases, for_environments, for_components) = (controller.store(), controller.store(), controller.store());
    let of_release = move |release: Release| among(&for_releases, |it| it.spec.release_name == release.name_any());
    let of_environment = move |environment: Environment| {
        let namespace = environment.status.as_ref().and_then(|it| it.namespace.clone());
        among(&for_environments, |it| it.namespace() == namespace)
    };
    // A Delivery that came before its Component waits for it.
    let of_component = move |component: Component| among(&for_components, |it| it.name_any() == component.name_any());
    let of_resource = |it: Resource| {
        let (component, namespace) = (it.spec.component_name.clone()?, it.namespace()?);
        Some(ObjectRef::new(&component).within(&namespace))
    };
    let of_deployment =
        |it: Deployment| Some(ObjectRef::new(&it.name_any()).within(&it.namespace().unwrap_or_default()));
    let controller = controller
        .watches(related(client), all(), concerns(of_release))
        .watches(related(client), all(), concerns(of_environment))
        .watches(related(client), all(), concerns(of_component))
        .watches(related(client), all(), concerns(of_resource))
        .watches(related(client), all(), concerns(of_deployment));
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(delivery: Arc<Delivery>, ctx: Arc<Context>) -> Result<Next, Error> {
    let namespace = delivery.namespace().unwrap_or_default();
    let api: Api<Delivery> = Api::namespaced(ctx.kit.client.clone(), &namespace);
    // Read again: what serves now was written by the pass before this one.
    let Some(delivery) = api.get_opt(&delivery.name_any()).await.map_err(Error::read("the delivery"))? else {
        return Ok(Next::Settled);
    };
    let phase = with_finalizer(&api, &delivery, FINALIZER, false).await;
    match phase.map_err(Error::write("the finalizer"))? {
        Phase::Left => return Ok(Next::Settled),
        Phase::Leaving => return leave(&delivery, &api, &ctx).await,
        Phase::Wanted => {}
    }
    let outcome = converge(&delivery, &ctx).await;
    let now = ctx.kit.world.clock.now();
    let status = report::status(&delivery, &outcome, ctx.gateway_port, now);
    let reported = fairway_controller::report(&api, &delivery, delivery.status.as_ref(), &status, NAME).await;
    let next = outcome.map(|it| it.next())?;
    reported.map_err(Error::write("the delivery's status"))?;
    Ok(next)
}

/// How a pass ended, short of an error of ours.
enum Outcome {
    /// The wish cannot be carried out as it is. What serves goes on serving.
    Refused(Problem),
    /// What it needs is on its way. What serves goes on serving.
    Waiting(Waiting),
    /// The schema of its database is on its way, or something failed on it or after it. What serves goes on serving.
    Migrating(SchemaStatus, Result<String, Problem>),
    /// It was carried out, or is on its way, or failed and was taken back.
    Done(Box<Done>),
}

/// What a pass did and saw.
struct Done {
    valid: Valid,
    wanted: Rendered,
    /// How the wanted Release does, if it is what was applied.
    course: Course,
    seen: Option<TargetReport>,
    /// The schema that it runs on, where that is news.
    schema: Option<SchemaStatus>,
    /// What the version before is told of its Resources, if it serves in the place of the wanted one.
    held: Option<Bindings>,
}

impl Outcome {
    fn next(&self) -> Next {
        match self {
            // What it needs is watched.
            Self::Refused(_) | Self::Waiting(_) | Self::Migrating(_, Err(_)) => Next::Settled,
            Self::Migrating(_, Ok(_)) => Next::After(UNDERWAY),
            Self::Done(it) => match it.course {
                Course::Serving | Course::TakenBack { .. } => Next::Settled,
                Course::Underway { .. } | Course::Degraded { .. } => Next::After(UNDERWAY),
            },
        }
    }
}

async fn converge(delivery: &Delivery, ctx: &Context) -> Result<Outcome, Error> {
    let observed = observe::observe(delivery, ctx).await?;
    let valid = match validate::validate(delivery, &observed) {
        Ok(valid) => valid,
        Err(problem) => return Ok(Outcome::Refused(problem)),
    };
    let bindings = match resources::provide(delivery, &valid, ctx).await? {
        Provided::Ready(bindings) => bindings,
        Provided::Waiting(waiting) => return Ok(Outcome::Waiting(waiting)),
        Provided::Refused(problem) => return Ok(Outcome::Refused(problem)),
    };
    let wanted = match plan::render(&valid, &valid.release, bindings) {
        Ok(wanted) => wanted,
        Err(problem) => return Ok(Outcome::Refused(problem)),
    };
    if let Some(why) = plan::taken_back(delivery, &wanted) {
        return hold(delivery, valid, wanted, why, None, ctx).await;
    }
    let schema = match migrate::migrate(delivery, &valid, &wanted, ctx).await? {
        Schema::Fits(schema) => schema,
        Schema::Changing(schema, how) => return Ok(Outcome::Migrating(schema, Ok(how))),
        Schema::Failed(schema, problem) => return Ok(Outcome::Migrating(schema, Err(problem))),
        Schema::Refused(problem) => return Ok(Outcome::Refused(problem)),
    };
    if let Some(problem) = apply(delivery, &wanted, ctx).await? {
        return Ok(refused(schema, problem));
    }
    let namespace = delivery.namespace().unwrap_or_default();
    let seen = health(&namespace, &delivery.name_any(), &wanted.version, ctx.target.as_ref()).await?;
    let health =
        seen.as_ref().map_or_else(|| Health::Progressing("it is being made".to_owned()), |it| it.health.clone());
    match plan::course(delivery, &wanted, health) {
        Course::TakenBack { why } => {
            let why = blamed(&namespace, &delivery.name_any(), &wanted.version, why, ctx.target.as_ref()).await;
            hold(delivery, valid, wanted, why, schema, ctx).await
        }
        course => {
            if course == Course::Serving {
                settle(delivery, &valid, &wanted, ctx).await?;
            }
            Ok(Outcome::Done(Box::new(Done { valid, wanted, course, seen, schema, held: None })))
        }
    }
}

/// A wish that cannot be carried out after its migrations ran: that they did is remembered nevertheless.
fn refused(schema: Option<SchemaStatus>, problem: Problem) -> Outcome {
    match schema {
        Some(schema) => Outcome::Migrating(schema, Err(problem)),
        None => Outcome::Refused(problem),
    }
}

/// Applies a Bundle. A refusal that will stay one until something changes is a problem, not an error.
async fn apply(delivery: &Delivery, it: &Rendered, ctx: &Context) -> Result<Option<Problem>, Error> {
    let (namespace, name) = (delivery.namespace().unwrap_or_default(), delivery.name_any());
    match ctx.target.apply(&bundle(delivery, it, &namespace, &name)).await {
        Ok(()) => Ok(None),
        Err(TargetError::Taken(message)) => Ok(Some(validate::taken(message))),
        Err(TargetError::Refused(message)) => Ok(Some(validate::refused(message))),
        Err(source) => Err(Error::Target { what: "apply the bundle", source }),
    }
}

fn bundle<'a>(delivery: &'a Delivery, it: &'a Rendered, namespace: &'a str, name: &'a str) -> TargetBundle<'a> {
    let cause = delivery.annotations().get(ANNOTATION_CAUSE).map(String::as_str);
    TargetBundle { namespace, name, objects: &it.bundle.objects, digest: it.bundle.digest.as_str(), cause }
}

async fn health(
    namespace: &str,
    name: &str,
    version: &str,
    target: &dyn Target,
) -> Result<Option<TargetReport>, Error> {
    let report = target.health(namespace, name, version).await;
    report.map_err(|source| Error::Target { what: "look at the workload", source })
}

/// Why a version is given up, with what is to blame before it. Nobody waits for a blame that cannot be found.
async fn blamed(namespace: &str, name: &str, version: &str, why: String, target: &dyn Target) -> String {
    match target.blame(namespace, name, version, &why).await {
        Ok(Some(blame)) => format!("{blame}: {why}"),
        Ok(None) => why,
        Err(error) => {
            tracing::debug!(%error, delivery.namespace = namespace, delivery.name = name, "nobody could be blamed");
            why
        }
    }
}

/// What is wanted serves: what only the version before needed goes, and the Release has proved itself here.
async fn settle(delivery: &Delivery, valid: &Valid, wanted: &Rendered, ctx: &Context) -> Result<(), Error> {
    let (namespace, name) = (delivery.namespace().unwrap_or_default(), delivery.name_any());
    let pruned = ctx.target.prune(&bundle(delivery, wanted, &namespace, &name)).await;
    pruned.map_err(|source| Error::Target { what: "prune the bundle before", source })?;
    observe::mark_proven(&valid.release, valid.environment.as_str(), ctx).await
}

/// The wanted Release failed: the last good one is applied again, so that it alone serves.
async fn hold(
    delivery: &Delivery,
    valid: Valid,
    wanted: Rendered,
    why: String,
    schema: Option<SchemaStatus>,
    ctx: &Context,
) -> Result<Outcome, Error> {
    let (namespace, name) = (delivery.namespace().unwrap_or_default(), delivery.name_any());
    let good = observe::last_good(delivery, ctx).await?.filter(|it| it.name_any() != valid.release.name_any());
    let (mut version, mut bindings) = (wanted.version.clone(), None);
    let good = match good {
        Some(good) => plan::render(&valid, &good, resources::bindings(&good, &valid, ctx).await?).ok(),
        None => None,
    };
    if let Some(good) = good {
        version.clone_from(&good.version);
        bindings = Some(good.bindings.clone());
        if let Some(problem) = apply(delivery, &good, ctx).await? {
            return Ok(refused(schema, problem));
        }
    }
    let seen = health(&namespace, &name, &version, ctx.target.as_ref()).await?;
    let serves = seen.as_ref().is_some_and(|it| it.health == Health::Healthy);
    let held = bindings.filter(|_| serves);
    Ok(Outcome::Done(Box::new(Done { valid, wanted, course: Course::TakenBack { why }, seen, schema, held })))
}

/// Removes what was applied and lets the Delivery go; says so before, as the target may be away.
async fn leave(delivery: &Delivery, api: &Api<Delivery>, ctx: &Context) -> Result<Next, Error> {
    let (namespace, name) = (delivery.namespace().unwrap_or_default(), delivery.name_any());
    let removed = match ctx.target.remove(&namespace, &migrate::inventory(&name)).await {
        Ok(()) => ctx.target.remove(&namespace, &name).await,
        failed => failed,
    };
    let removed = removed.map_err(|source| Error::Target { what: "remove the bundle", source });
    if let Err(error) = &removed {
        let status = report::leaving(delivery, error, ctx.kit.world.clock.now());
        let reported = fairway_controller::report(api, delivery, delivery.status.as_ref(), &status, NAME).await;
        removed?;
        reported.map_err(Error::write("the delivery's status"))?;
    }
    with_finalizer(api, delivery, FINALIZER, true).await.map_err(Error::write("the finalizer"))?;
    Ok(Next::Settled)
}
