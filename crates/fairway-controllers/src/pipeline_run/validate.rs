//! Whether a run can go on, and what it is made of. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairway_api::conditions::{READY, STALLED, is_true};
use fairway_api::v1alpha1::{PipelineRun, PipelineRunReason, PipelineStep, PipelineTrigger, StepReason, StepState};
use fairway_git::{Commit, RepositoryId};
use fairway_plan::pipeline::file::{self, ImageOf, Pipeline};
use fairway_plan::pipeline::key::{Source as KeySource, keys};
use fairway_plan::pipeline::plan::{Earlier, Facts, Released, Standing};
use fairway_plan::score;
use kube::ResourceExt;

use super::cache::Cache;
use super::observe::Observed;
use super::source::Source;
use super::{Problem, pod};
use crate::hosting::{Toolchain, Toolchains};

/// A run that can go on.
pub(super) struct Input {
    pub(super) id: RepositoryId,
    pub(super) commit: Commit,
    pub(super) pipeline: Pipeline,
    pub(super) source: Arc<Source>,
    /// By the name in the file.
    pub(super) toolchains: Toolchains,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) cache: Cache,
    pub(super) earlier: BTreeMap<String, Earlier>,
    pub(super) stop: Option<Stop>,
    pub(super) released: Released,
    pub(super) delivered: BTreeSet<String>,
    pub(super) forbidden: BTreeSet<String>,
}

/// What there is for steps to be run with and for images to stand on.
pub(super) struct Known<'a> {
    pub(super) toolchains: &'a Toolchains,
    /// The bases by name, with the digest of what each is made from.
    pub(super) bases: &'a BTreeMap<String, Option<String>>,
}

impl Known<'_> {
    /// What changes when a toolchain does: one in a base image changes with that.
    fn digest(&self, toolchain: &Toolchain) -> String {
        let base = toolchain.base.as_ref().and_then(|it| self.bases.get(it)?.clone());
        base.unwrap_or_else(|| toolchain.digest.clone())
    }
}

/// Why a run is to end now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    Asked,
    /// Its branch was removed.
    BranchGone,
    /// By this run.
    Superseded(String),
}

pub(super) fn validate(run: &PipelineRun, observed: &Observed, known: &Known<'_>) -> Result<Input, Problem> {
    let component = &run.spec.component_name;
    let name = run.name_any();
    if !is_name(&name) {
        let shown: String = name.chars().take(80).collect();
        let message = format!("{shown:?} is no name of a run; use lower-case letters, digits and \"-\", at most 63");
        return Err((PipelineRunReason::InvalidName, message));
    }
    if observed.component.is_none() {
        return Err((PipelineRunReason::ComponentNotFound, format!("component {component:?} does not exist")));
    }
    let home = run.namespace().unwrap_or_default();
    let not_found = |message: String| (PipelineRunReason::SourceNotFound, message);
    let id = RepositoryId::parse(&home, component).map_err(|it| not_found(it.to_string()))?;
    let commit = Commit::parse(&run.spec.commit).map_err(|it| not_found(it.to_string()))?;
    let missing = || not_found(format!("repository {id} has no commit {}", commit.short()));
    let source = observed.source.clone().ok_or_else(missing)?;
    let pipeline = pipeline(&source)?;
    let toolchains = resolve(&pipeline, known)?;
    if observed.leads_to.release {
        workload(&pipeline, &source, component)?;
    }
    if let Some(environment) = observed.leads_to.deliver_to.iter().find(|it| !observed.environments.contains_key(*it)) {
        let message = format!(
            "{} delivers to environment {environment:?}, which does not exist; create it, or correct refs[].deliverTo",
            file::PATH
        );
        return Err((PipelineRunReason::EnvironmentNotFound, message));
    }
    let cache = observed.cache;
    let digests = toolchains.iter().map(|(name, it)| (name.clone(), known.digest(it))).collect();
    let bases = pipeline.steps.iter().filter_map(|it| it.image.as_ref()?.base());
    let bases = bases.filter_map(|it| Some((it.to_owned(), known.bases.get(it)?.clone()?))).collect();
    let key_source = KeySource {
        tree: &source.tree,
        files: &source.files,
        toolchains: &digests,
        bases: &bases,
        cache: cache.claim(),
    };
    let keys = keys(&pipeline, &key_source);
    Ok(Input {
        keys,
        cache,
        // Whoever asks for a run again wants all of it.
        earlier: if run.spec.trigger == PipelineTrigger::Push { earlier(&observed.siblings) } else { BTreeMap::new() },
        stop: stop(run, observed),
        released: released(observed),
        delivered: delivered(run, observed),
        forbidden: observed.forbidden.keys().cloned().collect(),
        id,
        commit,
        pipeline,
        source,
        toolchains,
    })
}

/// Whether a name can be that of a folder of logs and the value of a label.
fn is_name(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(plain)
}

impl Input {
    /// What the planner is told.
    pub(super) fn facts<'a>(&'a self, observed: &'a Observed, standings: &'a BTreeMap<String, Standing>) -> Facts<'a> {
        Facts {
            pipeline: &self.pipeline,
            leads_to: &observed.leads_to,
            steps: standings,
            keys: &self.keys,
            earlier: &self.earlier,
            stop: self.stop.is_some(),
            prepared: observed.claim.as_ref().is_some_and(|it| pod::holds(it, self.commit.as_str())),
            places: 0,
            released: &self.released,
            delivered: &self.delivered,
            forbidden: &self.forbidden,
        }
    }

    /// The toolchain of a step.
    pub(super) fn toolchain(&self, name: &str) -> Toolchain {
        self.toolchains.get(name).cloned().unwrap_or_default()
    }
}

fn pipeline(source: &Source) -> Result<Pipeline, Problem> {
    match &source.pipeline {
        None => {
            let message = format!("the commit has no {}; add it, and push again", file::PATH);
            Err((PipelineRunReason::PipelineNotFound, message))
        }
        Some((Some(pipeline), _)) => Ok(pipeline.clone()),
        Some((None, findings)) => Err((PipelineRunReason::InvalidPipeline, first(findings))),
    }
}

/// The first finding, and how many more there are.
fn first(findings: &[String]) -> String {
    let first = findings.first().cloned().unwrap_or_default();
    if findings.len() > 1 { format!("{first} (and {} more)", findings.len() - 1) } else { first }
}

fn resolve(pipeline: &Pipeline, known: &Known<'_>) -> Result<Toolchains, Problem> {
    let mut resolved = Toolchains::new();
    for step in &pipeline.steps {
        let Some(toolchain) = known.toolchains.get(&step.toolchain) else {
            let there = there_are(known.toolchains.keys());
            let message = format!("step {} asks for toolchain {:?}; {there}", step.name, step.toolchain);
            return Err((PipelineRunReason::ToolchainNotFound, message));
        };
        let base = step.image.as_ref().and_then(ImageOf::base);
        if let Some(base) = base.filter(|it| !known.bases.contains_key(*it)) {
            let there = there_are(known.bases.keys());
            let message = format!("step {} makes an image on base {base:?}; {there}", step.name);
            return Err((PipelineRunReason::InvalidPipeline, message));
        }
        resolved.insert(step.toolchain.clone(), toolchain.clone());
    }
    Ok(resolved)
}

fn there_are<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) }
}

/// What would keep the Release from being made, before anything is run for it.
fn workload(pipeline: &Pipeline, source: &Source, component: &str) -> Result<(), Problem> {
    let invalid = |message: String| Err((PipelineRunReason::InvalidWorkload, message));
    let Some(score) = source.score.as_ref().filter(|_| source.findings.is_empty()) else {
        return invalid(first(&source.findings));
    };
    if score.name != *component {
        return invalid(format!("score.yaml: metadata.name: is {:?}, and the component is {component}", score.name));
    }
    let (workload, _) = score::workload(&score.workload);
    let own = workload.containers.iter().find(|it| it.1.image == ".");
    match own {
        Some((container, _)) if pipeline.image_step().is_none() => invalid(format!(
            "score.yaml: containers.{container}.image: is \".\", and no step of {} makes an image; give one \"image: {{ program: … }}\"",
            file::PATH
        )),
        _ => Ok(()),
    }
}

/// Steps that succeeded in other runs, by key; of several the newest.
fn earlier(siblings: &[PipelineRun]) -> BTreeMap<String, Earlier> {
    let mut runs: Vec<&PipelineRun> = siblings.iter().collect();
    runs.sort_by_key(|it| it.spec.number);
    let mut earlier = BTreeMap::new();
    for run in runs {
        for step in run.status.iter().flat_map(|it| &it.steps) {
            let Some(key) = step.key.clone() else { continue };
            let found = Earlier { run: run.name_any(), image_digest: step.image_digest.clone() };
            match step.state {
                StepState::Succeeded => drop(earlier.insert(key, found)),
                // The run that it succeeded in may be removed by now.
                StepState::Skipped if is_unchanged(step) => drop(earlier.entry(key).or_insert(found)),
                _ => {}
            }
        }
    }
    earlier
}

fn is_unchanged(step: &PipelineStep) -> bool {
    step.reason.as_deref() == Some(StepReason::Unchanged.as_str())
}

/// Whether a run is a newer push to the same ref.
pub(super) fn is_newer(newer: &PipelineRun, run: &PipelineRun) -> bool {
    newer.spec.trigger == PipelineTrigger::Push
        && newer.spec.component_name == run.spec.component_name
        && newer.spec.r#ref == run.spec.r#ref
        && newer.spec.number > run.spec.number
}

fn stop(run: &PipelineRun, observed: &Observed) -> Option<Stop> {
    if run.spec.cancel {
        return Some(if observed.branch_is_gone { Stop::BranchGone } else { Stop::Asked });
    }
    let newest = observed.siblings.iter().filter(|it| is_newer(it, run)).max_by_key(|it| it.spec.number)?;
    Some(Stop::Superseded(newest.name_any()))
}

pub(super) fn released(observed: &Observed) -> Released {
    let Some(release) = &observed.release else { return Released::No };
    let status = release.status.clone().unwrap_or_default();
    if is_true(&status.conditions, READY) && status.number.is_some() {
        Released::Ready
    } else if is_true(&status.conditions, STALLED) {
        Released::Refused(status.explanation.summary)
    } else {
        Released::Checking
    }
}

/// Where this run's Release is wanted already.
pub(super) fn delivered(run: &PipelineRun, observed: &Observed) -> BTreeSet<String> {
    let name = run.status.as_ref().and_then(|it| it.release_name.clone());
    let wanted = |it: &(&String, &fairway_api::v1alpha1::Delivery)| Some(&it.1.spec.release_name) == name.as_ref();
    observed.deliveries.iter().filter(wanted).map(|it| it.0.clone()).collect()
}

#[cfg(test)]
mod tests;
