//! Starting a run: its image, its description, the runner.

use std::time::Duration;

use k8s_openapi::api::core::v1::Container;

use super::{IMAGE_BACKOFF, LAST_IMAGE_BACKOFF, MISSING, Worker, until};
use crate::pods::chain;
use crate::pods::containers::make;
use crate::pods::environment::Place;
use crate::pods::images::Image;
use crate::pods::probes::{Kind, Report, Said};
use crate::pods::status::Waiting;
use crate::pods::stop::follow_hook;

/// The longest that a hook after the start may take.
const HOOK_PATIENCE: Duration = Duration::from_secs(300);

impl Worker {
    /// Starts a run. If that is not possible now, what it gives is how long to wait.
    pub(super) async fn start(&mut self, name: &str, attempt: u32) -> Option<Duration> {
        let container = self.container(name)?;
        let image = match self.image(&container).await {
            Ok(image) => image,
            Err(wait) => return Some(wait),
        };
        let (live, shared) = (self.live.clone()?, std::sync::Arc::clone(&self.shared));
        // Kubernetes restarts a container with what its sources say now.
        if attempt > 0 || self.waiting.contains_key(name) {
            self.look_up().await;
        }
        let (pod_ip, host_ip) = (live.sandbox.ip.to_string(), shared.node_address().to_string());
        let place = Place { pod_ip: &pod_ip, host_ip: &host_ip };
        if let Err(why) = self.find_claims().await {
            return Some(self.cannot(name, "CreateContainerConfigError", &why, MISSING).await);
        }
        let made = make(&self.pod, &container, attempt, &image, &self.references, &place, &|it| self.source(it));
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                return Some(self.cannot(name, "CreateContainerConfigError", &error.to_string(), MISSING).await);
            }
        };
        let started = shared.runner.start(&live, made).await;
        if let Err(error) = started {
            return Some(self.cannot(name, "CreateContainerError", &chain(&error), MISSING).await);
        }
        self.waiting.remove(name);
        self.tell_started(name);
        self.greet(container, attempt);
        None
    }

    /// In the background: nobody who is waited for waits for an Event.
    fn tell_started(&mut self, name: &str) {
        let (shared, pod) = (std::sync::Arc::clone(&self.shared), std::sync::Arc::clone(&self.pod));
        let (created, started) = (format!("Created container: {name}"), format!("Started container {name}"));
        self.tasks.spawn(async move {
            shared.events.normal(pod.as_ref(), "Created", &created).await;
            shared.events.normal(pod.as_ref(), "Started", &started).await;
        });
    }

    /// Runs the hook for a container that has just started. One that fails ends the run, as a failed probe does.
    fn greet(&mut self, container: Container, attempt: u32) {
        let hook = container.lifecycle.as_ref().and_then(|it| it.post_start.clone());
        let (Some(hook), Some(target)) = (hook, self.probe_target()) else { return };
        let (shared, pod, reports) =
            (std::sync::Arc::clone(&self.shared), std::sync::Arc::clone(&self.pod), self.reports.0.clone());
        self.tasks.spawn(async move {
            let Err(why) = follow_hook(&target, &container, &hook, HOOK_PATIENCE).await else { return };
            let text = format!("PostStartHook failed: {why}");
            shared.events.warning(pod.as_ref(), "FailedPostStartHook", &text).await;
            let run = (container.name, attempt);
            let _worker_ended = reports.send(Report { run, kind: Kind::Liveness, said: Said::No }).await;
        });
    }

    async fn cannot(&mut self, name: &str, reason: &str, message: &str, wait: Duration) -> Duration {
        let waiting = Waiting { reason: reason.into(), message: Some(message.to_owned()) };
        if self.waiting.insert(name.to_owned(), waiting.clone()) != Some(waiting) {
            self.shared.events.warning(self.pod.as_ref(), "Failed", &format!("Error: {message}")).await;
        }
        wait
    }

    async fn image(&mut self, container: &Container) -> Result<Image, Duration> {
        let name = &container.name;
        if let Some(image) = self.images.get(name) {
            return Ok(image.clone());
        }
        let now = self.now();
        if let Some((_, again)) = self.no_image.get(name)
            && *again > now
        {
            return Err(until(now, *again));
        }
        let reference = container.image.clone().unwrap_or_default();
        let found = match self.shared.host_image(&reference) {
            Some(found) => found,
            None => self.shared.settings.images.ensure(&reference).await,
        };
        match found {
            Ok(image) => {
                self.no_image.remove(name);
                self.image_ids.insert(name.clone(), image.id.clone());
                self.images.insert(name.clone(), image.clone());
                let (shared, pod) = (std::sync::Arc::clone(&self.shared), std::sync::Arc::clone(&self.pod));
                let text = format!("Container image {reference:?} already present on machine");
                self.tasks.spawn(async move { shared.events.normal(pod.as_ref(), "Pulled", &text).await });
                Ok(image)
            }
            Err(error) => {
                let tries = self.no_image.get(name).map_or(0, |it| it.0) + 1;
                let wait = IMAGE_BACKOFF
                    .saturating_mul(1u32.checked_shl(tries - 1).unwrap_or(u32::MAX))
                    .min(if error.may_end_soon() { IMAGE_BACKOFF } else { LAST_IMAGE_BACKOFF });
                self.no_image.insert(name.clone(), (tries, now.saturating_add(wait).unwrap_or(now)));
                let (reason, message) = match (error.reason(), tries) {
                    ("ErrImagePull", 2..) => {
                        ("ImagePullBackOff", format!("Back-off pulling image {reference:?}: {error}"))
                    }
                    (reason, _) => (reason, error.to_string()),
                };
                self.shared.events.warning(self.pod.as_ref(), "Failed", &format!("Error: {message}")).await;
                Err(self.cannot(name, reason, &message, wait).await)
            }
        }
    }
}
