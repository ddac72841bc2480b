//! The watch of the pods that are bound to this node: each has a worker, for as long as the API knows it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Shared;
use super::known::Known;
use super::worker::{Target, Worker};
use crate::runner::{Found, PodState};

/// Follows the pods that are bound to this node, and gives each its worker.
pub(super) async fn follow(shared: Arc<Shared>, found: Vec<Found>) {
    let mut found: HashMap<String, Found> = found
        .into_iter()
        .map(|it| match it {
            Found::Running(pod) => (pod.sandbox.uid.clone(), Found::Running(pod)),
            Found::Dead { uid, state } => (uid.clone(), Found::Dead { uid, state }),
        })
        .collect();
    let pods: Api<Pod> = Api::all(shared.settings.client.clone());
    let config = watcher::Config::default().fields(&format!("spec.nodeName={}", shared.settings.name));
    let mut events = watcher(pods, config).default_backoff().boxed();
    let mut workers = JoinSet::new();
    let mut listed = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listed.clear(),
            Ok(watcher::Event::InitApply(pod)) => {
                listed.extend(pod.uid());
                give(&shared, &mut workers, &mut found, pod);
            }
            Ok(watcher::Event::InitDone) => {
                drop_others(&shared, &mut found, &listed).await;
                shared.listed.send_replace(true);
            }
            Ok(watcher::Event::Apply(pod)) => give(&shared, &mut workers, &mut found, pod),
            Ok(watcher::Event::Delete(pod)) => gone(&shared, &pod.uid().unwrap_or_default()),
            Err(error) => tracing::debug!(error = %error, "the watch of pods is interrupted"),
        }
        while workers.try_join_next().is_some() {}
    }
}

fn gone(shared: &Shared, uid: &str) {
    if let Some(known) = shared.known().get(uid) {
        known.target.send_replace(Target::Gone);
    }
}

/// Tells a pod's worker what is wanted now; makes the worker if there is none.
fn give(shared: &Arc<Shared>, workers: &mut JoinSet<()>, found: &mut HashMap<String, Found>, pod: Pod) {
    let Some(uid) = pod.uid() else { return };
    let pod = Arc::new(pod);
    let mut known = shared.known();
    if let Some(known) = known.get(&uid) {
        known.target.send_replace(Target::Run(pod));
        return;
    }
    let (target, targets) = watch::channel(Target::Run(Arc::clone(&pod)));
    let (seen, seen_receiver) = watch::channel(PodState::default());
    known.insert(uid.clone(), Known::new(&pod, target, seen_receiver));
    drop(known);
    let worker = Worker::new(Arc::clone(shared), uid.clone(), pod, targets, seen, found.remove(&uid));
    let shared = Arc::clone(shared);
    workers.spawn(async move {
        worker.run().await;
        shared.usage.forget(&uid);
        shared.known().remove(&uid);
    });
}

/// After a full list: what is not in it is gone, whether it has a worker or only a folder.
async fn drop_others(shared: &Arc<Shared>, found: &mut HashMap<String, Found>, listed: &BTreeSet<String>) {
    let strangers: Vec<String> = shared.known().keys().filter(|it| !listed.contains(*it)).cloned().collect();
    for uid in strangers {
        gone(shared, &uid);
    }
    for (uid, orphan) in found.drain() {
        drop(orphan);
        tracing::info!(pod.uid = uid, "a pod that the API does not know any more is removed");
        if let Err(error) = shared.runner.remove(&uid).await {
            tracing::warn!(pod.uid = uid, error = %error, "a pod could not be removed");
        }
    }
}
