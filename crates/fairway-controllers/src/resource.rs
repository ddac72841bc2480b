//! Resources: objects of their class are made, logins get their passwords, and what a workload is told lies in a Secret.
//!
//! What is generated lies in a Secret of its own before anything is made with it, so a pass that is cut short goes on
//! where it was. What a Resource holds is removed only with it, and then a dump is kept. Dumps lie in a claim that
//! outlives it, from where they are brought back.

mod observe;

mod image;

mod validate;

mod plan;

mod room;

mod apply;

mod dumps;

mod task;

mod report;

mod cleanup;

use std::sync::Arc;
use std::time::Duration;

use fairway_api::names::{FINALIZER, LABEL_RESOURCE};
use fairway_api::v1alpha1::{Delivery, Resource, ResourceBackup, ResourceClass, ResourceReason, TaskState, TaskStatus};
use fairway_controller::{Guarded, Next, Phase, among, concerns, controller, related, with_finalizer};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::batch::v1::Job;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::{Context, Error};
use plan::Course;
use validate::{Problem, Valid};

pub(crate) const NAME: &str = "resource-controller";

/// How soon to look again while something is on its way.
const UNDERWAY: Duration = Duration::from_millis(250);
/// The same of what somebody has already, and can use or could.
const SOON: Duration = Duration::from_secs(1);
/// How soon to look again at what may pass by itself.
const LATER: Duration = Duration::from_secs(15);

pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let client = &ctx.kit.client;
    let controller = controller::<Resource>(client, all());
    let (for_classes, for_deliveries) = (controller.store(), controller.store());
    let of_class = move |class: ResourceClass| among(&for_classes, |it| it.spec.class_name == class.name_any());
    // One that uses it, or used it: both are in its status.
    let of_delivery = move |delivery: Delivery| {
        let (name, namespace) = (delivery.name_any(), delivery.namespace());
        let used: Vec<String> = delivery.status.iter().flat_map(|it| &it.resources).map(|it| it.name.clone()).collect();
        among(&for_deliveries, |it| {
            let users = it.status.iter().flat_map(|it| &it.used_by);
            it.namespace() == namespace && (used.contains(&it.name_any()) || users.into_iter().any(|it| *it == name))
        })
    };
    let controller = controller
        .watches(related(client), all(), concerns(made_for::<Job>))
        .watches(related(client), all(), concerns(of_class))
        .watches(related(client), all(), concerns(of_delivery))
        .watches(related(client), all(), concerns(made_for::<StatefulSet>));
    let kit = Arc::clone(&ctx.kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

/// The Resource that something was made for.
fn made_for<K: ResourceExt>(it: K) -> Option<ObjectRef<Guarded<Resource>>> {
    let name = it.labels().get(LABEL_RESOURCE)?;
    Some(ObjectRef::new(name).within(&it.namespace().unwrap_or_default()))
}

async fn reconcile(resource: Arc<Resource>, ctx: Arc<Context>) -> Result<Next, Error> {
    let api: Api<Resource> = Api::namespaced(ctx.kit.client.clone(), &resource.namespace().unwrap_or_default());
    // Read again: what it has was written by the pass before this one.
    let Some(resource) = api.get_opt(&resource.name_any()).await.map_err(Error::read("the resource"))? else {
        return Ok(Next::Settled);
    };
    let phase = with_finalizer(&api, &resource, FINALIZER, false).await;
    let outcome = match phase.map_err(Error::write("the finalizer"))? {
        Phase::Left => return Ok(Next::Settled),
        Phase::Leaving => match cleanup::leave(&resource, &ctx).await {
            Ok(None) => {
                with_finalizer(&api, &resource, FINALIZER, true).await.map_err(Error::write("the finalizer"))?;
                return Ok(Next::Settled);
            }
            Ok(Some(leaving)) => Ok(Outcome::Leaving(leaving)),
            Err(error) => Err(error),
        },
        Phase::Wanted => converge(&resource, &ctx).await,
    };
    let status = report::status(&resource, &outcome, ctx.kit.world.clock.now());
    let reported = fairway_controller::report(&api, &resource, resource.status.as_ref(), &status, NAME).await;
    let next = outcome.map(|it| it.next())?;
    reported.map_err(Error::write("the resource's status"))?;
    Ok(next)
}

/// How a pass ended, short of an error of ours.
enum Outcome {
    /// It cannot be made as it is asked for. What runs goes on running.
    Refused(Problem),
    /// Its image is not there yet; how far it is.
    Building(Vec<String>, String),
    /// It was made, or is on its way.
    Done(Box<Done>),
    /// It is being removed.
    Leaving(cleanup::Leaving),
}

/// What a pass did and saw.
struct Done {
    valid: Valid,
    made: plan::Made,
    course: Course,
    used_by: Vec<String>,
    /// The task that was begun last.
    task: Option<TaskStatus>,
    backups: Vec<ResourceBackup>,
}

impl Outcome {
    fn next(&self) -> Next {
        match self {
            // Nobody tells of the end of an object that is another's.
            Self::Refused(it) if it.stalled && it.reason != ResourceReason::ObjectTaken => Next::Settled,
            Self::Refused(_) => Next::After(LATER),
            Self::Building(..) => Next::After(UNDERWAY),
            // Who uses it is watched.
            Self::Leaving(cleanup::Leaving::InUse(_)) => Next::Settled,
            Self::Leaving(_) => Next::After(UNDERWAY),
            Self::Done(it) if it.task.as_ref().is_some_and(|it| it.state == TaskState::Running) => {
                Next::After(UNDERWAY)
            }
            Self::Done(it) => match it.course {
                Course::Available => Next::Settled,
                Course::Provisioning(_) => Next::After(UNDERWAY),
                Course::Rotating(_) | Course::Unavailable(_) => Next::After(SOON),
            },
        }
    }
}

async fn converge(resource: &Resource, ctx: &Context) -> Result<Outcome, Error> {
    let observed = observe::observe(resource, ctx).await?;
    let valid = match validate::validate(resource, &observed) {
        Ok(valid) => valid,
        Err(problem) => return Ok(Outcome::Refused(problem)),
    };
    let image = match image::image(&valid.version, ctx).await {
        image::Image::Ready(reference) => reference,
        image::Image::Building(how_far) => return Ok(Outcome::Building(observed.used_by(resource), how_far)),
        image::Image::None(problem) => return Ok(Outcome::Refused(problem)),
    };
    let credentials = apply::first(resource, &valid, &observed, ctx).await?;
    let mut made = match plan::made(resource, &valid, &credentials, &image) {
        Ok(made) => made,
        Err(problem) => return Ok(Outcome::Refused(problem)),
    };
    if let Err(problem) = room::keep(resource, &valid, &mut made, ctx).await? {
        return Ok(Outcome::Refused(problem));
    }
    dumps::claim(resource, &valid, ctx).await?;
    let state = match apply::objects(resource, &made, ctx).await? {
        Ok(state) => state,
        Err(problem) => return Ok(Outcome::Refused(problem)),
    };
    let (known, moved) = (made.serial, observed.unmoved(resource, &made.connection));
    let made = match apply::turn(resource, &valid, made, &credentials, &state, &moved, &image, ctx).await? {
        Ok(made) => made,
        Err(problem) => return Ok(Outcome::Refused(problem)),
    };
    let course = plan::course(resource, &made, &state, known, &moved);
    let task = task::task(resource, &valid, &course, &image, credentials.serial, ctx).await?;
    let backups = dumps::list(resource, &valid, ctx).await;
    Ok(Outcome::Done(Box::new(Done { used_by: observed.used_by(resource), valid, made, course, task, backups })))
}
