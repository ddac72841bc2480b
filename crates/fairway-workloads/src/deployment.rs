//! Deployments: a ReplicaSet for each template, and a careful walk from the old ones to the new.
//!
//! [`plan`] decides; this file reads and writes. Behaves as kube-controller-manager's controller.

mod plan;

mod revision;

mod rollout;

mod status;

use std::collections::BTreeMap;
use std::sync::Arc;

use fairway_controller::{Kit, Next, controller, gone_is_fine, list, related};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::Error;
use plan::{Action, Observed, Plan};

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let sets = related::<ReplicaSet>(&kit.client);
    let controller =
        controller::<Deployment>(&kit.client, watcher::Config::default()).owns(sets, watcher::Config::default());
    let ctx = Arc::clone(&kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(deployment: Arc<Deployment>, ctx: Arc<Kit>) -> Result<Next, Error> {
    let Some(observed) = observe(&deployment, &ctx).await? else { return Ok(Next::Settled) };
    let plan = plan::plan(&observed, ctx.world.clock.now());
    apply(&observed, &plan, &ctx).await?;
    report(&observed, &plan, &ctx).await?;
    Ok(plan.next)
}

/// All reads. The Deployment is read again: the cache may be behind what this controller wrote itself.
async fn observe(deployment: &Deployment, ctx: &Kit) -> Result<Option<Observed>, Error> {
    let namespace = deployment.namespace().unwrap_or_default();
    let api: Api<Deployment> = Api::namespaced(ctx.client.clone(), &namespace);
    let Some(deployment) = api.get_opt(&deployment.name_any()).await.map_err(Error::read("the deployment"))? else {
        return Ok(None);
    };
    if deployment.metadata.deletion_timestamp.is_some() {
        return Ok(None);
    }
    let uid = deployment.uid().unwrap_or_default();
    let all = list::<ReplicaSet>(&ctx.client, &namespace, &ListParams::default()).await;
    let owned =
        all.map_err(Error::read("replica sets"))?.into_iter().filter(|it| owner(it) == Some(uid.as_str())).collect();
    Ok(Some(Observed { deployment, sets: owned }))
}

/// The uid of the controller that a ReplicaSet belongs to.
fn owner(set: &ReplicaSet) -> Option<&str> {
    set.owner_references().iter().find(|it| it.controller == Some(true)).map(|it| it.uid.as_str())
}

async fn apply(observed: &Observed, plan: &Plan, ctx: &Kit) -> Result<(), Error> {
    let namespace = observed.deployment.namespace().unwrap_or_default();
    let sets: Api<ReplicaSet> = Api::namespaced(ctx.client.clone(), &namespace);
    let deployments: Api<Deployment> = Api::namespaced(ctx.client.clone(), &namespace);
    let parameters = PatchParams { field_manager: Some(ctx.name.to_owned()), ..PatchParams::default() };
    if let Some(revision) = &plan.revision {
        let patch = json!({ "metadata": { "annotations": { revision::ANNOTATION: revision } } });
        let result =
            deployments.patch_metadata(&observed.deployment.name_any(), &parameters, &Patch::Merge(patch)).await;
        gone_is_fine(result.map(|_| ())).map_err(Error::write("the deployment's revision"))?;
    }
    for action in &plan.actions {
        match action {
            Action::Create(set) => {
                let create = PostParams { field_manager: Some(ctx.name.to_owned()), ..PostParams::default() };
                // A name that is taken means that an earlier pass made it: the next pass sees it.
                gone_is_fine(sets.create(&create, set).await.map(|_| ())).map_err(Error::write("a replica set"))?;
                let message = format!("Scaled up replica set {} to {}", set.name_any(), replicas(set));
                ctx.events.normal(&observed.deployment, "ScalingReplicaSet", &message).await;
            }
            Action::Scale { name, from, to, notes } => {
                let annotations: BTreeMap<String, String> = notes.annotations().into();
                let patch = json!({
                    "metadata": { "annotations": annotations },
                    "spec": { "replicas": to },
                });
                let result = sets.patch(name, &parameters, &Patch::Merge(patch)).await;
                gone_is_fine(result.map(|_| ())).map_err(Error::write("a replica set's size"))?;
                if from != to {
                    let way = if to > from { "up" } else { "down" };
                    let message = format!("Scaled {way} replica set {name} from {from} to {to}");
                    ctx.events.normal(&observed.deployment, "ScalingReplicaSet", &message).await;
                }
            }
            Action::Delete(name) => {
                let result = sets.delete(name, &DeleteParams::background()).await;
                gone_is_fine(result.map(|_| ())).map_err(Error::write("an old replica set"))?;
            }
        }
    }
    Ok(())
}

async fn report(observed: &Observed, plan: &Plan, ctx: &Kit) -> Result<(), Error> {
    let deployment = &observed.deployment;
    let api: Api<Deployment> = Api::namespaced(ctx.client.clone(), &deployment.namespace().unwrap_or_default());
    fairway_controller::report(&api, deployment, deployment.status.as_ref(), &plan.status, ctx.name)
        .await
        .map_err(Error::write("the deployment's status"))
}

/// How many Pods a ReplicaSet is asked to keep.
fn replicas(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1)
}
