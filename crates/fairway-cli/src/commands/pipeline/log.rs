//! `pipeline logs`: what the steps of a run printed, one step after the other.

use clap::Args;
use fairway_api::names::ProjectName;
use fairway_api::v1alpha1::{PipelineRun, PipelineStep, StepState};
use futures::AsyncReadExt as _;
use http::Request;
use kube::{Api, ResourceExt};

use super::runs::{find, has_ended, is_commit};
use super::{Run, api};
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::text::harmless;
use crate::waiting::{Verdict, until};

/// How long a step may take to begin or to end while it is followed.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(12 * 3600);

/// How long a push may take to become a run.
const NOTICED: std::time::Duration = std::time::Duration::from_secs(30);
/// How often it is looked for.
const LOOK: std::time::Duration = std::time::Duration::from_millis(100);

/// Which logs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Log {
    /// Which run.
    #[command(flatten)]
    pub run: Run,
    /// Only this step
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Go on until the run is over
    #[arg(long, short = 'f')]
    pub follow: bool,
}

/// Shows logs piece by piece; at the end of one that was followed says how the run ended.
pub async fn logs(session: &Session, log: &Log, mut show: impl FnMut(&str)) -> Result<(), Failure> {
    let project = session.project().await?;
    let run =
        if log.follow { made(session, &project, &log.run).await? } else { find(session, &project, &log.run).await?.0 };
    let (api, name) = (api(session, &project), run.name_any());
    let run = if log.follow { begun(session, &api, &name).await? } else { run };
    let mut steps: Vec<String> = run.status.iter().flat_map(|it| &it.steps).map(|it| it.name.clone()).collect();
    if let Some(wanted) = &log.step {
        if !steps.contains(wanted) {
            let known = if steps.is_empty() { "none yet".to_owned() } else { steps.join(", ") };
            return Err(Failure::not_found(format!("run {name} has no step {wanted:?}; there are: {known}")));
        }
        steps.retain(|it| it == wanted);
    }
    for step in steps {
        let standing = if log.follow { entered(session, &api, &name, &step).await? } else { standing(&run, &step) };
        show(&headline(&standing));
        if standing.start_time.is_some() || standing.state == StepState::Running {
            let path = format!("/hub/v1/projects/{project}/runs/{name}/steps/{step}/log?follow={}", log.follow);
            stream(session, &path, &mut show).await?;
        }
    }
    if !log.follow || log.step.is_some() {
        return Ok(());
    }
    ended(session, &api, &name).await
}

/// The run that is meant, as soon as it is made: a push and its run are a moment apart, and whoever follows a commit, or
/// the first run of all, comes from a push.
async fn made(session: &Session, project: &ProjectName, which: &Run) -> Result<PipelineRun, Failure> {
    let comes = which.run.as_deref().is_none_or(is_commit);
    let start = session.world.clock.monotonic();
    loop {
        match find(session, project, which).await {
            Err(failure) if comes && failure.exit == Exit::NotFound => {
                if session.world.clock.monotonic().saturating_sub(start) > NOTICED {
                    return Err(failure);
                }
            }
            found => return found.map(|it| it.0),
        }
        session.progress.step("waiting for the run of the push");
        tokio::time::sleep(LOOK).await;
    }
}

/// What stands above a step's lines.
fn headline(step: &PipelineStep) -> String {
    let why = step.message.as_deref().filter(|_| step.state.ended()).map(|it| format!(": {it}")).unwrap_or_default();
    let state = format!("{:?}", step.state).to_lowercase();
    format!("== {} ({state}{why})\n", step.name)
}

fn standing(run: &PipelineRun, step: &str) -> PipelineStep {
    let steps = run.status.iter().flat_map(|it| &it.steps);
    steps.into_iter().find(|it| it.name == step).cloned().unwrap_or_default()
}

/// The run, once its steps are known or it is over.
async fn begun(session: &Session, api: &Api<PipelineRun>, name: &str) -> Result<PipelineRun, Failure> {
    until(session, api.clone(), name, PATIENCE, |run| match run {
        None => Verdict::Never(gone(name)),
        Some(run) if has_ended(run) || run.status.as_ref().is_some_and(|it| !it.steps.is_empty()) => {
            Verdict::Done(run.clone())
        }
        Some(_) => Verdict::Wait("waiting for the run to begin".to_owned()),
    })
    .await
}

/// A step, once it prints or has ended.
async fn entered(session: &Session, api: &Api<PipelineRun>, name: &str, step: &str) -> Result<PipelineStep, Failure> {
    until(session, api.clone(), name, PATIENCE, |run| {
        let Some(run) = run else { return Verdict::Never(gone(name)) };
        let standing = standing(run, step);
        if standing.state != StepState::Waiting || has_ended(run) {
            return Verdict::Done(standing);
        }
        Verdict::Wait(run.status.clone().unwrap_or_default().explanation.summary)
    })
    .await
}

/// The end of a run: a failure if it did not end well.
async fn ended(session: &Session, api: &Api<PipelineRun>, name: &str) -> Result<(), Failure> {
    let run = until(session, api.clone(), name, PATIENCE, |run| match run {
        None => Verdict::Never(gone(name)),
        Some(run) if has_ended(run) => Verdict::Done(run.clone()),
        Some(run) => Verdict::Wait(run.status.clone().unwrap_or_default().explanation.summary),
    })
    .await?;
    let status = run.status.unwrap_or_default();
    let summary = status.explanation.summary;
    if fairway_api::conditions::is_true(&status.conditions, fairway_api::v1alpha1::SUCCEEDED) {
        session.progress.note(&format!("run {name}: {summary}"));
        return Ok(());
    }
    let failure = Failure::failed(format!("run {name}: {summary}"));
    Err(status.explanation.next_step.into_iter().fold(failure, Failure::hint))
}

fn gone(name: &str) -> Failure {
    Failure::not_found(format!("run {name} was removed")).hint("platform pipeline runs")
}

/// Shows a document of the hub as it comes.
async fn stream(session: &Session, path: &str, show: &mut impl FnMut(&str)) -> Result<(), Failure> {
    let request = Request::get(path).body(Vec::new()).map_err(|it| Failure::usage(it.to_string()))?;
    let stream = match session.client.request_stream(request).await {
        Ok(stream) => stream,
        // The step printed nothing.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(error) => return Err(Failure::api("read the log")(error)),
    };
    let mut stream = std::pin::pin!(stream);
    let (mut chunk, mut rest) = (vec![0u8; 64 << 10], Vec::new());
    loop {
        let length = stream.read(&mut chunk).await.map_err(Failure::io("read the log"))?;
        rest.extend_from_slice(&chunk[..length]);
        // A character may come in two pieces.
        let whole =
            if length == 0 { rest.len() } else { rest.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1) };
        if whole > 0 || rest.len() > chunk.len() {
            let whole = if whole > 0 { whole } else { rest.len() };
            show(&harmless(&String::from_utf8_lossy(&rest[..whole])));
            rest.drain(..whole);
        }
        if length == 0 {
            return Ok(());
        }
    }
}
