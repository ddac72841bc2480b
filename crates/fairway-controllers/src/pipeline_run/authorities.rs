//! The certificate authorities that steps in base images trust: those of the machine, which a company may have added its
//! own to. Host images show them by themselves.

use fairway_api::v1alpha1::PipelineRun;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::{NAME, Pipelines};
use crate::Error;

/// The ConfigMap of a Project.
pub(super) const CONFIG_MAP: &str = "pipeline-authorities";
/// Its key, and the file's name in a step.
pub(super) const KEY: &str = "ca-certificates.crt";

/// Puts them into the Project's namespace, where a step's Pod can show them. Nothing is written if they are there.
pub(super) async fn provide(run: &PipelineRun, pipelines: &Pipelines) -> Result<(), Error> {
    let Some(authorities) = &pipelines.hosting.authorities else { return Ok(()) };
    let api: Api<ConfigMap> = Api::namespaced(pipelines.ctx.kit.client.clone(), &run.namespace().unwrap_or_default());
    let there = api.get_opt(CONFIG_MAP).await.map_err(Error::read("the authorities of the pipeline"))?;
    let known = there.as_ref().and_then(|it| it.data.as_ref()?.get(KEY));
    if known.map(String::as_str) == Some(authorities) {
        return Ok(());
    }
    let wanted = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": CONFIG_MAP },
        "data": { KEY: &**authorities },
    });
    let written = api.patch(CONFIG_MAP, &PatchParams::apply(NAME).force(), &Patch::Apply(&wanted)).await;
    written.map(drop).map_err(Error::write("the authorities of the pipeline"))
}
