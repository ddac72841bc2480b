//! All that a pass reads. Absence is an observation, not an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairway_api::names::{LABEL_RUN, LABEL_STEP};
use fairway_api::v1alpha1::{Component, Delivery, Environment, PipelineRun, Release};
use fairway_controller::list;
use fairway_git::{Commit, ForgeError, RepositoryId};
use fairway_plan::pipeline::plan::Released;
use fairway_plan::pipeline::refs::{LeadsTo, leads_to};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::cache::{self, Cache};
use super::source::Source;
use super::validate::{delivered, released};
use super::{Pipelines, pod, pusher};
use crate::Error;
use crate::component::namespace_of;

/// What a pass sees.
#[derive(Default)]
pub(super) struct Observed {
    pub(super) component: Option<Component>,
    pub(super) source: Option<Arc<Source>>,
    pub(super) leads_to: LeadsTo,
    /// By name: the Environments that are delivered to, with their namespaces.
    pub(super) environments: BTreeMap<String, String>,
    /// By Environment: what is delivered there now. Read before the other runs: a newer one that is not among them has
    /// not changed it yet.
    pub(super) deliveries: BTreeMap<String, Delivery>,
    /// All runs of the Component but this one.
    pub(super) siblings: Vec<PipelineRun>,
    /// By step.
    pub(super) pods: BTreeMap<String, Pod>,
    pub(super) claim: Option<PersistentVolumeClaim>,
    pub(super) cache: Cache,
    pub(super) release: Option<Release>,
    /// By Environment: why the Release may not be delivered there. Only when it is time to deliver.
    pub(super) forbidden: BTreeMap<String, String>,
    /// The branch went on, and the run of the newer push is not there yet.
    pub(super) overtaken: bool,
    /// The branch was removed. Only where the run is asked to stop.
    pub(super) branch_is_gone: bool,
}

pub(super) async fn observe(run: &PipelineRun, pipelines: &Pipelines) -> Result<Observed, Error> {
    let client = || pipelines.ctx.kit.client.clone();
    let home = run.namespace().unwrap_or_default();
    let components: Api<Component> = Api::namespaced(client(), &home);
    let component = components.get_opt(&run.spec.component_name).await;
    let mut observed = Observed { component: component.map_err(Error::read("the component"))?, ..Observed::default() };
    let id = RepositoryId::parse(&home, &run.spec.component_name);
    if let (Ok(id), Ok(commit)) = (&id, Commit::parse(&run.spec.commit)) {
        observed.source = pipelines.sources.of(pipelines.hosting.forge.as_ref(), id, &commit).await?;
    }
    let pipeline = observed.source.as_ref().and_then(|it| it.pipeline.as_ref()?.0.as_ref());
    observed.leads_to = pipeline.map(|it| leads_to(it, &run.spec.r#ref)).unwrap_or_default();
    places(run, &mut observed, pipelines).await?;

    let siblings = list::<PipelineRun>(&pipelines.ctx.kit.client, &home, &ListParams::default()).await;
    let mut siblings = siblings.map_err(Error::read("pipeline runs"))?;
    siblings.retain(|it| it.spec.component_name == run.spec.component_name && it.uid() != run.uid());
    observed.siblings = siblings;
    observed.pods = pods(run, pipelines).await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client(), &home);
    let claim = claims.get_opt(&pod::workspace_name(run)).await.map_err(Error::read("the workspace"))?;
    observed.claim = claim.filter(|it| it.metadata.deletion_timestamp.is_none());
    if let Some(name) = run.status.as_ref().and_then(|it| it.release_name.as_deref()) {
        let releases: Api<Release> = Api::namespaced(client(), &home);
        observed.release = releases.get_opt(name).await.map_err(Error::read("the release"))?;
    }
    if let Ok(id) = &id {
        observed.cache = cache::of(run, id, &observed, pipelines).await?;
        branch(run, id, &mut observed, pipelines).await?;
    }
    Ok(observed)
}

/// Where the Release is to go, and what is there.
async fn places(run: &PipelineRun, observed: &mut Observed, pipelines: &Pipelines) -> Result<(), Error> {
    let home = run.namespace().unwrap_or_default();
    let environments: Api<Environment> = Api::namespaced(pipelines.ctx.kit.client.clone(), &home);
    for name in observed.leads_to.deliver_to.clone() {
        let found = environments.get_opt(&name).await.map_err(Error::read("an environment"))?;
        let Some(namespace) = found.and_then(|it| namespace_of(&home, &it)) else { continue };
        let deliveries: Api<Delivery> = Api::namespaced(pipelines.ctx.kit.client.clone(), &namespace);
        let delivery = deliveries.get_opt(&run.spec.component_name).await.map_err(Error::read("a delivery"))?;
        observed.deliveries.extend(delivery.map(|it| (name.clone(), it)));
        observed.environments.insert(name, namespace);
    }
    Ok(())
}

/// Where the run's branch is, and what its pusher may: looked up only when something hangs on it.
async fn branch(
    run: &PipelineRun,
    id: &RepositoryId,
    observed: &mut Observed,
    pipelines: &Pipelines,
) -> Result<(), Error> {
    let mut missing = Vec::new();
    if released(observed) == Released::Ready {
        let delivered = delivered(run, observed);
        missing.extend(observed.leads_to.deliver_to.iter().filter(|it| !delivered.contains(*it)).cloned());
    }
    if !run.spec.cancel && missing.is_empty() {
        return Ok(());
    }
    let refs = match pipelines.hosting.forge.refs(id).await {
        Err(ForgeError::NoRepository(_)) => BTreeMap::new(),
        refs => refs.map_err(Error::forge("read the repository's branches"))?,
    };
    observed.branch_is_gone = !refs.contains_key(&run.spec.r#ref);
    match pusher::forbidden(run, observed, &refs, &missing, pipelines).await? {
        Some(forbidden) => observed.forbidden = forbidden,
        None => observed.overtaken = true,
    }
    Ok(())
}

/// The Pods of a run, by step.
pub(super) async fn pods(run: &PipelineRun, pipelines: &Pipelines) -> Result<BTreeMap<String, Pod>, Error> {
    let its = ListParams::default().labels(&format!("{LABEL_RUN}={}", run.name_any()));
    let found = list::<Pod>(&pipelines.ctx.kit.client, &run.namespace().unwrap_or_default(), &its).await;
    let found = found.map_err(Error::read("the steps' pods"))?;
    let ours =
        found.into_iter().filter(|it| it.owner_references().iter().any(|it| Some(&it.uid) == run.uid().as_ref()));
    Ok(ours.filter_map(|it| Some((it.labels().get(LABEL_STEP)?.clone(), it))).collect())
}
