//! Places for steps: no more than there are, and whoever does what takes long without one keeps nobody waiting.

use anyhow::{Context as _, Result, ensure};
use fairway_api::names::{LABEL_RUN, LABEL_STEP};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;

use crate::pipelines::{ends, hosted, look, run_of};
use crate::support::{HELD, PROJECT, World};

/// Two places: `build` and `held` have them first, then `late`.
const PIPELINE: &str = r"apiVersion: fairway.dev/v1alpha1
kind: Pipeline
steps:
  - name: build
    toolchain: sh
    run: mkdir -p out && cp program out/web
    image: { program: out/web }
  - name: held
    toolchain: sh
    run: while test -e HELD; do sleep 0.02; done
  - name: late
    toolchain: sh
    run: test -e program
refs:
  - { match: main, release: true, deliverTo: [staging] }
";
const MOST: usize = 2;

/// The steps that have a Pod, with their runs, of which no more than there are places have not ended.
async fn begun(world: &World) -> Result<Vec<(String, String)>> {
    let pods = world.api::<Pod>(PROJECT).list(&ListParams::default().labels(LABEL_STEP)).await?.items;
    let phase = |it: &Pod| it.status.as_ref().and_then(|it| it.phase.clone()).unwrap_or_default();
    let under_way = pods.iter().filter(|it| !matches!(phase(it).as_str(), "Succeeded" | "Failed")).count();
    ensure!(under_way <= MOST, "{under_way} steps are under way");
    let label = |it: &Pod, name: &str| it.labels().get(name).cloned().unwrap_or_default();
    Ok(pods.iter().map(|it| (label(it, LABEL_RUN), label(it, LABEL_STEP))).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_image_takes_long_keeps_no_other_run_from_beginning() -> Result<()> {
    let world = World::hosting().await?;
    let clone = hosted(&world).await?;
    ends(&world, &clone.git(&["rev-parse", "HEAD"])?, "Succeeded").await?;
    let steps = world.steps.as_ref().context("steps")?;
    let (image, step) = (steps.path(HELD), steps.path("held"));
    for path in [&image, &step] {
        std::fs::write(path, "")?;
    }
    let pipeline = PIPELINE.replace("HELD", &step.display().to_string());
    let first = clone.push("main", &[(".fairway/pipeline.yaml", Some(&pipeline))])?;
    look(&world).await?;
    let began = async |commit: &str, step: &str| {
        let run = run_of(&world, commit).await?.map(|it| it.name_any()).unwrap_or_default();
        Ok(begun(&world).await?.iter().any(|it| it.0 == run && it.1 == step))
    };
    // It took the place that its first step left, in the pass that makes the image of that.
    world.until("the last step of the first run began", async || began(&first, "late").await).await?;
    let second = clone.push("topic", &[("other", Some("other"))])?;
    look(&world).await?;
    world.until("the second run began", async || began(&second, "build").await).await?;
    ensure!(image.exists(), "the image of the first is still being made");
    for path in [&image, &step] {
        std::fs::remove_file(path)?;
    }
    for commit in [&first, &second] {
        ends(&world, commit, "Succeeded").await?;
    }
    world.stop().await
}
