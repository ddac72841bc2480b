//! `pipeline run`: the steps here, in the working tree, decided by the same planner. Plain processes without a sandbox:
//! what they may read, write and reach is what their user may.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use fairway_plan::pipeline::failed_packages;
use fairway_plan::pipeline::failed_test;
use fairway_plan::pipeline::file::{self, Pipeline, Step};
use fairway_plan::pipeline::plan::{Decision, Facts, Released, Standing, Verdict, plan};
use fairway_plan::pipeline::refs::LeadsTo;
use fairway_plan::pipeline::toolchain;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::lint;
use crate::build;
use crate::failure::Failure;
use crate::output::Report;
use crate::progress::Progress;
use crate::text::span;

/// What is kept of a step's output to look for a failed test.
const KEPT: usize = 4 << 20;

/// What to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Local {
    /// The folder of the repository; without it the current one or the nearest above with a pipeline file
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Only this step and those it needs
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// Step and time, in the order in which they ended.
    pub steps: Vec<RanStep>,
}

/// A step that ended well.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RanStep {
    /// Its name.
    pub name: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl Report for Ran {
    fn table(&self) -> String {
        let one = |it: &RanStep| format!("{} ({})", it.name, span(Duration::from_millis(it.took_ms)));
        let steps: Vec<String> = self.steps.iter().map(one).collect();
        format!("all steps succeeded here, without a sandbox: {}\n", steps.join(", "))
    }

    fn names(&self) -> Vec<String> {
        self.steps.iter().map(|it| it.name.clone()).collect()
    }
}

/// Where the steps run.
struct Here<'a> {
    folder: PathBuf,
    variables: BTreeMap<String, String>,
    clock: &'a dyn fairway_clock::Clock,
    progress: &'a dyn Progress,
}

/// Does the steps; what they print is given to `show` as it comes.
pub async fn run(
    local: &Local,
    here: &Path,
    world: &fairway_clock::World,
    progress: &dyn Progress,
    mut show: impl FnMut(&[u8]),
) -> Result<Ran, Failure> {
    let folder = lint::find(local.folder.as_deref(), here)?;
    let (pipeline, findings) = file::parse(&lint::read(&folder)?);
    let Some(pipeline) = pipeline else {
        return Err(Failure::failed(format!("{} has something to correct", file::PATH))
            .details(findings.iter().map(|it| it.in_file(file::PATH)))
            .hint("correct the file, then run the command again"));
    };
    let pipeline = only(pipeline, local.step.as_deref())?;
    progress.note("steps run here as plain processes, without the sandbox, limits and network rules of the platform");
    let variables = variables(&pipeline, &folder).await?;
    let here = Here { folder, variables, clock: world.clock.as_ref(), progress };
    let mut ran = Ran::default();
    let mut standings = BTreeMap::new();
    let mut failures = BTreeMap::new();
    loop {
        let mut over = None;
        for decision in decide(&pipeline, &standings) {
            match decision {
                Decision::Start(name) => {
                    let Some(step) = pipeline.step(&name) else { continue };
                    match one(step, &here, &mut show).await? {
                        Ok(took_ms) => {
                            ran.steps.push(RanStep { name: name.clone(), took_ms });
                            standings.insert(name, Standing::Succeeded);
                        }
                        Err(why) => {
                            failures.insert(name.clone(), why);
                            standings.insert(name, Standing::Failed);
                        }
                    }
                }
                Decision::Block(name, _) => drop(standings.insert(name, Standing::Blocked)),
                Decision::Finish(verdict) => over = Some(verdict),
                _ => {}
            }
        }
        match over {
            None => {}
            Some(Verdict::StepsFailed(names)) => return Err(failed(&names, &failures)),
            Some(_) => return Ok(ran),
        }
    }
}

/// What the planner says of a run that leads to nothing and skips nothing.
fn decide(pipeline: &Pipeline, standings: &BTreeMap<String, Standing>) -> Vec<Decision> {
    let facts = Facts {
        pipeline,
        leads_to: &LeadsTo::default(),
        steps: standings,
        keys: &BTreeMap::new(),
        earlier: &BTreeMap::new(),
        stop: false,
        prepared: true,
        places: 1,
        released: &Released::No,
        delivered: &BTreeSet::new(),
        forbidden: &BTreeSet::new(),
    };
    plan(&facts).decisions
}

/// The pipeline with one step and all that it needs.
fn only(pipeline: Pipeline, step: Option<&str>) -> Result<Pipeline, Failure> {
    let Some(wanted) = step else { return Ok(pipeline) };
    if pipeline.step(wanted).is_none() {
        let names: Vec<&str> = pipeline.steps.iter().map(|it| it.name.as_str()).collect();
        return Err(Failure::not_found(format!("there is no step {wanted:?}; there are {}", names.join(", "))));
    }
    let mut kept: BTreeSet<String> = [wanted.to_owned()].into();
    for _ in 0..pipeline.steps.len() {
        let of_kept = pipeline.steps.iter().filter(|it| kept.contains(&it.name)).flat_map(|it| it.needs.clone());
        let needs: Vec<String> = of_kept.collect();
        kept.extend(needs);
    }
    Ok(Pipeline { steps: pipeline.steps.into_iter().filter(|it| kept.contains(&it.name)).collect(), ..pipeline })
}

/// What toolchains set, as far as it means something here.
async fn variables(pipeline: &Pipeline, folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables: BTreeMap<String, String> = [("CI".to_owned(), "true".to_owned())].into();
    if pipeline.steps.iter().any(|it| it.toolchain.split('@').next() == Some("rust")) {
        let host = build::compiles_for(folder).await?;
        variables.extend(toolchain::rust(&host, &folder.join("target").display().to_string()));
    }
    Ok(variables)
}

/// Does one step: how long it took, or why it failed.
async fn one(step: &Step, here: &Here<'_>, show: &mut impl FnMut(&[u8])) -> Result<Result<u64, String>, Failure> {
    here.progress.end();
    here.progress.note(&format!("== {}", step.name));
    let start = here.clock.monotonic();
    let mut command = Command::new("/bin/sh");
    // Both streams are one, in the order in which they are written.
    command.args(["-eu", "-c", &format!("exec 2>&1\n{}", step.run)]).current_dir(&here.folder);
    command.envs(&here.variables).envs(&step.environment);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(Failure::io(format!("start step {}", step.name)))?;
    let _family = Family(child.id());
    let mut log = Vec::new();
    let doing = async {
        if let Some(out) = child.stdout.take() {
            copy(out, &mut log, show).await?;
        }
        child.wait().await
    };
    let ended = tokio::time::timeout(Duration::from_secs(step.timeout.into()), doing);
    let ended = tokio::select! {
        ended = ended => ended,
        _ = tokio::signal::ctrl_c() => return Err(Failure::failed(format!("stopped in step {}", step.name))),
    };
    let took = here.clock.monotonic().saturating_sub(start);
    let status = match ended {
        Err(_) => return Ok(Err(format!("it took longer than {} s", step.timeout))),
        Ok(status) => status.map_err(Failure::io(format!("wait for step {}", step.name)))?,
    };
    if status.success() {
        return Ok(Ok(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)));
    }
    let log = String::from_utf8_lossy(&log);
    let named = failed_test::first(&log).map(|test| format!("test {test} failed"));
    Ok(Err(named.or_else(|| failed_packages::why(&log)).unwrap_or_else(|| match status.code() {
        Some(code) => format!("its command ended with code {code}"),
        None => "its command was killed".to_owned(),
    })))
}

/// A step's process with all that it started. Dropping it ends whatever is left of them: a group of their own, which the
/// terminal's Ctrl-C does not reach.
struct Family(Option<u32>);

impl Drop for Family {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.0.and_then(|it| rustix::process::Pid::from_raw(it.try_into().ok()?)) {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

async fn copy(mut out: impl AsyncRead + Unpin, log: &mut Vec<u8>, show: &mut impl FnMut(&[u8])) -> std::io::Result<()> {
    let mut chunk = vec![0u8; 16 << 10];
    loop {
        let length = out.read(&mut chunk).await?;
        if length == 0 {
            return Ok(());
        }
        show(&chunk[..length]);
        if log.len() < KEPT {
            log.extend_from_slice(&chunk[..length]);
        }
    }
}

fn failed(names: &[String], failures: &BTreeMap<String, String>) -> Failure {
    let first = names.first().cloned().unwrap_or_default();
    let why = failures.get(&first).cloned().unwrap_or_default();
    Failure::failed(format!("step {first} failed: {why}"))
        .hint(format!("platform pipeline run --step={first} runs it again"))
}

#[cfg(test)]
mod tests;
