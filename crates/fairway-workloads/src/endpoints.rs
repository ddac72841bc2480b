//! Services with a selector: their EndpointSlices say which Pods answer, and how ready each is.

mod plan;

use std::sync::Arc;

use fairway_controller::{Kit, Next, among, concerns, controller, delete_exact, list, related};
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::Error;
use plan::{Observed, Plan};

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let all = watcher::Config::default;
    let controller = controller::<Service>(&kit.client, all());
    let services = controller.store();
    // A Pod matters to the Services of its namespace that select it; while it loses a label, to those that did.
    let of_pod = move |pod: Pod| among(&services, |it| it.namespace() == pod.namespace() && plan::has_selector(it));
    let slices = related::<EndpointSlice>(&kit.client);
    let controller = controller.watches(related(&kit.client), all(), concerns(of_pod)).owns(slices, all());
    let ctx = Arc::clone(&kit);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(service: Arc<Service>, ctx: Arc<Kit>) -> Result<Next, Error> {
    let Some(observed) = observe(&service, &ctx).await? else { return Ok(Next::Settled) };
    let plan = plan::plan(&observed);
    apply(&observed, &plan, &ctx).await?;
    Ok(Next::Settled)
}

async fn observe(service: &Service, ctx: &Kit) -> Result<Option<Observed>, Error> {
    let namespace = service.namespace().unwrap_or_default();
    let services: Api<Service> = Api::namespaced(ctx.client.clone(), &namespace);
    let Some(service) = services.get_opt(&service.name_any()).await.map_err(Error::read("the service"))? else {
        return Ok(None);
    };
    if service.metadata.deletion_timestamp.is_some() || !plan::has_selector(&service) {
        return Ok(None);
    }
    let selector = plan::selector(&service);
    let pods = list::<Pod>(&ctx.client, &namespace, &ListParams::default().labels(&selector)).await;
    let pods = pods.map_err(Error::read("pods"))?;
    let mine = format!("{}={}", plan::LABEL_SERVICE, service.name_any());
    let slices = list::<EndpointSlice>(&ctx.client, &namespace, &ListParams::default().labels(&mine)).await;
    let slices = slices.map_err(Error::read("endpoint slices"))?;
    Ok(Some(Observed { service, pods, slices }))
}

async fn apply(observed: &Observed, plan: &Plan, ctx: &Kit) -> Result<(), Error> {
    let namespace = observed.service.namespace().unwrap_or_default();
    let slices: Api<EndpointSlice> = Api::namespaced(ctx.client.clone(), &namespace);
    for slice in &plan.apply {
        fairway_controller::apply(&slices, ctx.name, slice).await.map_err(Error::write("an endpoint slice"))?;
    }
    for slice in &plan.delete {
        let result = delete_exact(&slices, &slice.name_any(), slice.uid()).await;
        result.map_err(Error::write("a surplus endpoint slice"))?;
    }
    Ok(())
}
