//! ReplicaSets: as many Pods as asked for. [`plan`] decides which to make and which to remove.

mod plan;

use std::sync::Arc;

use fairway_controller::{Kit, Next, controller, delete_exact, list, related};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher;
use kube::{Api, Resource, ResourceExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::pod::list_selector;
use plan::{Observed, Plan};

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let pods = related::<Pod>(&kit.client);
    let controller =
        controller::<ReplicaSet>(&kit.client, watcher::Config::default()).owns(pods, watcher::Config::default());
    let ctx = Arc::clone(&kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(set: Arc<ReplicaSet>, ctx: Arc<Kit>) -> Result<Next, Error> {
    let Some(observed) = observe(&set, &ctx).await? else { return Ok(Next::Settled) };
    let plan = plan::plan(&observed, ctx.world.clock.now());
    let applied = apply(&observed, &plan, &ctx).await;
    let status = plan::status(&observed, applied.as_ref().err().map(Error::said), ctx.world.clock.now());
    let api: Api<ReplicaSet> = Api::namespaced(ctx.client.clone(), &set.namespace().unwrap_or_default());
    let reported = fairway_controller::report(&api, &observed.set, observed.set.status.as_ref(), &status, ctx.name)
        .await
        .map_err(Error::write("the replica set's status"));
    applied?;
    reported?;
    Ok(plan.next)
}

/// All reads, from the API itself: a cache that is behind would make a Pod twice.
async fn observe(set: &ReplicaSet, ctx: &Kit) -> Result<Option<Observed>, Error> {
    let namespace = set.namespace().unwrap_or_default();
    let sets: Api<ReplicaSet> = Api::namespaced(ctx.client.clone(), &namespace);
    let Some(set) = sets.get_opt(&set.name_any()).await.map_err(Error::read("the replica set"))? else {
        return Ok(None);
    };
    if set.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    let selector = list_selector(set.spec.as_ref().map(|it| &it.selector));
    let pods = list::<Pod>(&ctx.client, &namespace, &ListParams::default().labels(&selector)).await;
    let pods = pods.map_err(Error::read("pods"))?;
    Ok(Some(Observed { set, pods }))
}

async fn apply(observed: &Observed, plan: &Plan, ctx: &Kit) -> Result<(), Error> {
    let namespace = observed.set.namespace().unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(ctx.client.clone(), &namespace);
    for pod in &plan.adopt {
        let owner = observed.set.controller_owner_ref(&()).map(|it| vec![it]);
        let patch = json!({ "metadata": { "uid": pod.uid(), "ownerReferences": owner } });
        let result = pods.patch_metadata(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
        fairway_controller::gone_is_fine(result.map(|_| ())).map_err(Error::write("an orphaned pod"))?;
    }
    for _ in 0..plan.create {
        let pod = plan::pod(&observed.set, &ctx.world.entropy.suffix(5));
        let parameters = PostParams { field_manager: Some(ctx.name.to_owned()), ..PostParams::default() };
        match pods.create(&parameters, &pod).await {
            Ok(made) => {
                let message = format!("Created pod: {}", made.name_any());
                ctx.events.normal(&observed.set, "SuccessfulCreate", &message).await;
            }
            Err(source) => {
                let error = Error::Write { what: "a pod", source };
                ctx.events.warning(&observed.set, "FailedCreate", &format!("Error creating: {}", error.said())).await;
                return Err(error);
            }
        }
    }
    for pod in &plan.delete {
        delete_exact(&pods, &pod.name_any(), pod.uid()).await.map_err(Error::write("a surplus pod"))?;
        let message = format!("Deleted pod: {}", pod.name_any());
        ctx.events.normal(&observed.set, "SuccessfulDelete", &message).await;
    }
    Ok(())
}
