//! The caches of a Project's runs. Runs that release have one of their own: what the run of any other branch leaves in a
//! cache can never come into a Release.

use std::collections::{BTreeMap, BTreeSet};

use fairway_api::names::LABEL_STEP;
use fairway_api::v1alpha1::PipelineRun;
use fairway_controller::list;
use fairway_git::{ForgeError, Ref, RepositoryId};
use fairway_plan::pipeline::file::Pipeline;
use fairway_plan::pipeline::refs::leads_to;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::ListParams;

use super::observe::Observed;
use super::{Pipelines, pod, steps};
use crate::Error;
use crate::hosting::WorkspaceError;

/// One of a Project's caches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Cache {
    /// Of branches that release.
    Releases,
    /// Of all others.
    #[default]
    Branches,
}

impl Cache {
    /// Its claim.
    pub(super) fn claim(self) -> &'static str {
        match self {
            Self::Releases => "pipeline-cache",
            Self::Branches => "pipeline-cache-branches",
        }
    }
}

/// The cache of a run: the one it began with.
pub(super) async fn of(
    run: &PipelineRun,
    id: &RepositoryId,
    observed: &Observed,
    pipelines: &Pipelines,
) -> Result<Cache, Error> {
    if let Some(cache) = observed.claim.as_ref().and_then(pod::uses) {
        return Ok(cache);
    }
    if !observed.leads_to.release {
        return Ok(Cache::Branches);
    }
    let forge = pipelines.hosting.forge.as_ref();
    let refs = match forge.refs(id).await {
        Err(ForgeError::NoRepository(_)) => return Ok(Cache::Branches),
        refs => refs.map_err(Error::forge("read the repository's branches"))?,
    };
    let repository = observed.component.as_ref().and_then(|it| it.status.as_ref()?.repository.as_ref());
    let main = format!("refs/heads/{}", repository.map_or("main", |it| it.default_branch.as_str()));
    let Some(head) = refs.get(&main) else { return Ok(Cache::Branches) };
    let source = pipelines.sources.of(forge, id, &head.commit).await?;
    let pipeline = source.as_ref().and_then(|it| it.pipeline.as_ref()?.0.as_ref());
    Ok(which(run, &main, &refs, pipeline))
}

/// A branch cannot make itself one that releases: the file of the main branch must say so too, and the run must be of
/// what the branch is at.
fn which(run: &PipelineRun, main: &str, refs: &BTreeMap<String, Ref>, pipeline: Option<&Pipeline>) -> Cache {
    let reference = &run.spec.r#ref;
    let is_there = refs.get(reference).is_some_and(|it| it.commit.as_str() == run.spec.commit);
    let releases = reference == main || pipeline.is_some_and(|it| leads_to(it, reference).release);
    if is_there && releases { Cache::Releases } else { Cache::Branches }
}

/// Empties the Project's caches that are nearly full, where no step uses them; says which. A full one would end every
/// step that uses it.
pub(super) async fn tidy(home: &str, pipelines: &Pipelines) -> Result<Option<String>, Error> {
    let hosting = &pipelines.hosting;
    let most = hosting.cache_bytes / 10 * 9;
    let mut emptied = Vec::new();
    for cache in [Cache::Releases, Cache::Branches] {
        let full = hosting.workspaces.holds_more_than(home, cache.claim(), most).await;
        let full = full.map_err(|source| Error::Workspace { what: "look into the cache", source })?;
        if !full {
            continue;
        }
        // Nobody starts a step meanwhile.
        let _starting = pipelines.starting.lock().await;
        if is_used(home, cache, pipelines).await? {
            continue;
        }
        let done = hosting.workspaces.empty(home, cache.claim()).await;
        done.map_err(|source| Error::Workspace { what: "empty the cache", source })?;
        tracing::info!(namespace.name = home, claim.name = cache.claim(), "a cache was nearly full and is empty now");
        emptied.push(format!("cache {} was nearly full and is empty now", cache.claim()));
    }
    Ok((!emptied.is_empty()).then(|| emptied.join("; ")))
}

/// Begins a cache that is empty with the packages that runs of other projects left. Who prepares a run has the places:
/// nobody else starts a step meanwhile.
pub(super) async fn begin(home: &str, cache: Cache, pipelines: &Pipelines) -> Result<(), Error> {
    let hosting = &pipelines.hosting;
    if !hosting.workspaces.keeps_packages() {
        return Ok(());
    }
    if is_used(home, cache, pipelines).await? {
        return Ok(());
    }
    match hosting.workspaces.give_packages(home, cache.claim(), &packages(pipelines)).await {
        Ok(()) | Err(WorkspaceError::NotBound(_)) => Ok(()),
        Err(source) => Err(Error::Workspace { what: "begin the cache", source }),
    }
}

/// Keeps what a run fetched for other projects, if it is one that releases. Without it the next one fetches it again.
pub(super) async fn keep(home: &str, workspace: &PersistentVolumeClaim, pipelines: &Pipelines) {
    let workspaces = &pipelines.hosting.workspaces;
    if !workspaces.keeps_packages() || pod::uses(workspace) != Some(Cache::Releases) {
        return;
    }
    if let Err(error) = workspaces.take_packages(home, Cache::Releases.claim(), &packages(pipelines)).await {
        tracing::warn!(namespace.name = home, %error, "the packages of a run are not kept");
    }
}

/// Where packages are in a cache, whatever a run is made with.
fn packages(pipelines: &Pipelines) -> Vec<String> {
    let all: BTreeSet<&String> = pipelines.hosting.toolchains.values().flat_map(|it| &it.packages).collect();
    all.into_iter().cloned().collect()
}

async fn is_used(home: &str, cache: Cache, pipelines: &Pipelines) -> Result<bool, Error> {
    let of_steps = ListParams::default().labels(LABEL_STEP);
    let pods = list::<Pod>(&pipelines.ctx.kit.client, home, &of_steps).await.map_err(Error::read("the steps' pods"))?;
    let mounts = |pod: &Pod| {
        let volumes = pod.spec.iter().flat_map(|it| it.volumes.iter().flatten());
        let mut claims = volumes.filter_map(|it| it.persistent_volume_claim.as_ref());
        claims.any(|it| it.claim_name == cache.claim())
    };
    Ok(pods.iter().any(|it| !steps::has_ended(it) && mounts(it)))
}

#[cfg(test)]
mod tests;
