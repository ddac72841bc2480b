//! CronJobs: a Job whenever one is due.
//!
//! [`plan`] decides; this file reads and writes. Behaves as kube-controller-manager's controller.

mod plan;

mod schedule;

use std::sync::Arc;

use fairway_controller::{Kit, Next, controller, gone_is_fine, list, related};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::api::{DeleteParams, ListParams, PostParams, Preconditions};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::Error;
use plan::{Observed, Plan};

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let controller = controller::<CronJob>(&kit.client, all()).owns(related::<Job>(&kit.client), all());
    let ctx = Arc::clone(&kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(cron: Arc<CronJob>, ctx: Arc<Kit>) -> Result<Next, Error> {
    let Some(observed) = observe(&cron, &ctx).await? else { return Ok(Next::Settled) };
    let mut plan = plan::plan(&observed, ctx.world.clock.now());
    let applied = apply(&observed, &plan, &ctx).await;
    if applied.is_err() {
        // What was to be made was not.
        plan.status.last_schedule_time = observed.cron.status.as_ref().and_then(|it| it.last_schedule_time.clone());
    }
    let reported = report(&observed, &plan, &ctx).await;
    applied?;
    reported?;
    Ok(plan.next)
}

/// All reads, from the API itself: a cache that is behind would make a Job twice.
async fn observe(cron: &CronJob, ctx: &Kit) -> Result<Option<Observed>, Error> {
    let namespace = cron.namespace().unwrap_or_default();
    let crons: Api<CronJob> = Api::namespaced(ctx.client.clone(), &namespace);
    let Some(cron) = crons.get_opt(&cron.name_any()).await.map_err(Error::read("the cron job"))? else {
        return Ok(None);
    };
    let jobs = list::<Job>(&ctx.client, &namespace, &ListParams::default()).await.map_err(Error::read("jobs"))?;
    let uid = cron.uid();
    let is_own = |it: &Job| {
        it.owner_references().iter().any(|owner| owner.controller == Some(true) && Some(&owner.uid) == uid.as_ref())
    };
    Ok(Some(Observed { jobs: jobs.into_iter().filter(is_own).collect(), cron }))
}

async fn apply(observed: &Observed, plan: &Plan, ctx: &Kit) -> Result<(), Error> {
    let cron = &observed.cron;
    let jobs: Api<Job> = Api::namespaced(ctx.client.clone(), &cron.namespace().unwrap_or_default());
    for job in &plan.delete {
        let preconditions = Some(Preconditions { uid: job.uid(), resource_version: None });
        let parameters = DeleteParams { preconditions, ..DeleteParams::background() };
        let result = jobs.delete(&job.name_any(), &parameters).await;
        gone_is_fine(result.map(|_| ())).map_err(Error::write("a job"))?;
        ctx.events.normal(cron, "SuccessfulDelete", &format!("Deleted job {}", job.name_any())).await;
    }
    let Some(job) = &plan.create else { return Ok(()) };
    let parameters = PostParams { field_manager: Some(ctx.name.to_owned()), ..PostParams::default() };
    match jobs.create(&parameters, job).await {
        Ok(_) => ctx.events.normal(cron, "SuccessfulCreate", &format!("Created job {}", job.name_any())).await,
        Err(source) => {
            ctx.events.warning(cron, "FailedCreate", &format!("Error creating job: {source}")).await;
            return Err(Error::Write { what: "a job", source });
        }
    }
    Ok(())
}

async fn report(observed: &Observed, plan: &Plan, ctx: &Kit) -> Result<(), Error> {
    let cron = &observed.cron;
    let crons: Api<CronJob> = Api::namespaced(ctx.client.clone(), &cron.namespace().unwrap_or_default());
    let reported = fairway_controller::report(&crons, cron, cron.status.as_ref(), &plan.status, ctx.name).await;
    reported.map_err(Error::write("the cron job's status"))?;
    for it in &plan.said {
        if it.is_warning {
            ctx.events.warning(cron, it.reason, &it.message).await;
        } else {
            ctx.events.normal(cron, it.reason, &it.message).await;
        }
    }
    Ok(())
}
