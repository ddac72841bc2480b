//! StatefulSets: Pods with a number, a name and claims of their own, made and replaced one after the other.
//!
//! [`plan`] decides; this file reads, [`act`] writes. Behaves as kube-controller-manager's controller.

mod act;

mod identity;

mod plan;

mod revision;

mod status;

mod walk;

use std::sync::Arc;

use fairway_controller::{Kit, Next, controller, list, related};
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::ListParams;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::pod::list_selector;
use act::Revised;
use plan::Observed;

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let controller = controller::<StatefulSet>(&kit.client, all()).owns(related::<Pod>(&kit.client), all());
    let ctx = Arc::clone(&kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(set: Arc<StatefulSet>, ctx: Arc<Kit>) -> Result<Next, Error> {
    let Some(observed) = observe(&set, &ctx).await? else { return Ok(Next::Settled) };
    let mut plan = plan::plan(&observed, ctx.world.clock.now());
    if let Some(write) = &plan.revise
        && act::revise(&observed.set, write, &ctx).await? == Revised::Collided
    {
        // Counted, the next try has another name.
        plan.status.collision_count = Some(plan.status.collision_count.unwrap_or(0).saturating_add(1));
        let before = observed.set.status.clone().unwrap_or_default();
        let status = StatefulSetStatus { collision_count: plan.status.collision_count, ..before };
        report(&observed.set, &status, &ctx).await?;
        return Ok(Next::After(std::time::Duration::from_millis(50)));
    }
    let mut acted = Ok(());
    for action in &plan.actions {
        acted = act::act(&observed.set, action, &ctx).await;
        if acted.is_err() {
            break;
        }
    }
    let reported = report(&observed.set, &plan.status, &ctx).await;
    acted?;
    reported?;
    Ok(plan.next)
}

/// All reads, from the API itself: a cache that is behind would delete a Pod twice.
async fn observe(set: &StatefulSet, ctx: &Kit) -> Result<Option<Observed>, Error> {
    let namespace = set.namespace().unwrap_or_default();
    let sets: Api<StatefulSet> = Api::namespaced(ctx.client.clone(), &namespace);
    let Some(set) = sets.get_opt(&set.name_any()).await.map_err(Error::read("the stateful set"))? else {
        return Ok(None);
    };
    let selector = list_selector(set.spec.as_ref().map(|it| &it.selector));
    let selected = ListParams::default().labels(&selector);
    let pods = list::<Pod>(&ctx.client, &namespace, &selected).await.map_err(Error::read("pods"))?;
    let revisions = list::<ControllerRevision>(&ctx.client, &namespace, &selected).await;
    let mut revisions = revisions.map_err(Error::read("revisions"))?;
    let uid = set.uid();
    revisions.retain(|it| it.owner_references().iter().any(|it| Some(&it.uid) == uid.as_ref()));
    let claims = if identity::templates(&set).next().is_some() {
        let all = list::<PersistentVolumeClaim>(&ctx.client, &namespace, &ListParams::default()).await;
        all.map_err(Error::read("claims"))?
    } else {
        Vec::new()
    };
    Ok(Some(Observed { set, pods, revisions, claims }))
}

async fn report(set: &StatefulSet, status: &StatefulSetStatus, ctx: &Kit) -> Result<(), Error> {
    let api: Api<StatefulSet> = Api::namespaced(ctx.client.clone(), &set.namespace().unwrap_or_default());
    let reported = fairway_controller::report(&api, set, set.status.as_ref(), status, ctx.name).await;
    reported.map_err(Error::write("the stateful set's status"))
}
