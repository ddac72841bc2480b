//! A pod that this node looks after, as the rest of the node asks for it: its claims, its logs.

use std::path::Path;

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use tokio::sync::watch;

use super::claims::used_by;
use super::worker::Target;
use crate::runner::{LogOptions, LogStream, PodState, ReadLog, read_log};

/// A pod that has a worker.
pub(super) struct Known {
    pub(super) namespace: String,
    pub(super) name: String,
    /// The containers that prepare it, in their order.
    first: Vec<String>,
    containers: Vec<String>,
    /// The claims that it uses.
    claims: Vec<String>,
    pub(super) target: watch::Sender<Target>,
    seen: watch::Receiver<PodState>,
}

impl Known {
    /// A pod, what is wanted of it, and what is seen of it.
    pub(super) fn new(pod: &Pod, target: watch::Sender<Target>, seen: watch::Receiver<PodState>) -> Self {
        let spec = pod.spec.as_ref();
        let names = |it: &[Container]| it.iter().map(|it| it.name.clone()).collect();
        Self {
            namespace: pod.namespace().unwrap_or_default(),
            name: pod.name_any(),
            first: names(spec.and_then(|it| it.init_containers.as_deref()).unwrap_or_default()),
            containers: names(spec.map_or(&[], |it| &it.containers)),
            claims: used_by(pod).into_iter().map(|it| it.1).collect(),
            target,
            seen,
        }
    }

    /// Whether the pod uses a claim and has not ended yet.
    pub(super) fn uses(&self, claim: &str) -> bool {
        let is_over = match &*self.target.borrow() {
            Target::Run(pod) => {
                let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
                matches!(phase, Some("Succeeded" | "Failed"))
            }
            Target::Gone => false,
        };
        !is_over && self.claims.iter().any(|it| it == claim)
    }

    /// The log of one of its containers, named or the only one.
    pub(super) fn log(
        &self,
        folder: &Path,
        uid: &str,
        container: Option<&str>,
        options: LogOptions,
    ) -> Result<LogStream, ReadLog> {
        let pod = self.name.as_str();
        let container = self.which(container.filter(|it| !it.is_empty()))?;
        let state = self.seen.borrow().clone();
        let run = if options.previous { state.previous(&container) } else { state.latest(&container) };
        let attempt = match run {
            Some(run) => run.attempt,
            None if options.previous => return Err(ReadLog::NoPrevious { container, pod: pod.to_owned() }),
            None => {
                let reason = "ContainerCreating".to_owned();
                return Err(ReadLog::NotStarted { container, pod: pod.to_owned(), reason });
            }
        };
        let seen = self.seen.clone();
        let name = container.clone();
        let over = move || {
            let state = seen.borrow();
            let run = state.containers.iter().find(|it| it.name == name && it.attempt == attempt);
            run.is_none_or(|it| it.finished.is_some()) || seen.has_changed().is_err()
        };
        Ok(read_log(folder, uid, &container, attempt, options, over))
    }

    /// The container that is meant. The only one that is not for preparation needs no name.
    fn which(&self, named: Option<&str>) -> Result<String, ReadLog> {
        let all = || self.first.iter().chain(&self.containers);
        let known = all().map(String::as_str).collect::<Vec<_>>().join(" ");
        let pod = self.name.clone();
        match (named, self.containers.as_slice()) {
            (Some(name), _) if all().any(|it| it == name) => Ok(name.to_owned()),
            (Some(name), _) => Err(ReadLog::ContainerNotFound { container: name.to_owned(), pod, known }),
            (None, [only]) => Ok(only.clone()),
            (None, _) => Err(ReadLog::WhichContainer { pod, known }),
        }
    }
}

#[cfg(test)]
mod tests;
