//! The scheduler of a small cluster: a Pod without a node gets the Ready node with the fewest Pods.

use std::sync::Arc;
use std::time::Duration;

use fairway_controller::{Kit, Next, controller, gone_is_fine};
use k8s_openapi::api::core::v1::{Binding, Node, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, PostParams};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::pod::is_active;

/// How soon to look again while there is no node.
const NO_NODE: Duration = Duration::from_secs(1);

pub(crate) async fn run(kit: Arc<Kit>, stop: CancellationToken) {
    let waiting = watcher::Config::default().fields("spec.nodeName=");
    let ctx = Arc::clone(&kit);
    let controller = controller::<Pod>(&kit.client, waiting);
    fairway_controller::run(controller, kit, stop, move |it| reconcile(it, Arc::clone(&ctx))).await;
}

async fn reconcile(pod: Arc<Pod>, ctx: Arc<Kit>) -> Result<Next, Error> {
    let ours = pod.spec.as_ref().and_then(|it| it.scheduler_name.as_deref()).is_none_or(|it| it == "default-scheduler");
    if !ours || !is_active(&pod) || node_of(&pod).is_some() {
        return Ok(Next::Settled);
    }
    let nodes: Api<Node> = Api::all(ctx.client.clone());
    let nodes = nodes.list(&ListParams::default()).await.map_err(Error::read("nodes"))?.items;
    let pods: Api<Pod> = Api::all(ctx.client.clone());
    // With one node there is nothing to weigh.
    let placed = if nodes.len() > 1 {
        pods.list(&ListParams::default()).await.map_err(Error::read("pods"))?.items
    } else {
        Vec::new()
    };
    let Some(node) = choose(&pod, &nodes, &placed) else {
        let message = format!("0/{} nodes are available: none is Ready and takes new pods", nodes.len());
        ctx.events.warning(pod.as_ref(), "FailedScheduling", &message).await;
        return Ok(Next::After(NO_NODE));
    };
    bind(&pod, &node, &ctx).await?;
    let name = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    ctx.events.normal(pod.as_ref(), "Scheduled", &format!("Successfully assigned {name} to {node}")).await;
    Ok(Next::Settled)
}

async fn bind(pod: &Pod, node: &str, ctx: &Kit) -> Result<(), Error> {
    let api: Api<Pod> = Api::namespaced(ctx.client.clone(), &pod.namespace().unwrap_or_default());
    let binding = Binding {
        metadata: ObjectMeta { name: pod.metadata.name.clone(), uid: pod.uid(), ..ObjectMeta::default() },
        target: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            ..ObjectReference::default()
        },
    };
    let result: Result<serde_json::Value, _> =
        api.create_subresource("binding", &pod.name_any(), &PostParams::default(), &binding).await;
    // Bound meanwhile, or gone: either way there is nothing left to do here.
    gone_is_fine(result.map(|_| ())).map_err(Error::write("the binding"))
}

/// The Ready node with the fewest Pods, among those the Pod may run on. Pure.
fn choose(pod: &Pod, nodes: &[Node], placed: &[Pod]) -> Option<String> {
    let wanted = pod.spec.as_ref().and_then(|it| it.node_selector.as_ref());
    let fits = |node: &&Node| {
        takes_pods(node) && wanted.into_iter().flatten().all(|(key, value)| node.labels().get(key) == Some(value))
    };
    let load =
        |node: &&Node| placed.iter().filter(|it| is_active(it) && node_of(it) == node.metadata.name.as_deref()).count();
    nodes.iter().filter(fits).min_by_key(|it| (load(it), it.name_any())).map(ResourceExt::name_any)
}

fn takes_pods(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|it| it.conditions.as_ref());
    let ready = conditions.into_iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True");
    ready && node.spec.as_ref().is_none_or(|it| it.unschedulable != Some(true))
}

fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref().and_then(|it| it.node_name.as_deref()).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests;
