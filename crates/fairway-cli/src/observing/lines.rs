//! What the containers that are not ready printed last: those that are there, and those that are gone.

use fairway_api::names::LABEL_MIGRATION;
use fairway_api::v1alpha1::Delivery;
use fairway_plan::why::{Container, Instance, Migration, Scrub, read};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{ListParams, LogParams};

use super::Near;
use crate::hub;

/// Lines that are read of each run.
const LINES: usize = 60;
/// Bytes of them.
const BYTES: i64 = 64 << 10;
/// Instances whose lines are read: what keeps the first few is what keeps the rest.
const INSTANCES: usize = 3;

impl Near<'_> {
    /// Adds the last lines of the containers that are not ready.
    pub(super) async fn add_lines(&self, instances: &mut [Instance], scrub: &Scrub) {
        let failing = instances.iter_mut().filter(|it| it.is_wanted && !it.ready).take(INSTANCES);
        let each = failing.flat_map(|it| {
            let pod = it.name.clone();
            it.containers.iter_mut().filter(|it| !it.ready).map(move |it| (pod.clone(), it))
        });
        let reading = each.map(|(pod, container)| async move {
            let before = async {
                if container.restarts > 0 { self.lines(&pod, &container.name, true, scrub).await } else { Vec::new() }
            };
            (container.lines, container.previous) =
                tokio::join!(self.lines(&pod, &container.name, false, scrub), before);
        });
        futures::future::join_all(reading).await;
    }

    /// The migration that failed, and what it printed last.
    pub(super) async fn migration(&self, delivery: &Delivery, scrub: &Scrub) -> Option<Migration> {
        let failed = read::migration(delivery)?;
        let own = ListParams::default().labels(&format!("{LABEL_MIGRATION}={}", delivery.name_any()));
        let mut pods = self.list::<Pod>(own).await.unwrap_or_default();
        let is_of =
            |it: &Pod| it.owner_references().iter().any(|it| it.kind == "Job" && failed.job.ends_with(&it.name));
        pods.retain(is_of);
        let last = pods.into_iter().max_by_key(|it| it.creation_timestamp().map(|it| it.0));
        let container = |it: &Pod| it.spec.as_ref().and_then(|it| it.containers.first()).map(|it| it.name.clone());
        let lines = match last.as_ref().and_then(|it| Some((it.name_any(), container(it)?))) {
            Some((pod, container)) => self.lines(&pod, &container, false, scrub).await,
            None => Vec::new(),
        };
        Some(Migration { lines, ..failed })
    }

    async fn lines(&self, pod: &str, container: &str, previous: bool, scrub: &Scrub) -> Vec<String> {
        let parameters = LogParams {
            container: Some(container.to_owned()),
            tail_lines: i64::try_from(LINES).ok(),
            limit_bytes: Some(BYTES),
            previous,
            ..LogParams::default()
        };
        // What was never started has printed nothing.
        let text = self.api::<Pod>().logs(pod, &parameters).await.unwrap_or_default();
        last(&text, scrub)
    }
}

/// Instances of a version that are gone, and what they printed last.
pub(super) async fn past(
    near: &Near<'_>,
    component: &str,
    version: &str,
    since: Option<Timestamp>,
    there: &[Instance],
    scrub: &Scrub,
) -> Vec<Instance> {
    if version.is_empty() {
        return Vec::new();
    }
    let found = hub::past_instances(near.session, near.namespace, component, Some(version)).await.unwrap_or_default();
    let fits = |it: &hub::PastInstance| {
        since.is_none_or(|since| it.ended >= since) && !there.iter().any(|there| there.name == it.name)
    };
    let read = |it: hub::PastInstance| Instance {
        name: it.name,
        is_wanted: true,
        is_gone: true,
        containers: it.containers.into_iter().map(|it| container(&it, scrub)).collect(),
        ..Instance::default()
    };
    found.into_iter().filter(fits).take(INSTANCES).map(read).collect()
}

fn container(it: &hub::PastContainer, scrub: &Scrub) -> Container {
    Container { name: it.name.clone(), lines: last(&it.log, scrub), ..Container::default() }
}

fn last(text: &str, scrub: &Scrub) -> Vec<String> {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(LINES)..].iter().map(|it| scrub.line(it)).collect()
}
