//! What a run leads to: the Release, and the Deliveries of it.

use fairway_api::names::ANNOTATION_CAUSE;
use fairway_api::v1alpha1::{
    Delivery, PipelineRun, Release, ReleaseImage, ReleaseSource, ReleaseSpec, StepState, Toolchain,
};
use fairway_oci::{Layout, Reference, Target};
use fairway_plan::pipeline::file::Pipeline;
use fairway_plan::release::{Version, name};
use fairway_plan::score;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::observe::Observed;
use super::steps::Progress;
use super::validate::Input;
use super::{NAME, Pipelines, image};
use crate::Error;
use crate::failpoints::{DELIVERY_WRITTEN, RELEASE_WRITTEN};

/// Makes the Release, and gives its name; or says what its workload lacks.
pub(super) async fn make(
    run: &PipelineRun,
    input: &Input,
    progress: &Progress,
    pipelines: &Pipelines,
) -> Result<Result<String, String>, Error> {
    let spec = match spec(run, input, progress, pipelines).await? {
        Ok(spec) => spec,
        Err(message) => return Ok(Err(message)),
    };
    let name = name(&spec);
    let mut release = Release::new(&name, spec);
    release.metadata.annotations = cause(run);
    let api: Api<Release> = Api::namespaced(pipelines.ctx.kit.client.clone(), &run.namespace().unwrap_or_default());
    let parameters = PostParams { field_manager: Some(NAME.to_owned()), ..PostParams::default() };
    match api.create(&parameters, &release).await {
        Ok(_) => {}
        // The same content is the same Release.
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => return Err(Error::write("the release")(error)),
    }
    pipelines.ctx.failpoints.pass(RELEASE_WRITTEN);
    Ok(Ok(name))
}

fn cause(run: &PipelineRun) -> Option<std::collections::BTreeMap<String, String>> {
    let cause = run.annotations().get(ANNOTATION_CAUSE)?;
    Some([(ANNOTATION_CAUSE.to_owned(), cause.clone())].into())
}

async fn spec(
    run: &PipelineRun,
    input: &Input,
    progress: &Progress,
    pipelines: &Pipelines,
) -> Result<Result<ReleaseSpec, String>, Error> {
    let Some(score) = &input.source.score else { return Ok(Err("score.yaml is missing".to_owned())) };
    let (workload, _) = score::workload(&score.workload);
    let component = &run.spec.component_name;
    let mut images = Vec::new();
    let mut base = None;
    for (container, it) in &workload.containers {
        let image = match it.image.as_str() {
            "." => own(run, &input.pipeline, progress).ok_or_else(|| "no step made its image".to_owned()),
            other => by_digest(&pipelines.hosting.images, other).await,
        };
        match image {
            Ok((reference, digest)) => {
                if it.image == "." {
                    base = stands_on(&pipelines.hosting.images, &reference).await;
                }
                images.push(ReleaseImage { container: container.clone(), reference, digest });
            }
            Err(why) => return Ok(Err(format!("score.yaml: containers.{container}.image: {why}"))),
        }
    }
    Ok(Ok(ReleaseSpec {
        component_name: component.clone(),
        version: version(input, pipelines).await?,
        source: ReleaseSource { commit: Some(run.spec.commit.clone()), uncommitted: false, tree: None },
        images,
        toolchain: toolchain(input, base),
        workload: score.workload.clone(),
        config: input.source.settings.clone(),
        migrations: input.source.migrations.clone(),
    }))
}

/// The image of the step that makes one.
fn own(run: &PipelineRun, pipeline: &Pipeline, progress: &Progress) -> Option<(String, String)> {
    let step = pipeline.image_step()?;
    let made = progress.steps.iter().find(|it| it.name == step.name)?;
    let digest = made.image_digest.clone().filter(|_| made.state != StepState::Failed)?;
    let reference = format!("{}/{}@{digest}", run.namespace()?, run.spec.component_name);
    Some((reference, digest))
}

/// An image that somebody else made, from the platform's store.
async fn by_digest(layout: &Layout, image: &str) -> Result<(String, String), String> {
    let reference: Reference = image.parse().map_err(|it: fairway_oci::BadReference| it.to_string())?;
    let (layout, wanted) = (layout.clone(), reference.clone());
    let found = tokio::task::spawn_blocking(move || layout.resolve(&wanted)).await.map_err(|it| it.to_string())?;
    let digest = found.map_err(|it| it.to_string())?.digest;
    let by_digest = Reference::new(reference.name(), Target::Digest(digest.clone())).map_err(|it| it.to_string())?;
    Ok((by_digest.to_string(), digest.to_string()))
}

/// What an image of the store says it stands on.
async fn stands_on(layout: &Layout, reference: &str) -> Option<String> {
    let (layout, reference) = (layout.clone(), reference.to_owned());
    tokio::task::spawn_blocking(move || image::stands_on(&layout, &reference)).await.ok().flatten()
}

/// What the image was built with.
fn toolchain(input: &Input, base: Option<String>) -> Option<Toolchain> {
    let it = input.toolchain(&input.pipeline.image_step()?.toolchain);
    Some(Toolchain { name: it.name, version: it.version, base })
}

/// The highest `v*` tag of the commit.
async fn version(input: &Input, pipelines: &Pipelines) -> Result<Option<String>, Error> {
    let refs = pipelines.hosting.forge.refs(&input.id).await.map_err(Error::forge("read the repository's tags"))?;
    let tags = refs.iter().filter(|it| it.1.commit == input.commit).filter_map(|it| it.0.strip_prefix("refs/tags/"));
    let versions = tags.filter(|it| it.starts_with('v')).filter_map(Version::parse);
    Ok(versions.max().map(|it| it.to_string()))
}

/// Wishes for the Release in an Environment. False if somebody changed the Delivery since it was read: a newer run,
/// perhaps, which the next look will see.
pub(super) async fn deliver(
    run: &PipelineRun,
    environment: &str,
    observed: &Observed,
    pipelines: &Pipelines,
) -> Result<bool, Error> {
    let (Some(namespace), Some(release)) = (observed.environments.get(environment), &observed.release) else {
        return Ok(false);
    };
    let before = observed.deliveries.get(environment);
    let wish = json!({
        "apiVersion": "fairway.dev/v1alpha1", "kind": "Delivery",
        "metadata": {
            "name": run.spec.component_name,
            "annotations": cause(run),
            "resourceVersion": before.and_then(ResourceExt::resource_version),
        },
        "spec": { "releaseName": release.name_any() },
    });
    let api: Api<Delivery> = Api::namespaced(pipelines.ctx.kit.client.clone(), namespace);
    match api.patch(&run.spec.component_name, &PatchParams::apply(NAME).force(), &Patch::Apply(&wish)).await {
        Ok(_) => {
            pipelines.ctx.failpoints.pass(DELIVERY_WRITTEN);
            Ok(true)
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(Error::write("the delivery")(error)),
    }
}
