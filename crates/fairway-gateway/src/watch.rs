//! Keeps table and backends equal to the cluster's objects. One task reads all watches in the order they speak; a change
//! of endpoints touches the backends of its Service only, a change of routes compiles the table anew.

mod cluster;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::stream::{BoxStream, SelectAll, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};

pub(crate) use cluster::Change;
pub(crate) use cluster::Cluster;

use crate::gateway::Named;
use crate::proxy::Proxy;
use crate::route;
use crate::table::Verdict;

/// Where the verdicts on routes go.
pub(crate) type Verdicts = tokio::sync::watch::Sender<Arc<Vec<Verdict>>>;

/// Watches until dropped.
pub(crate) async fn run(
    client: kube::Client,
    proxy: Arc<Proxy>,
    gateway: Named,
    controller: String,
    verdicts: Verdicts,
) {
    let mut changes = changes(&client, &gateway);
    let mut cluster = Cluster::new(gateway, controller);
    while let Some(change) = changes.next().await {
        cluster.apply(change);
        // What is there already is one step: a burst of events compiles the table once.
        while let Some(Some(more)) = changes.next().now_or_never() {
            cluster.apply(more);
        }
        if let Some(news) = cluster.publish(&proxy) {
            verdicts.send_replace(Arc::new(news));
        }
    }
}

fn changes(client: &kube::Client, gateway: &Named) -> SelectAll<BoxStream<'static, Change>> {
    let all = watcher::Config::default;
    let routes: Api<DynamicObject> = Api::all_with(client.clone(), &route::http_routes());
    let gateways: Api<DynamicObject> = Api::namespaced_with(client.clone(), &gateway.namespace, &route::gateways());
    let slices = watcher::Config::default().labels("kubernetes.io/service-name");
    futures::stream::select_all([
        heard("httproutes", watcher::watcher(routes, all()), Change::Route),
        heard("gateways", watcher::watcher(gateways, all()), Change::Gateway),
        heard("services", watcher::watcher(Api::<Service>::all(client.clone()), all()), Change::Service),
        heard("endpointslices", watcher::watcher(Api::<EndpointSlice>::all(client.clone()), slices), Change::Slice),
        heard(
            "namespaces",
            watcher::watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), all()),
            namespace,
        ),
    ])
}

fn namespace(event: Event<PartialObjectMeta<Namespace>>) -> Change {
    let labels = |it: PartialObjectMeta<Namespace>| {
        let meta = it.metadata;
        (meta.name.unwrap_or_default(), meta.labels.unwrap_or_default())
    };
    Change::Namespace(match event {
        Event::Apply(it) => cluster::Labels::One(labels(it)),
        Event::InitApply(it) => cluster::Labels::Listed(labels(it)),
        Event::Delete(it) => cluster::Labels::Gone(labels(it).0),
        Event::Init => cluster::Labels::Start,
        Event::InitDone => cluster::Labels::End,
    })
}

/// A watch that tries again for ever, ever slower, and says once per failure why.
fn heard<T: Send + 'static>(
    what: &'static str,
    watch: impl futures::Stream<Item = watcher::Result<Event<T>>> + Send + 'static,
    wrap: impl Fn(Event<T>) -> Change + Send + 'static,
) -> BoxStream<'static, Change> {
    let events = watch.default_backoff().filter_map(move |event| {
        let change = match event {
            Ok(event) => Some(wrap(event)),
            Err(why) => {
                tracing::warn!(resource = what, error = %why, "watch failed, trying again");
                None
            }
        };
        futures::future::ready(change)
    });
    events.boxed()
}

/// Labels of all namespaces.
pub(crate) type NamespaceLabels = BTreeMap<String, BTreeMap<String, String>>;
