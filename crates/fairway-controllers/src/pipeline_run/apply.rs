//! Carrying decisions out. What each comes to is told by the report; a crash in between does it again.

use fairway_api::v1alpha1::{PipelineRun, PipelineRunReason, StepReason, StepState};
use fairway_plan::pipeline::plan::{Decision, Verdict};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;

use super::base::{self, Based};
use super::image::{self, Made};
use super::observe::Observed;
use super::steps::{Progress, end};
use super::validate::{Input, Stop};
use super::{Ended, NAME, Pipelines, authorities, cleanup, pod, release, report, workspace};
use crate::Error;
use crate::failpoints::{IMAGE_MADE, STEP_STARTED};

/// What a pass has come to.
pub(super) struct Applied {
    pub(super) progress: Progress,
    pub(super) ended: Option<Ended>,
    pub(super) again: Again,
}

impl Applied {
    /// A pass that has done nothing yet.
    pub(super) fn of(progress: Progress) -> Self {
        Self { progress, ended: None, again: Again::No }
    }
}

/// Whether nobody else may begin a step while it is carried out: it takes places, or begins the cache that steps use.
pub(super) fn needs_places(decision: &Decision) -> bool {
    matches!(decision, Decision::Prepare | Decision::Start(_))
}

/// Whether something is to be looked at again before it changes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Again {
    /// Nothing.
    No,
    /// What takes a while: a base image is being made.
    Later,
    /// What takes a moment.
    Soon,
}

impl Again {
    fn unless(settled: bool) -> Self {
        if settled { Self::No } else { Self::Soon }
    }
}

pub(super) async fn apply(
    decisions: &[&Decision],
    run: &PipelineRun,
    input: &Input,
    observed: &Observed,
    mut applied: Applied,
    pipelines: &Pipelines,
) -> Result<Applied, Error> {
    for decision in decisions {
        match decision {
            Decision::Prepare => {
                let prepared = workspace::prepare(run, input, observed, pipelines).await?;
                applied.again = applied.again.max(Again::unless(prepared));
            }
            Decision::Start(name) => {
                let again = start(name, run, input, &mut applied.progress, pipelines).await?;
                applied.again = applied.again.max(again);
            }
            Decision::MakeImage(name) => {
                let again = make_image(name, run, input, &mut applied.progress, pipelines).await?;
                applied.again = applied.again.max(again);
            }
            Decision::Cancel(name) => {
                cleanup::stop_pod(run, observed.pods.get(name), pipelines).await?;
                mark(&mut applied.progress, decision, input);
            }
            Decision::Release => match release::make(run, input, &applied.progress, pipelines).await? {
                Ok(name) => applied.progress.release_name = Some(name),
                Err(message) => applied.ended = Some(Ended { reason: PipelineRunReason::InvalidWorkload, message }),
            },
            // The run of a newer push is about to take over.
            Decision::Deliver(_) if observed.overtaken => {}
            Decision::Deliver(environment) => {
                if release::deliver(run, environment, observed, pipelines).await? {
                    applied.progress.delivered_to.push(environment.clone());
                    applied.progress.delivered_to.sort();
                    applied.progress.delivered_to.dedup();
                } else {
                    applied.again = Again::Soon;
                }
            }
            Decision::Finish(verdict) => {
                if matches!(verdict, Verdict::Succeeded | Verdict::Forbidden(_)) {
                    // Where it was wanted already it is delivered too.
                    let wanted = observed.leads_to.deliver_to.iter().filter(|it| !is_forbidden(verdict, it));
                    applied.progress.delivered_to = wanted.cloned().collect();
                    applied.progress.delivered_to.sort();
                }
                applied.ended = Some(ended(verdict, run, input, observed, &applied.progress, pipelines));
                cleanup::old_runs(run, observed, pipelines).await?;
            }
            Decision::Skip(..) | Decision::Block(..) | Decision::Complete(_) | Decision::Lose(_) => {
                mark(&mut applied.progress, decision, input);
            }
        }
    }
    Ok(applied)
}

fn is_forbidden(verdict: &Verdict, environment: &str) -> bool {
    matches!(verdict, Verdict::Forbidden(names) if names.iter().any(|it| it == environment))
}

/// What needs no more than to be said.
fn mark(progress: &mut Progress, decision: &Decision, input: &Input) {
    let (Decision::Skip(name, _)
    | Decision::Block(name, _)
    | Decision::Complete(name)
    | Decision::Lose(name)
    | Decision::Cancel(name)) = decision
    else {
        return;
    };
    let Some(step) = progress.step(name) else { return };
    match decision {
        Decision::Skip(_, earlier) => {
            step.image_digest.clone_from(&earlier.image_digest);
            let message = format!("nothing it depends on changed since run {}", earlier.run);
            end(step, StepState::Skipped, StepReason::Unchanged, message);
        }
        Decision::Block(_, need) => {
            let message = format!("step {need}, which it needs, did not succeed");
            end(step, StepState::Skipped, StepReason::NeedFailed, message);
        }
        Decision::Complete(_) => step.state = StepState::Succeeded,
        Decision::Lose(_) => {
            end(step, StepState::Failed, StepReason::PodLost, "its pod was removed while it ran");
        }
        _ => {
            let message = match &input.stop {
                Some(Stop::Superseded(by)) => format!("run {by} took the place of this one"),
                Some(Stop::BranchGone) => "the branch of the run was removed".to_owned(),
                _ => "the run was stopped".to_owned(),
            };
            end(step, StepState::Cancelled, StepReason::RunCancelled, message);
        }
    }
}

/// Starts a step. What it runs in may have to be made first.
async fn start(
    name: &str,
    run: &PipelineRun,
    input: &Input,
    progress: &mut Progress,
    pipelines: &Pipelines,
) -> Result<Again, Error> {
    let Some(definition) = input.pipeline.step(name) else { return Ok(Again::No) };
    let mut toolchain = input.toolchain(&definition.toolchain);
    if let Some(base) = &toolchain.base {
        let found = base::find(base, pipelines).await;
        let Some(step) = progress.step(name) else { return Ok(Again::No) };
        match found {
            Based::Ready(image) => toolchain.image = image.reference,
            Based::Making(message) => {
                step.message = Some(message);
                return Ok(Again::Later);
            }
            Based::Never(why) => {
                end(step, StepState::Failed, StepReason::NotStarted, format!("it never began: {why}"));
                return Ok(Again::Soon);
            }
        }
        step.message = None;
        authorities::provide(run, pipelines).await?;
    }
    let authorities = toolchain.base.is_some() && pipelines.hosting.authorities.is_some();
    let object = pod::pod(run, definition, &toolchain, &pod::Shown { cache: input.cache, authorities });
    let object = object.map_err(|it| Error::write("a step's pod")(kube::Error::SerdeError(it)))?;
    let api: Api<Pod> =
        Api::namespaced(pipelines.ctx.kit.client.clone(), &kube::ResourceExt::namespace(run).unwrap_or_default());
    let parameters = PostParams { field_manager: Some(NAME.to_owned()), ..PostParams::default() };
    match api.create(&parameters, &object).await {
        Ok(_) => {}
        // A pass that was killed made it.
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(Error::write("a step's pod")(error)),
    }
    pipelines.ctx.failpoints.pass(STEP_STARTED);
    if let Some(step) = progress.step(name) {
        step.state = StepState::Running;
        step.pod_name = Some(pod::pod_name(run, name));
    }
    Ok(Again::No)
}

/// Makes a step's image. What it stands on may have to be made first.
async fn make_image(
    name: &str,
    run: &PipelineRun,
    input: &Input,
    progress: &mut Progress,
    pipelines: &Pipelines,
) -> Result<Again, Error> {
    let Some(of) = input.pipeline.step(name).and_then(|it| it.image.as_ref()) else { return Ok(Again::No) };
    let made = image::make(run, of, pipelines).await?;
    pipelines.ctx.failpoints.pass(IMAGE_MADE);
    let Some(step) = progress.step(name) else { return Ok(Again::No) };
    match made {
        Made::Image(digest) => {
            step.image_digest = Some(digest);
            step.state = StepState::Succeeded;
            step.message = None;
        }
        Made::NotYet(progress) => {
            step.message = Some(progress);
            return Ok(Again::Later);
        }
        Made::Failed(message) => end(step, StepState::Failed, StepReason::ImageFailed, message),
    }
    Ok(Again::No)
}

fn ended(
    verdict: &Verdict,
    run: &PipelineRun,
    input: &Input,
    observed: &Observed,
    progress: &Progress,
    pipelines: &Pipelines,
) -> Ended {
    let (reason, message) = match verdict {
        Verdict::Succeeded => (PipelineRunReason::Succeeded, report::success(observed, progress)),
        Verdict::StepsFailed(names) => {
            let message = report::failure(run, names, progress, &pipelines.hosting.logs);
            (PipelineRunReason::StepFailed, message)
        }
        Verdict::ReleaseRefused(why) => {
            (PipelineRunReason::ReleaseNotReady, format!("its release cannot be delivered: {why}"))
        }
        Verdict::Forbidden(names) => {
            (PipelineRunReason::DeliveryForbidden, report::forbidden(names, observed, progress))
        }
        Verdict::Stopped => match &input.stop {
            Some(Stop::Superseded(by)) => (PipelineRunReason::Superseded, format!("run {by} took its place")),
            Some(Stop::BranchGone) => (PipelineRunReason::Cancelled, "its branch was removed".to_owned()),
            _ => (PipelineRunReason::Cancelled, "it was stopped".to_owned()),
        },
    };
    Ended { reason, message }
}
