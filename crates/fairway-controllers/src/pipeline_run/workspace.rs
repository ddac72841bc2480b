//! The folder that a run's steps share.

use fairway_api::v1alpha1::PipelineRun;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};

use super::observe::Observed;
use super::validate::Input;
use super::{NAME, Pipelines, cache, pod};
use crate::Error;
use crate::failpoints::WORKSPACE_FILLED;
use crate::hosting::WorkspaceError;

/// Asks for the claims, and fills the workspace once it has a folder. False while it has none.
pub(super) async fn prepare(
    run: &PipelineRun,
    input: &Input,
    observed: &Observed,
    pipelines: &Pipelines,
) -> Result<bool, Error> {
    let home = run.namespace().unwrap_or_default();
    let api: Api<PersistentVolumeClaim> = Api::namespaced(pipelines.ctx.kit.client.clone(), &home);
    if observed.claim.is_none() {
        let cache = pod::cache(input.cache, pipelines.hosting.cache_bytes);
        for object in [cache, pod::workspace(run, &input.pipeline, input.cache)] {
            let claim =
                serde_json::from_value(object).map_err(|it| Error::write("a claim")(kube::Error::SerdeError(it)))?;
            fairway_controller::apply(&api, NAME, &claim).await.map_err(Error::write("a claim"))?;
        }
    }
    cache::begin(&home, input.cache, pipelines).await?;
    let name = pod::workspace_name(run);
    match pipelines.hosting.workspaces.fill(&home, &name, &input.id, &input.commit).await {
        Ok(()) => {}
        Err(WorkspaceError::NotBound(_)) => return Ok(false),
        Err(source) => return Err(Error::Workspace { what: "fill the workspace", source }),
    }
    pipelines.ctx.failpoints.pass(WORKSPACE_FILLED);
    let filled = Patch::Merge(pod::filled(input.commit.as_str()));
    let parameters = PatchParams { field_manager: Some(NAME.to_owned()), ..PatchParams::default() };
    api.patch(&name, &parameters, &filled).await.map_err(Error::write("what the workspace holds"))?;
    tracing::debug!(run.name = run.name_any(), "the workspace is filled");
    Ok(true)
}
