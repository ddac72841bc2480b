//! How a pod's time ends: deleted, completed, refused, or gone from the API.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Preconditions};

use super::{Next, Worker, seconds, until};
use crate::pods::past::{self, PastPod};
use crate::pods::plan::Ending;
use crate::pods::refuse::Refusal;
use crate::pods::status::refused;

/// After a deletion that did not work.
const TRY_AGAIN: Duration = Duration::from_millis(200);

impl Worker {
    /// The pod is being deleted: its containers end gracefully, then it goes from the machine and from the API.
    pub(super) async fn terminate(&mut self) -> Next {
        let running: Vec<_> = self.history.containers.iter().filter(|it| it.finished.is_none()).cloned().collect();
        if self.live.is_some() && !running.is_empty() {
            let grace = self.grace_left();
            for run in running {
                let Some(container) = self.container(&run.name) else { continue };
                let key = (run.name.clone(), run.attempt);
                if !self.stopping.contains(&key) {
                    let text = format!("Stopping container {}", run.name);
                    self.shared.events.normal(self.pod.as_ref(), "Killing", &text).await;
                }
                let (network, uid) = (self.shared.network.clone(), self.uid.clone());
                let quiet = async move { network.withdraw(&uid).await };
                self.stop_run(container, run.attempt, grace, quiet);
            }
            self.report();
            return Next::Wait(None);
        }
        // What a finalizer holds comes here again and again: all was said and kept the first time.
        if self.live.is_some() || !self.history.containers.is_empty() || self.ended.is_none() {
            self.end_for_whom_it_waits();
            self.report();
            self.reporter.settled().await;
            self.remember().await;
        }
        if !self.clear_away().await {
            return Next::Wait(Some(TRY_AGAIN));
        }
        if self.delete().await { Next::Over } else { Next::Wait(Some(TRY_AGAIN)) }
    }

    /// Whoever holds a deleted pod by a finalizer may wait to hear how it ended.
    fn end_for_whom_it_waits(&mut self) {
        if self.ended.is_some() || self.pod.finalizers().is_empty() {
            return;
        }
        let ended_well = |it: &Container| {
            self.history.latest(&it.name).and_then(|it| it.finished.as_ref()).is_some_and(|it| it.exit_code == 0)
        };
        let all_well = self.containers().iter().all(ended_well);
        self.ended = Some(if all_well { Ending::Succeeded } else { Ending::Failed });
    }

    /// What is left of the time that whoever deleted the pod gave it.
    fn grace_left(&self) -> Duration {
        let grace = self.pod.metadata.deletion_grace_period_seconds;
        let grace = grace.or(self.pod.spec.as_ref().and_then(|it| it.termination_grace_period_seconds)).unwrap_or(30);
        // The API's time is of whole seconds: never less than was given a moment ago, never more either.
        let deadline = self.pod.metadata.deletion_timestamp.as_ref().map(|it| until(self.now(), it.0));
        let left = deadline.map_or(seconds(grace), |it| it + Duration::from_secs(1)).min(seconds(grace));
        if grace > 0 { left.max(Duration::from_secs(1)) } else { Duration::ZERO }
    }

    /// Keeps the end of its logs for whoever asks why it went.
    async fn remember(&self) {
        let state = self.shared.runner.state_folder().to_owned();
        let (uid, history) = (self.uid.clone(), self.history.clone());
        let pod = PastPod {
            namespace: self.pod.namespace().unwrap_or_default(),
            name: self.pod.name_any(),
            labels: self.pod.labels().clone(),
            ended: self.now(),
            containers: Vec::new(),
        };
        let kept = tokio::task::spawn_blocking(move || past::keep(&state, &uid, pod, &history)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(pod.uid = self.uid, error = %error, "the last words of a pod could not be kept");
        }
    }

    /// Removes all that is on the machine. False if something is left.
    async fn clear_away(&mut self) -> bool {
        self.tasks.abort_all();
        self.shared.usage.forget(&self.uid);
        self.shared.network.remove_pod(&self.uid);
        if let Some(live) = self.live.take() {
            live.kill().await;
            self.shared.addresses().free(live.sandbox.ip);
        }
        match self.shared.runner.remove(&self.uid).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(pod.uid = self.uid, error = %error, "a pod could not be removed");
                false
            }
        }
    }

    /// True when the API does not have the pod any more.
    async fn delete(&self) -> bool {
        let api: Api<Pod> =
            Api::namespaced(self.shared.settings.client.clone(), &self.pod.namespace().unwrap_or_default());
        let parameters = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions { uid: Some(self.uid.clone()), resource_version: None }),
            ..DeleteParams::default()
        };
        match api.delete(&self.pod.name_any(), &parameters).await {
            Ok(_) => true,
            // Gone, or another pod has its name by now.
            Err(kube::Error::Api(error)) if matches!(error.code, 404 | 409) => true,
            Err(error) => {
                tracing::debug!(pod.uid = self.uid, error = %error, "a pod was not deleted yet");
                false
            }
        }
    }

    /// The pod is not in the API: nothing is left to say to anybody.
    pub(super) async fn abandon(&mut self) -> Next {
        if self.clear_away().await { Next::Over } else { Next::Wait(Some(TRY_AGAIN)) }
    }

    /// Every container has ended for good: the sandbox goes, logs and status stay.
    pub(super) async fn lie_down(&mut self) {
        self.shared.usage.forget(&self.uid);
        self.shared.network.remove_pod(&self.uid);
        if let Some(live) = self.live.take() {
            live.kill().await;
            self.shared.addresses().free(live.sandbox.ip);
        }
        self.shared.runner.free(&self.uid);
    }

    /// Nothing to do but to be deleted one day.
    pub(super) async fn rest(&mut self) -> Next {
        if self.live.is_some() {
            self.lie_down().await;
        }
        Next::Wait(None)
    }

    pub(super) async fn refuse(&mut self, refusal: &Refusal) -> Next {
        if self.written.is_none() {
            self.shared.events.warning(self.pod.as_ref(), refusal.reason, &refusal.message).await;
            self.say(refused(&self.pod, refusal.reason, &refusal.message, crate::pods::status::whole(self.now())));
        }
        Next::Wait(None)
    }
}
