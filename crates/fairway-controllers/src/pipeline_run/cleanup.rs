//! What a run leaves behind: Pods, its workspace, logs, and runs of long ago.

use fairway_api::names::FINALIZER;
use fairway_api::v1alpha1::PipelineRun;
use fairway_controller::{Next, delete_exact, with_finalizer};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{Api, ResourceExt};

use super::observe::{Observed, pods};
use super::{NAME, Pipelines, cache, pod, report};
use crate::Error;

/// So many runs of a Component are kept.
const KEPT: usize = 20;

/// Removes what a run that said how it ended needs no more, once.
pub(super) async fn after_end(run: &PipelineRun, api: &Api<PipelineRun>, pipelines: &Pipelines) -> Result<Next, Error> {
    let mut status = run.status.clone().unwrap_or_default();
    // A step that names its Pod says that there is something left.
    if status.steps.iter().all(|it| it.pod_name.is_none()) {
        return Ok(Next::Settled);
    }
    for pod in pods(run, pipelines).await?.values() {
        stop_pod(run, Some(pod), pipelines).await?;
    }
    delete_workspace(run, pipelines).await?;
    if let Some(note) = cache::tidy(&run.namespace().unwrap_or_default(), pipelines).await? {
        let said = format!("{}; {note}", status.explanation.summary);
        status.explanation.summary = said;
    }
    for step in &mut status.steps {
        step.pod_name = None;
    }
    let reported = fairway_controller::report(api, run, run.status.as_ref(), &status, NAME).await;
    reported.map_err(Error::write("the pipeline run's status"))?;
    Ok(Next::Settled)
}

/// Lets a removed run go: its Pods and its workspace go by their owner, its logs here.
pub(super) async fn leave(run: &PipelineRun, api: &Api<PipelineRun>, pipelines: &Pipelines) -> Result<Next, Error> {
    let home = run.namespace().unwrap_or_default();
    pipelines.hosting.logs.remove(&home, &run.name_any()).map_err(Error::disk("remove the run's logs"))?;
    with_finalizer(api, run, FINALIZER, true).await.map_err(Error::write("the finalizer"))?;
    Ok(Next::Settled)
}

async fn delete_workspace(run: &PipelineRun, pipelines: &Pipelines) -> Result<(), Error> {
    let home = run.namespace().unwrap_or_default();
    let api: Api<PersistentVolumeClaim> = Api::namespaced(pipelines.ctx.kit.client.clone(), &home);
    let name = pod::workspace_name(run);
    let Some(claim) = api.get_opt(&name).await.map_err(Error::read("the workspace"))? else { return Ok(()) };
    cache::keep(&home, &claim, pipelines).await;
    delete_exact(&api, &name, claim.uid()).await.map_err(Error::write("the workspace"))
}

/// Stops one Pod.
pub(super) async fn stop_pod(run: &PipelineRun, pod: Option<&Pod>, pipelines: &Pipelines) -> Result<(), Error> {
    let Some(pod) = pod else { return Ok(()) };
    let api: Api<Pod> = Api::namespaced(pipelines.ctx.kit.client.clone(), &run.namespace().unwrap_or_default());
    delete_exact(&api, &pod.name_any(), pod.uid()).await.map_err(Error::write("a step's pod"))
}

/// Stops all Pods of a run.
pub(super) async fn stop_pods(run: &PipelineRun, observed: &Observed, pipelines: &Pipelines) -> Result<(), Error> {
    for pod in observed.pods.values() {
        stop_pod(run, Some(pod), pipelines).await?;
    }
    Ok(())
}

/// Removes the oldest runs of the Component that are over, and a workspace that no step was run in.
pub(super) async fn old_runs(run: &PipelineRun, observed: &Observed, pipelines: &Pipelines) -> Result<(), Error> {
    let api: Api<PipelineRun> = Api::namespaced(pipelines.ctx.kit.client.clone(), &run.namespace().unwrap_or_default());
    for old in surplus(&observed.siblings) {
        delete_exact(&api, &old.name_any(), old.uid()).await.map_err(Error::write("an old pipeline run"))?;
    }
    if observed.pods.is_empty() && observed.claim.is_some() {
        delete_workspace(run, pipelines).await?;
    }
    Ok(())
}

/// Which runs are too many, if one more is kept beside them.
fn surplus(siblings: &[PipelineRun]) -> Vec<&PipelineRun> {
    let mut over: Vec<&PipelineRun> =
        siblings.iter().filter(|it| report::has_ended(it) && it.metadata.deletion_timestamp.is_none()).collect();
    over.sort_by_key(|it| std::cmp::Reverse((it.spec.number, it.creation_timestamp().map(|it| it.0))));
    over.into_iter().skip(KEPT - 1).collect()
}

#[cfg(test)]
mod tests;
