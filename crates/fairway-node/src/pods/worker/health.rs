//! Probes of running containers, and the end of those that fail them.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Container;

use super::{Worker, seconds};
use crate::pods::images::Image;
use crate::pods::probes::{self, Kind, Report, Said};
use crate::pods::stop;

impl Worker {
    /// Starts the probes of containers that run and have none going.
    pub(super) fn probe(&mut self) {
        let Some(target) = self.probe_target() else { return };
        let spec = self.pod.spec.clone().unwrap_or_default();
        for container in spec.containers {
            let has_probe = container.startup_probe.is_some()
                || container.readiness_probe.is_some()
                || container.liveness_probe.is_some();
            let Some(run) = self.history.latest(&container.name).filter(|it| it.finished.is_none()) else { continue };
            let key = (run.name.clone(), run.attempt);
            if has_probe && !self.probing.contains_key(&key) {
                let watching = probes::watch(target.clone(), container, key.1, self.reports.0.clone());
                self.probing.insert(key, self.tasks.spawn(watching));
            }
        }
    }

    pub(super) fn probe_target(&self) -> Option<probes::Target> {
        let pod = Arc::clone(self.live.as_ref()?);
        let ip = pod.sandbox.ip.into();
        Some(probes::Target { pod, ip, node: self.shared.node_address() })
    }

    pub(super) fn hear(&mut self, report: Report) {
        let Report { run, kind, said } = report;
        match (kind, said) {
            (Kind::Startup, Said::Yes) => drop(self.started.insert(run)),
            (Kind::Readiness, Said::Yes) => drop(self.ready.insert(run)),
            (Kind::Readiness, Said::No) => drop(self.ready.remove(&run)),
            (Kind::Liveness, Said::Yes) => {}
            (Kind::Startup | Kind::Liveness, Said::No) => drop(self.unhealthy.insert(run)),
            (kind, Said::Failed(why)) => {
                let (shared, pod) = (Arc::clone(&self.shared), Arc::clone(&self.pod));
                let text = format!("{} probe failed: {why}", kind.name());
                self.tasks.spawn(async move { shared.events.warning(pod.as_ref(), "Unhealthy", &text).await });
            }
        }
    }

    pub(super) async fn stop_unhealthy(&mut self, name: &str, attempt: u32) {
        let Some(container) = self.container(name) else { return };
        let probe = container.liveness_probe.as_ref().and_then(|it| it.termination_grace_period_seconds);
        let grace = probe.or(self.pod.spec.as_ref().and_then(|it| it.termination_grace_period_seconds)).unwrap_or(30);
        let key = (name.to_owned(), attempt);
        if !self.stopping.contains(&key) {
            let text = format!("Container {name} failed liveness probe, will be restarted");
            self.shared.events.normal(self.pod.as_ref(), "Killing", &text).await;
        }
        self.stop_run(container, attempt, seconds(grace), std::future::ready(()));
    }

    /// Begins to end a run, once: when it is `quiet` or time is short.
    pub(super) fn stop_run(
        &mut self,
        container: Container,
        attempt: u32,
        grace: Duration,
        quiet: impl Future<Output = ()> + Send + 'static,
    ) {
        let key = (container.name.clone(), attempt);
        let Some(target) = self.probe_target() else { return };
        if !self.stopping.insert(key.clone()) {
            return;
        }
        if let Some(task) = self.probing.get(&key) {
            task.abort();
        }
        let signal = self.images.get(&container.name).map_or(15, Image::stop_signal);
        let (shared, pod) = (Arc::clone(&self.shared), Arc::clone(&self.pod));
        self.tasks.spawn(async move {
            let name = container.name.clone();
            let tell = async |why: String| {
                let text = format!("PreStopHook of container {name} failed: {why}");
                shared.events.warning(pod.as_ref(), "FailedPreStopHook", &text).await;
            };
            stop::stop(&target, &container, attempt, signal, grace, quiet, tell).await;
        });
    }
}
