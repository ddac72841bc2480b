//! Jobs: Pods that run until enough of them ended well, or too many did not.
//!
//! [`plan`] decides; this file reads, [`act`] writes. Behaves as kube-controller-manager's controller.

mod act;

mod indexes;

pub(crate) mod orphans;

mod plan;

mod policy;

mod tally;

mod verdict;

use std::sync::Arc;

use fairway_controller::{Kit, Next, controller, list, related};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::pod::list_selector;
use plan::{Observed, Plan};

pub(crate) use verdict::{condition, ended_at};

/// Who carries a Job out that names nobody else in `spec.managedBy`.
const US: &str = "kubernetes.io/job-controller";

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let controller = controller::<Job>(&kit.client, all()).owns(related::<Pod>(&kit.client), all());
    let ctx = Arc::clone(&kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(job: Arc<Job>, ctx: Arc<Kit>) -> Result<Next, Error> {
    let Some(observed) = observe(&job, &ctx).await? else { return Ok(Next::Settled) };
    let plan = plan::plan(&observed, ctx.world.clock.now());
    if plan.expired {
        act::expire(&observed.job, &ctx).await?;
        return Ok(Next::Settled);
    }
    let mut acted = Ok(());
    for action in &plan.actions {
        acted = act::act(&observed.job, action, &ctx).await;
        if acted.is_err() {
            break;
        }
    }
    report(&observed.job, &plan, &ctx).await?;
    acted?;
    Ok(plan.next)
}

/// All reads, from the API itself: a cache that is behind would make a Pod twice.
async fn observe(job: &Job, ctx: &Kit) -> Result<Option<Observed>, Error> {
    let namespace = job.namespace().unwrap_or_default();
    let jobs: Api<Job> = Api::namespaced(ctx.client.clone(), &namespace);
    let Some(job) = jobs.get_opt(&job.name_any()).await.map_err(Error::read("the job"))? else { return Ok(None) };
    let spec = job.spec.as_ref();
    if spec.and_then(|it| it.managed_by.as_deref()).is_some_and(|it| it != US) {
        return Ok(None);
    }
    let selector = list_selector(spec.and_then(|it| it.selector.as_ref()));
    let pods = list::<Pod>(&ctx.client, &namespace, &ListParams::default().labels(&selector)).await;
    Ok(Some(Observed { pods: pods.map_err(Error::read("pods"))?, job }))
}

/// The status first: only what is noted there may be let go. Then what people should hear of it.
async fn report(job: &Job, plan: &Plan, ctx: &Kit) -> Result<(), Error> {
    let namespace = job.namespace().unwrap_or_default();
    let jobs: Api<Job> = Api::namespaced(ctx.client.clone(), &namespace);
    let reported = fairway_controller::report(&jobs, job, job.status.as_ref(), &plan.status, ctx.name).await;
    reported.map_err(Error::write("the job's status"))?;
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &namespace);
    for pod in &plan.release {
        act::release(&pods, pod).await?;
    }
    for it in &plan.said {
        if it.is_warning {
            ctx.events.warning(job, &it.reason, &it.message).await;
        } else {
            ctx.events.normal(job, &it.reason, &it.message).await;
        }
    }
    Ok(())
}
