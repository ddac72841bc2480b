//! `pipeline`: what happens to pushes: check the file, see the runs, read what steps printed, run again, stop, try here.

mod lint;

mod local;

mod log;

mod runs;

use clap::{Args, Subcommand};
use fairway_api::names::{ANNOTATION_CAUSE, ProjectName};
use fairway_api::v1alpha1::{PipelineRun, PipelineRunSpec, PipelineTrigger};
use fairway_plan::pipeline::run_name::run_name;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Resource as _, ResourceExt};
use serde::Serialize;
use serde_json::json;

use super::Which;
use crate::failure::Failure;
use crate::output::Report;
use crate::releases::MANAGER;
use crate::session::Session;

pub use lint::{Lint, Linted, lint};
pub use local::{Local, Ran, run};
pub use log::{Log, logs};
pub use runs::{RunList, RunRow, list};

/// What happens to pushes
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PipelineCommand {
    /// Find what is to be mended in the pipeline file
    Lint(Lint),
    /// List the runs of a service, newest first
    Runs(Which),
    /// Show what the steps of a run printed
    Logs(Log),
    /// Run the same commit once more
    Rerun(Run),
    /// Stop a run
    Cancel(Run),
    /// Do the steps here, in the working tree: plain processes, without a sandbox
    Run(Local),
}

/// Which run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Run {
    /// A run by name, number or commit; without it the newest
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// The service; without it that of the current folder's score.yaml
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
}

/// What was asked of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The run.
    pub run: String,
    /// Its number.
    pub number: i64,
    /// What was asked, in a sentence.
    pub summary: String,
    /// The id of the event that this began with.
    pub cause: String,
}

impl Report for Asked {
    fn table(&self) -> String {
        format!("{}\n", self.summary)
    }

    fn names(&self) -> Vec<String> {
        vec![format!("pipelinerun.fairway.dev/{}", self.run)]
    }
}

fn api(session: &Session, project: &ProjectName) -> Api<PipelineRun> {
    Api::namespaced(session.client.clone(), project.as_str())
}

/// Makes another run over the same commit, which leaves out nothing.
pub async fn rerun(session: &Session, rerun: &Run) -> Result<Asked, Failure> {
    let project = session.project().await?;
    let (before, siblings) = runs::find(session, &project, rerun).await?;
    let cause = session.new_cause();
    let spec = &before.spec;
    let number = siblings.iter().map(|it| it.spec.number).max().unwrap_or(0).saturating_add(1);
    let name = run_name(&spec.component_name, &spec.r#ref, &spec.commit, &cause);
    let wanted = PipelineRunSpec {
        trigger: PipelineTrigger::Rerun,
        rerun_of: Some(before.name_any()),
        number,
        cancel: false,
        ..spec.clone()
    };
    let mut run = PipelineRun::new(&name, wanted);
    run.meta_mut().owner_references.clone_from(&before.meta().owner_references);
    run.meta_mut().labels.clone_from(&before.meta().labels);
    run.annotations_mut().insert(ANNOTATION_CAUSE.to_owned(), cause.clone());
    let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    api(session, &project).create(&parameters, &run).await.map_err(Failure::api(format!("create run {name}")))?;
    let summary = format!("run {number} does {} again: platform pipeline logs {name} --follow", before.name_any());
    Ok(Asked { run: name, number, summary, cause })
}

/// Asks a run to stop.
pub async fn cancel(session: &Session, cancel: &Run) -> Result<Asked, Failure> {
    let project = session.project().await?;
    let (run, _) = runs::find(session, &project, cancel).await?;
    let name = run.name_any();
    if runs::has_ended(&run) {
        let summary = run.status.unwrap_or_default().explanation.summary;
        return Err(Failure::failed(format!("run {name} is over: {summary}")).hint("platform pipeline runs"));
    }
    let cause = session.new_cause();
    let patch = json!({
        "metadata": { "uid": run.uid(), "annotations": { ANNOTATION_CAUSE: cause } },
        "spec": { "cancel": true },
    });
    let parameters = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let patched = api(session, &project).patch(&name, &parameters, &Patch::Merge(patch)).await;
    patched.map_err(Failure::api(format!("cancel run {name}")))?;
    let summary = format!("run {} is asked to stop: {name}", run.spec.number);
    Ok(Asked { run: name, number: run.spec.number, summary, cause })
}
