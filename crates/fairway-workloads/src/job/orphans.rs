//! Pods that no Job will count any more: they are let go, or they would stay for ever.

use std::sync::Arc;

use fairway_controller::{Kit, Next, controller};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use super::{act, tally};
use crate::Error;

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let of_jobs = watcher::Config::default().labels("batch.kubernetes.io/job-name");
    let ctx = Arc::clone(&kit);
    let controller = controller::<Pod>(&kit.client, of_jobs);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(pod: Arc<Pod>, ctx: Arc<Kit>) -> Result<Next, Error> {
    if !tally::is_tracked(&pod) {
        return Ok(Next::Settled);
    }
    let namespace = pod.namespace().unwrap_or_default();
    let owner = pod.owner_references().iter().find(|it| it.controller == Some(true));
    if let Some(owner) = owner {
        let jobs: Api<Job> = Api::namespaced(ctx.client.clone(), &namespace);
        let job = jobs.get_opt(&owner.name).await.map_err(Error::read("the job"))?;
        if job.is_some_and(|it| it.uid().as_deref() == Some(&owner.uid)) {
            // It counts its Pods itself.
            return Ok(Next::Settled);
        }
    }
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &namespace);
    // As it is now: what the watch brought may be older.
    match pods.get_opt(&pod.name_any()).await.map_err(Error::read("the pod"))? {
        Some(now) if now.uid() == pod.uid() && tally::is_tracked(&now) => act::release(&pods, &now).await?,
        _ => {}
    }
    Ok(Next::Settled)
}
