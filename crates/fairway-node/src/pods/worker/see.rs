//! Taking in what happened: starts, ends, and the end of pod init.

use jiff::Timestamp;
use kube::ResourceExt;

use super::Worker;
use crate::pods::plan::{Plan, count};
use crate::pods::status::Waiting;
use crate::runner::{self, ContainerState, PodState, Want};

/// So much of a log is told as the reason of an end, as Kubernetes has it.
const LAST_WORDS: u64 = 2048;

impl Worker {
    /// Takes in what pod init knows, and counts and tells ends.
    pub(super) async fn see(&mut self) {
        if let Some(live) = &self.live {
            let state = live.state();
            state.containers.into_iter().for_each(|it| self.history.record(it));
            if live.is_gone() {
                self.lose().await;
            }
        }
        for run in self.history.containers.clone() {
            self.tell_wants(&run).await;
            let Some(finished) = &run.finished else { continue };
            let key = (run.name.clone(), run.attempt);
            if !self.told.insert(key.clone()) {
                continue;
            }
            self.keep_last_words(&run).await;
            let before = self.failures.get(&run.name).copied().unwrap_or(0);
            self.failures.insert(run.name.clone(), count(before, &run, finished));
            for set in [&mut self.ready, &mut self.started, &mut self.unhealthy, &mut self.stopping] {
                set.remove(&key);
            }
            if let Some(task) = self.probing.remove(&key) {
                task.abort();
            }
            if let Some(message) = finished.message.as_ref().filter(|_| finished.reason == "StartError") {
                self.shared.events.warning(self.pod.as_ref(), "Failed", &format!("Error: {message}")).await;
            }
        }
        self.seen.send_if_modified(|it| {
            let is_news = *it != self.history;
            it.clone_from(&self.history);
            is_news
        });
    }

    /// Remembers what a run that failed printed last, if its container wants that told as the reason of its end.
    async fn keep_last_words(&mut self, run: &ContainerState) {
        let failed = run.finished.as_ref().is_some_and(|it| it.exit_code != 0 && it.message.is_none());
        let policy = self.container(&run.name).and_then(|it| it.termination_message_policy);
        if !failed || policy.as_deref() != Some("FallbackToLogsOnError") {
            return;
        }
        let (state, uid) = (self.shared.runner.state_folder().to_owned(), self.uid.clone());
        let (name, attempt) = (run.name.clone(), run.attempt);
        let reading = move || runner::last_words(&state, &uid, &name, attempt, LAST_WORDS);
        if let Ok(Ok(text)) = tokio::task::spawn_blocking(reading).await {
            let text = String::from_utf8_lossy(&text).trim_end().to_owned();
            self.last_words.insert((run.name.clone(), run.attempt), text);
        }
    }

    /// Says once for each run that its program asks for users that it cannot have: it may go on and never be ready.
    async fn tell_wants(&mut self, run: &ContainerState) {
        let Some(wants) = run.wants else { return };
        if self.told_wants.insert((run.name.clone(), run.attempt)) {
            let text = format!("Container {}: {}", run.name, wants.hint());
            self.shared.events.warning(self.pod.as_ref(), Want::REASON, &text).await;
        }
    }

    /// Pod init died, and all that ran with it.
    pub(super) async fn lose(&mut self) {
        self.live = None;
        self.shared.network.remove_pod(&self.uid);
        let now = self.now();
        lost(&mut self.history, now);
        if self.pod.metadata.deletion_timestamp.is_none() {
            let text = "Pod sandbox changed, it will be killed and re-created.";
            self.shared.events.normal(self.pod.as_ref(), "SandboxChanged", text).await;
        }
    }

    pub(super) async fn note_backoffs(&mut self, plan: &Plan) {
        for container in self.containers() {
            let name = container.name;
            let Some(wait) = plan.backing_off.get(&name) else { continue };
            let pod = format!("{}_{}({})", self.pod.name_any(), self.pod.namespace().unwrap_or_default(), self.uid);
            let seconds = wait.as_secs();
            let message = format!("back-off {seconds}s restarting failed container={name} pod={pod}");
            let ended = self.history.latest(&name).and_then(|it| it.finished.as_ref());
            // To say that it fails again and again would hide why.
            let waiting = match ended.filter(|it| it.reason == Want::REASON) {
                Some(ended) => Waiting { reason: Want::REASON.into(), message: ended.message.clone() },
                None => Waiting { reason: "CrashLoopBackOff".into(), message: Some(message) },
            };
            if self.waiting.insert(name.clone(), waiting.clone()) != Some(waiting) {
                let text = format!("Back-off restarting failed container {name} in pod {pod}");
                self.shared.events.warning(self.pod.as_ref(), "BackOff", &text).await;
            }
        }
    }
}

/// What ran when pod init ended has ended too; nobody saw how.
pub(super) fn lost(state: &mut PodState, at: Timestamp) {
    for run in state.containers.iter_mut().filter(|it| it.finished.is_none()) {
        let reason = "ContainerStatusUnknown".to_owned();
        let message = Some("the pod's first process ended and took the container with it".to_owned());
        run.finished = Some(runner::Finished { at, exit_code: 137, signal: Some(9), reason, message });
    }
}
