//! From a push to a Release that serves, with real repositories and real steps; and what keeps one from getting there.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use fairway_api::v1alpha1::{
    Component, ComponentSpec, ComponentTemplate, Delivery, PipelineRun, PipelineRunSpec, PipelineTrigger, Release,
    SUCCEEDED, StepState,
};
use fairway_git::{File, Forge as _, Initial, Mode, Person, RepositoryId};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;

use crate::killed::die_until;
use crate::support::{PROJECT, STAGING, Steps, WEB, World};

const PIPELINE: &str = r"apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - name: test
    toolchain: sh
    inputs: [program, hold]
    run: |
      cat hold 2>/dev/null && while true; do sleep 0.02; done
      grep -q good program || { echo 'test tests::is_good ... FAILED'; exit 101; }
  - name: build
    needs: [test]
    toolchain: sh
    inputs: [program]
    run: mkdir -p out && cp program out/web
    image: { program: out/web }
refs:
  - { match: main, release: true, deliverTo: [staging] }
";
const SCORE: &str = "apiVersion: score.dev/v1b1\nmetadata: { name: web }\ncontainers: { web: { image: . } }\n";

/// Somebody's clone of the Component's repository.
pub(crate) struct Clone {
    folder: tempfile::TempDir,
}

impl Clone {
    fn of(steps: &Steps) -> Result<Self> {
        let it = Self { folder: tempfile::tempdir()? };
        let from = steps.path("git").join(PROJECT).join(format!("{WEB}.git"));
        it.git(&["clone", "--quiet", &from.to_string_lossy(), "."])?;
        Ok(it)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.folder.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for part in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{part}_NAME"), "Ada").env(format!("GIT_{part}_EMAIL"), "ada@example.org");
        }
        let output = command.output()?;
        ensure!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Commits files (without content: removes them), pushes them to a branch, and gives the commit.
    pub(crate) fn push(&self, branch: &str, files: &[(&str, Option<&str>)]) -> Result<String> {
        for (path, content) in files {
            let path: PathBuf = self.folder.path().join(path);
            match content {
                Some(content) => std::fs::write(path, content)?,
                None => std::fs::remove_file(path)?,
            }
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "A change"])?;
        self.git(&["push", "--quiet", "origin", &format!("HEAD:refs/heads/{branch}")])?;
        self.git(&["rev-parse", "HEAD"])
    }
}

/// A Component with a repository that holds a first commit.
pub(crate) async fn hosted(world: &World) -> Result<Clone> {
    world.until("the project is declared", async || world.declare_without_web().await).await?;
    let steps = world.steps.as_ref().context("a world with repositories")?;
    let template = ComponentTemplate { name: "by-hand".to_owned(), ..ComponentTemplate::default() };
    let component = Component::new(WEB, ComponentSpec { template: Some(template), ..ComponentSpec::default() });
    let api = world.api::<Component>(PROJECT);
    world.until("the component is made", async || world.make(&api, &component).await).await?;
    let made = api.get(WEB).await?;
    let file = |path: &str, content: &str| File {
        path: path.to_owned(),
        mode: Mode::File,
        bytes: content.as_bytes().to_vec(),
    };
    let initial = Initial {
        identity: made.uid().context("a uid")?,
        files: vec![file(".fairway/pipeline.yaml", PIPELINE), file("score.yaml", SCORE), file("program", "good 1")],
        message: "Begin".to_owned(),
        author: Person::new("Fairway", "fairway@localhost")?,
        at: "2026-01-02T03:04:05Z".parse()?,
        pushed_by: "local:1".to_owned(),
        cause: None,
    };
    let id = RepositoryId::parse(PROJECT, WEB)?;
    let commit = steps.host.create(&id, &initial).await?;
    let repository = json!({ "url": steps.host.url(&id), "defaultBranch": "main", "created": commit.to_string() });
    let status = json!({ "status": { "repository": repository } });
    api.patch_status(WEB, &PatchParams::default(), &Patch::Merge(status)).await?;
    Clone::of(steps)
}

/// Makes the controllers compare refs: nobody but the hub's Git route gives hints.
pub(crate) async fn look(world: &World) -> Result<()> {
    let word = world.plane.world().entropy.hex(4);
    let patch = json!({ "metadata": { "annotations": { "look": word } } });
    world.api::<Component>(PROJECT).patch(WEB, &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}

pub(crate) async fn run_of(world: &World, commit: &str) -> Result<Option<PipelineRun>> {
    let found = fairway_controller::list::<PipelineRun>(&world.client, PROJECT, &ListParams::default()).await?;
    Ok(found.into_iter().find(|it| it.spec.commit == commit))
}

fn reason(run: &PipelineRun) -> String {
    let conditions = run.status.iter().flat_map(|it| &it.conditions);
    conditions.into_iter().find(|it| it.type_ == SUCCEEDED).map(|it| it.reason.clone()).unwrap_or_default()
}

pub(crate) fn summary(run: &PipelineRun) -> String {
    run.status.as_ref().map(|it| it.explanation.summary.clone()).unwrap_or_default()
}

/// Waits until the run of a commit has ended for this reason, and is tidied up.
pub(crate) async fn ends(world: &World, commit: &str, as_it_should: &str) -> Result<PipelineRun> {
    let ended = async || {
        let Some(run) = run_of(world, commit).await? else { return Ok(false) };
        let status = run.status.clone().unwrap_or_default();
        Ok(status.completion_time.is_some() && status.steps.iter().all(|it| it.pod_name.is_none()))
    };
    world.until(&format!("the run of {commit} ends"), ended).await?;
    let run = run_of(world, commit).await?.context("the run")?;
    ensure!(reason(&run) == as_it_should, "{}: {}", reason(&run), summary(&run));
    Ok(run)
}

async fn serving(world: &World) -> Result<Option<String>> {
    let delivery = world.api::<Delivery>(STAGING).get_opt(WEB).await?;
    Ok(delivery.and_then(|it| it.status).and_then(|it| it.current).map(|it| it.release_name))
}

pub(crate) async fn nothing_is_left(world: &World) -> Result<()> {
    let gone = async || {
        let pods = world.api::<Pod>(PROJECT).list(&ListParams::default()).await?.items;
        let claims = world.api::<PersistentVolumeClaim>(PROJECT).list(&ListParams::default()).await?.items;
        Ok(pods.is_empty() && claims.iter().all(|it| it.name_any().starts_with("pipeline-cache")))
    };
    world.until("pods and workspaces are gone", gone).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_becomes_a_release_that_serves_and_a_bad_one_stops_at_its_test() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    let first = clone.git(&["rev-parse", "HEAD"])?;
    let run = ends(&world, &first, "Succeeded").await?;
    let status = run.status.clone().unwrap_or_default();
    ensure!(status.steps.iter().all(|it| it.state == StepState::Succeeded), "{:#?}", status.steps);
    ensure!(status.delivered_to == ["staging"], "{:?}", status.delivered_to);
    let release = status.release_name.context("a release")?;
    world.until("it serves", async || world.is_serving(&release).await).await?;
    nothing_is_left(&world).await?;

    let bad = clone.push("main", &[("program", Some("bad"))])?;
    look(&world).await?;
    let failed = ends(&world, &bad, "StepFailed").await?;
    ensure!(summary(&failed) == "step test failed: test tests::is_good failed", "{}", summary(&failed));
    let blocked = failed.status.iter().flat_map(|it| &it.steps).find(|it| it.name == "build").context("a step")?;
    ensure!(blocked.state == StepState::Skipped && blocked.reason.as_deref() == Some("NeedFailed"), "{blocked:?}");
    ensure!(serving(&world).await?.as_deref() == Some(release.as_str()), "the last good one goes on serving");

    // The same inputs as the first time: nothing is run again, and the Release is another commit's.
    let back = clone.push("main", &[("program", Some("good 1")), ("README.md", Some("More about it"))])?;
    look(&world).await?;
    let skipped = ends(&world, &back, "Succeeded").await?;
    for step in skipped.status.iter().flat_map(|it| &it.steps) {
        let said = step.message.clone().unwrap_or_default();
        ensure!(step.state == StepState::Skipped && said.contains(&run.name_any()), "{step:?}");
    }
    let another = skipped.status.unwrap_or_default().release_name.context("a release")?;
    ensure!(another != release);
    world.until("it serves", async || world.is_serving(&another).await).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_in_a_commit_ends_its_run_with_a_reason_and_the_place() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    let first = clone.git(&["rev-parse", "HEAD"])?;
    ends(&world, &first, "Succeeded").await?;
    let step = |name: &str, need: &str| format!("  - {{ name: {name}, toolchain: sh, run: x, needs: [{need}] }}\n");
    let head = "apiVersion: fairway.dev/v1alpha1\nkind: Pipeline\nsteps:\n";
    let circle = format!("{head}{}{}", step("a", "b"), step("b", "a"));
    let tool = PIPELINE.replacen("toolchain: sh", "toolchain: cobol@85", 1);
    let nowhere = PIPELINE.replace("deliverTo: [staging]", "deliverTo: [moon]");
    let no_program = PIPELINE.replace("cp program out/web", "true");
    let file = ".fairway/pipeline.yaml";
    let cases: Vec<(&str, Option<&str>, &str, &str)> = vec![
        (file, Some(&circle), "InvalidPipeline", "in a circle: a → b → a"),
        (file, Some("steps: 3\n"), "InvalidPipeline", ".fairway/pipeline.yaml:1: "),
        (file, Some(&tool), "ToolchainNotFound", "step test asks for toolchain \"cobol@85\"; there are sh"),
        (file, Some(&nowhere), "EnvironmentNotFound", "\"moon\""),
        (file, Some(&no_program), "StepFailed", "it left no file \"out/web\""),
        (file, None, "PipelineNotFound", ".fairway/pipeline.yaml"),
        (file, Some(PIPELINE), "Succeeded", "all"),
        ("score.yaml", Some("apiVersion: other\n"), "InvalidWorkload", "score.yaml: "),
        ("score.yaml", None, "InvalidWorkload", "score.yaml: is missing"),
    ];
    for (path, content, reason, part) in cases {
        let program = format!("good {reason} {part}");
        let commit = clone.push("main", &[(path, content), ("program", Some(&program))])?;
        look(&world).await?;
        let run = ends(&world, &commit, reason).await?;
        let said = summary(&run);
        ensure!(reason == "Succeeded" || said.contains(part), "{reason}: {said}");
    }
    nothing_is_left(&world).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_push_takes_the_place_of_a_run_and_who_asks_stops_one() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    let first = clone.git(&["rev-parse", "HEAD"])?;
    ends(&world, &first, "Succeeded").await?;
    let runs_on = async |commit: &str| {
        let running =
            async || Ok(run_of(&world, commit).await?.is_some_and(|it| summary(&it).contains("test is running")));
        world.until("the step runs", running).await
    };
    let hangs = clone.push("main", &[("hold", Some("1"))])?;
    look(&world).await?;
    runs_on(&hangs).await?;
    let other = clone.push("work", &[("hold", Some("2"))])?;
    look(&world).await?;
    runs_on(&other).await?;
    clone.git(&["reset", "--quiet", "--hard", &hangs])?;
    let newer = clone.push("main", &[("hold", None), ("program", Some("good 2"))])?;
    look(&world).await?;
    let superseded = ends(&world, &hangs, "Superseded").await?;
    let run = ends(&world, &newer, "Succeeded").await?;
    ensure!(summary(&superseded).contains(&run.name_any()), "{}", summary(&superseded));
    let still = run_of(&world, &other).await?.context("the other branch's run")?;
    ensure!(still.status.as_ref().is_some_and(|it| it.completion_time.is_none()), "another branch is not concerned");
    let stop = Patch::Merge(json!({ "spec": { "cancel": true } }));
    world.api::<PipelineRun>(PROJECT).patch(&still.name_any(), &PatchParams::default(), &stop).await?;
    let stopped = ends(&world, &other, "Cancelled").await?;
    ensure!(stopped.status.iter().flat_map(|it| &it.steps).all(|it| it.state == StepState::Cancelled));
    nothing_is_left(&world).await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_asked_for_again_leaves_out_nothing() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    let commit = clone.git(&["rev-parse", "HEAD"])?;
    let first = ends(&world, &commit, "Succeeded").await?;
    let spec = PipelineRunSpec {
        trigger: PipelineTrigger::Rerun,
        number: first.spec.number + 1,
        rerun_of: Some(first.name_any()),
        ..first.spec.clone()
    };
    let api = world.api::<PipelineRun>(PROJECT);
    api.create(&PostParams::default(), &PipelineRun::new("again", spec)).await?;
    let over = async || Ok(api.get("again").await?.status.is_some_and(|it| it.completion_time.is_some()));
    world.until("it is done again", over).await?;
    let again = api.get("again").await?;
    ensure!(again.status.iter().flat_map(|it| &it.steps).all(|it| it.state == StepState::Succeeded), "{again:?}");
    let name = |run: &PipelineRun| run.status.as_ref().and_then(|it| it.release_name.clone());
    ensure!(name(&again) == name(&first), "the same content is the same release");
    ensure!(again.status.is_some_and(|it| it.delivered_to == ["staging"]), "it is there already");
    world.still().await?;
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_component_leaves_no_repository_run_or_log() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    ends(&world, &clone.git(&["rev-parse", "HEAD"])?, "Succeeded").await?;
    let steps = world.steps.as_ref().context("repositories")?;
    let repository = steps.path("git").join(PROJECT).join(format!("{WEB}.git"));
    ensure!(repository.is_dir());
    let api = world.api::<Component>(PROJECT);
    api.delete(WEB, &DeleteParams::default()).await?;
    let gone = async || {
        let runs = world.api::<PipelineRun>(PROJECT).list(&ListParams::default()).await?.items;
        let releases = world.api::<Release>(PROJECT).list(&ListParams::default()).await?.items;
        Ok(api.get_opt(WEB).await?.is_none() && runs.is_empty() && releases.is_empty())
    };
    world.until("the component and its runs are gone", gone).await?;
    ensure!(!repository.exists(), "its repository is left");
    let logs = std::fs::read_dir(steps.path("runs").join(PROJECT)).map_or(0, std::iter::Iterator::count);
    ensure!(logs == 0, "{logs} runs left their logs");
    world.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_between_push_and_serving_a_run_ends_as_if_nobody_was_killed() -> Result<()> {
    for writes in [1, 3] {
        let mut world = World::hosting().await?;
        let clone = hosted(&world).await?;
        let first = clone.git(&["rev-parse", "HEAD"])?;
        ends(&world, &first, "Succeeded").await?;
        if let Some(controllers) = world.retire() {
            controllers.stop().await;
        }
        let pushed = clone.push("main", &[("program", Some("good 2"))])?;
        let served = async || {
            let Some(run) = run_of(&world, &pushed).await? else { return Ok(false) };
            let release = run.status.and_then(|it| it.release_name);
            Ok(release.is_some() && serving(&world).await? == release)
        };
        let deaths = die_until(&world, writes, served).await?;
        ensure!(deaths * writes > 8, "only {deaths} died after {writes} writes");
        world.revive();
        let run = ends(&world, &pushed, "Succeeded").await?;
        ensure!(run.status.iter().flat_map(|it| &it.steps).all(|it| it.state == StepState::Succeeded), "{run:?}");
        let runs = world.api::<PipelineRun>(PROJECT).list(&ListParams::default()).await?.items;
        let releases = world.api::<Release>(PROJECT).list(&ListParams::default()).await?.items;
        ensure!((runs.len(), releases.len()) == (2, 2), "{} runs, {} releases", runs.len(), releases.len());
        nothing_is_left(&world).await?;
        world.stop().await?;
    }
    Ok(())
}
