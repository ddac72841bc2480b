//! Draws the picture anew whenever something in the cluster changes.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use futures::FutureExt;
use futures::stream::{BoxStream, SelectAll, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use serde::de::DeserializeOwned;

use super::view::{Objects, View};

/// Watches until dropped.
pub(super) async fn run(client: kube::Client, view: &tokio::sync::watch::Sender<Arc<View>>) {
    let mut ticks = SelectAll::new();
    let services: Store<Service> = follow("services", Api::all(client.clone()), &mut ticks);
    let slices: Store<EndpointSlice> = follow("endpointslices", Api::all(client.clone()), &mut ticks);
    let policies: Store<NetworkPolicy> = follow("networkpolicies", Api::all(client.clone()), &mut ticks);
    let namespaces: Store<PartialObjectMeta<Namespace>> = follow("namespaces", Api::all(client.clone()), &mut ticks);
    let pods: Store<Pod> = follow("pods", Api::all(client), &mut ticks);
    while ticks.next().await.is_some() {
        // What is there already is one step.
        while let Some(Some(())) = ticks.next().now_or_never() {}
        let complete = [ready(&services), ready(&slices), ready(&policies), ready(&namespaces), ready(&pods)];
        if complete.iter().all(|it| *it) {
            let objects = Objects {
                services: services.state(),
                slices: slices.state(),
                policies: policies.state(),
                namespaces: namespaces.state(),
                pods: pods.state(),
            };
            view.send_replace(Arc::new(View::draw(&objects)));
        }
    }
}

fn ready<K>(store: &Store<K>) -> bool
where
    K: kube::runtime::reflector::Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    store.wait_until_ready().now_or_never().is_some()
}

/// A store that follows one kind; every change of it is a tick.
fn follow<K>(what: &'static str, api: Api<K>, ticks: &mut SelectAll<BoxStream<'static, ()>>) -> Store<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (reader, writer) = reflector::store();
    let events = watcher(api, watcher::Config::default()).default_backoff().reflect(writer);
    let heard = events.map(move |event| {
        if let Err(why) = event {
            tracing::warn!(resource = what, error = %why, "watch failed, trying again");
        }
    });
    ticks.push(heard.boxed());
    reader
}
