//! Writing a pod's status: never in the way of the pod, never the same twice, the newest only.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Worker;
use crate::pods::status::{Seen, status};

/// After a write that failed.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// A task that writes the newest status.
pub(super) struct Reporter {
    newest: watch::Sender<Option<PodStatus>>,
    written: watch::Receiver<Option<PodStatus>>,
    _task: JoinSet<()>,
}

impl Reporter {
    pub(super) fn new(client: Client, pod: &Pod) -> Self {
        let (newest, mut wanted) = watch::channel(None::<PodStatus>);
        let (done, written) = watch::channel(None);
        let api: Api<Pod> = Api::namespaced(client, &pod.namespace().unwrap_or_default());
        let (name, uid) = (pod.name_any(), pod.uid());
        let mut task = JoinSet::new();
        task.spawn(async move {
            while wanted.changed().await.is_ok() {
                let Some(status) = wanted.borrow_and_update().clone() else { continue };
                while !write(&api, &name, uid.as_deref(), &status).await && !wanted.has_changed().unwrap_or(true) {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                done.send_replace(Some(status));
            }
        });
        Self { newest, written, _task: task }
    }

    pub(super) fn say(&self, status: PodStatus) {
        self.newest.send_replace(Some(status));
    }

    /// Comes back when all that was said is written, or cannot be within a short time.
    pub(super) async fn settled(&mut self) {
        let newest = self.newest.borrow().clone();
        let done = self.written.wait_for(|it| *it == newest);
        let _too_late = tokio::time::timeout(Duration::from_secs(2), done).await;
    }
}

/// True when it is written, or never can be because the pod is gone.
async fn write(api: &Api<Pod>, name: &str, uid: Option<&str>, status: &PodStatus) -> bool {
    let patch = Patch::Merge(json!({ "metadata": { "uid": uid }, "status": status }));
    match api.patch_status(name, &PatchParams::default(), &patch).await {
        Ok(_) => true,
        Err(kube::Error::Api(error)) if matches!(error.code, 404 | 409 | 422) => {
            tracing::debug!(pod.name = name, error = error.message, "a status is not wanted any more");
            true
        }
        Err(error) => {
            tracing::debug!(pod.name = name, error = %error, "a status was not written");
            false
        }
    }
}

impl Worker {
    /// Says how the pod is, if that is news.
    pub(super) fn report(&mut self) {
        // What we said last counts, not what the API has told back so far.
        let mut pod = Pod::clone(&self.pod);
        if let Some(written) = &self.written {
            let mut status = written.clone();
            status.qos_class = pod.status.and_then(|it| it.qos_class);
            pod.status = Some(status);
        }
        let host_ip = self.shared.node_address().to_string();
        let known_ip = pod.status.as_ref().and_then(|it| it.pod_ip.clone());
        let status = status(&Seen {
            pod: &pod,
            state: &self.history,
            waiting: &self.waiting,
            ready: &self.ready,
            started: &self.started,
            initialized: self.initialized,
            ended: self.ended,
            cut: self.cut.as_ref(),
            pod_ip: self.live.as_ref().map(|it| it.sandbox.ip.to_string()).or(known_ip),
            host_ip: &host_ip,
            last_words: &self.last_words,
            image_ids: &self.image_ids,
            start_time: crate::pods::status::whole(self.begun),
            now: self.now(),
        });
        self.say(status);
    }

    pub(super) fn say(&mut self, status: PodStatus) {
        let known = if self.written.is_some() { &self.written } else { &self.pod.status };
        if known.as_ref() != Some(&status) {
            self.written = Some(status.clone());
            self.reporter.say(status);
        }
    }
}
