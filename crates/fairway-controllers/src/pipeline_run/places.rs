//! How many steps a run may start now.

use fairway_api::names::{LABEL_RUN, LABEL_STEP};
use fairway_api::v1alpha1::PipelineRun;
use fairway_controller::list_all;
use fairway_plan::pipeline::plan::{Facts, startable};
use fairway_plan::pipeline::queue::{Asking, places};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;

use super::steps::has_ended;
use super::{Pipelines, report};
use crate::Error;

/// Whether a Pod is a step under way.
pub(super) fn takes_one(pod: &Pod) -> bool {
    pod.labels().contains_key(LABEL_STEP) && !has_ended(pod)
}

/// The places that are this run's, after all that wait had their turn.
pub(super) async fn free(run: &PipelineRun, facts: &Facts<'_>, pipelines: &Pipelines) -> Result<usize, Error> {
    let client = &pipelines.ctx.kit.client;
    let steps = ListParams::default().labels(LABEL_STEP);
    let pods = list_all::<Pod>(client, &steps).await.map_err(Error::read("the pods of steps"))?;
    let runs = list_all::<PipelineRun>(client, &ListParams::default()).await.map_err(Error::read("pipeline runs"))?;
    let named = |it: &PipelineRun| format!("{}/{}", it.namespace().unwrap_or_default(), it.name_any());
    let under_way = |it: &PipelineRun| {
        let its = |pod: &&Pod| pod.namespace() == it.namespace() && pod.labels().get(LABEL_RUN) == Some(&it.name_any());
        pods.iter().filter(its).filter(|pod| takes_one(pod)).count()
    };
    let open: Vec<(String, String, &PipelineRun)> = runs
        .iter()
        .filter(|it| !report::has_ended(it) || under_way(it) > 0)
        .map(|it| (named(it), it.namespace().unwrap_or_default(), it))
        .collect();
    let own = named(run);
    let asking: Vec<Asking<'_>> = open
        .iter()
        .map(|(name, project, it)| Asking {
            run: name,
            project,
            since: it.metadata.creation_timestamp.as_ref().map_or(0, |it| it.0.as_second()),
            running: under_way(it),
            startable: if *name == own { startable(facts) } else { usize::from(report::is_queued(it)) },
        })
        .collect();
    Ok(places(pipelines.hosting.steps_at_once.get(), &asking).get(own.as_str()).copied().unwrap_or(0))
}
