//! From branches to runs: whatever is new since the last look.

use std::collections::BTreeMap;

use fairway_api::names::{ANNOTATION_CAUSE, LABEL_COMPONENT, LABEL_PROJECT};
use fairway_api::v1alpha1::{Component, ComponentRepository, PipelineRun, PipelineRunSpec, PipelineTrigger};
use fairway_controller::list;
use fairway_git::{Ref, RepositoryId};
use fairway_plan::pipeline::refs;
use fairway_plan::pipeline::run_name::run_name;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::super::NAME;
use crate::failpoints::RUN_MADE;
use crate::hosting::Hosting;
use crate::{Context, Error};

/// Makes the runs of what is new, stops those of branches that are gone, and gives the commit of each branch. A crash in
/// between makes them again: under the same names.
pub(super) async fn compare(
    component: &Component,
    id: &RepositoryId,
    before: &ComponentRepository,
    hosting: &Hosting,
    ctx: &Context,
) -> Result<BTreeMap<String, String>, Error> {
    let found = hosting.forge.refs(id).await.map_err(Error::forge("read the repository's branches"))?;
    let wanted = new(component, &before.refs, &found);
    let now = commits(&found);
    let gone: Vec<&String> = before.refs.keys().filter(|it| !now.contains_key(*it)).collect();
    if wanted.is_empty() && gone.is_empty() {
        return Ok(now);
    }
    let home = component.namespace().unwrap_or_default();
    let there = list::<PipelineRun>(&ctx.kit.client, &home, &ListParams::default()).await;
    let mut there = there.map_err(Error::read("pipeline runs"))?;
    there.retain(|it| it.spec.component_name == component.name_any());
    let api: Api<PipelineRun> = Api::namespaced(ctx.kit.client.clone(), &home);
    for run in there.iter().filter(|it| is_left(it, &gone)) {
        stop(run, &api).await?;
    }
    if !wanted.is_empty() {
        make(wanted, &there, &api).await?;
        ctx.failpoints.pass(RUN_MADE);
    }
    Ok(now)
}

/// The commit of each branch.
fn commits(found: &BTreeMap<String, Ref>) -> BTreeMap<String, String> {
    found.iter().filter_map(|(name, it)| Some((refs::branch(name)?.to_owned(), it.commit.to_string()))).collect()
}

/// The runs of what is new, without numbers.
fn new(component: &Component, before: &BTreeMap<String, String>, found: &BTreeMap<String, Ref>) -> Vec<PipelineRun> {
    let mut runs = Vec::new();
    for (reference, it) in found {
        let Some(branch) = refs::branch(reference) else { continue };
        let last = before.get(branch).map_or("", String::as_str);
        if last == it.commit.as_str() {
            continue;
        }
        let name = run_name(&component.name_any(), reference, it.commit.as_str(), last);
        let spec = PipelineRunSpec {
            component_name: component.name_any(),
            r#ref: reference.clone(),
            commit: it.commit.to_string(),
            pushed_by: it.pushed_by.clone(),
            trigger: PipelineTrigger::Push,
            ..PipelineRunSpec::default()
        };
        let mut run = PipelineRun::new(&name, spec);
        run.metadata.owner_references = component.controller_owner_ref(&()).map(|it| vec![it]);
        let labels =
            [(LABEL_PROJECT, component.namespace().unwrap_or_default()), (LABEL_COMPONENT, component.name_any())];
        run.labels_mut().extend(labels.map(|(name, value)| (name.to_owned(), value)));
        let cause = it.cause.as_ref().or_else(|| component.annotations().get(ANNOTATION_CAUSE));
        run.annotations_mut().extend(cause.map(|it| (ANNOTATION_CAUSE.to_owned(), it.clone())));
        runs.push(run);
    }
    runs
}

/// Whether a run is under way for a branch that was removed.
fn is_left(run: &PipelineRun, gone: &[&String]) -> bool {
    let branch = refs::branch(&run.spec.r#ref);
    let ended = run.status.as_ref().is_some_and(|it| it.completion_time.is_some());
    !ended && !run.spec.cancel && branch.is_some_and(|branch| gone.iter().any(|it| *it == branch))
}

/// Asks a run to stop; one that is gone has.
async fn stop(run: &PipelineRun, api: &Api<PipelineRun>) -> Result<(), Error> {
    let patch = json!({ "metadata": { "uid": run.uid() }, "spec": { "cancel": true } });
    let parameters = PatchParams { field_manager: Some(NAME.to_owned()), ..PatchParams::default() };
    match api.patch(&run.name_any(), &parameters, &Patch::Merge(patch)).await {
        Ok(_) => tracing::info!(run.name = run.name_any(), "its branch was removed, so a run is stopped"),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(error) => return Err(Error::write("a pipeline run")(error)),
    }
    Ok(())
}

async fn make(wanted: Vec<PipelineRun>, there: &[PipelineRun], api: &Api<PipelineRun>) -> Result<(), Error> {
    let mut number = there.iter().map(|it| it.spec.number).max().unwrap_or(0);
    let parameters = PostParams { field_manager: Some(NAME.to_owned()), ..PostParams::default() };
    for mut run in wanted {
        if there.iter().any(|it| it.name_any() == run.name_any()) {
            continue;
        }
        // Whoever may make runs may give one any number.
        number = number.saturating_add(1);
        run.spec.number = number;
        match api.create(&parameters, &run).await {
            Ok(_) => tracing::info!(run.name = run.name_any(), run.reference = run.spec.r#ref, "a push is a run"),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(Error::write("a pipeline run")(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
