//! From what a step left to the Component's image: a program on nothing, as `platform deploy` makes it, or a folder on a
//! base image.

use std::fs::File;
use std::io;
use std::path::Path;

use fairway_api::v1alpha1::PipelineRun;
use fairway_oci::{Descriptor, FolderOnBase, ImageOfFolder, ImageOfProgram, Layout, Reference, Target};
use fairway_plan::pipeline::file::{FolderImage, ImageOf, ProgramImage};
use kube::ResourceExt;
use tempfile::TempDir;

use super::base::{self, Based};
use super::{Pipelines, pod};
use crate::Error;
use crate::hosting::{BaseImage, WorkspaceError};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
    /// The digest of the image.
    Image(String),
    /// The base is still being made: how far it is.
    NotYet(String),
    /// Why the step fails.
    Failed(String),
}

/// Makes the image, as far as it can be made now.
pub(super) async fn make(run: &PipelineRun, image: &ImageOf, pipelines: &Pipelines) -> Result<Made, Error> {
    match image {
        ImageOf::Program(image) => of_program(run, image, pipelines).await,
        ImageOf::Folder(image) => match base::find(&image.base, pipelines).await {
            Based::Making(progress) => Ok(Made::NotYet(progress)),
            Based::Never(why) => Ok(Made::Failed(why)),
            Based::Ready(base) => of_folder(run, image, &base, pipelines).await,
        },
    }
}

async fn of_program(run: &PipelineRun, image: &ProgramImage, pipelines: &Pipelines) -> Result<Made, Error> {
    let home = run.namespace().unwrap_or_default();
    let path = Path::new(&image.program);
    let opened = pipelines.hosting.workspaces.open(&home, &pod::workspace_name(run), path).await;
    let program = match opened {
        Ok(program) => program,
        Err(WorkspaceError::Disk { source, .. }) => {
            return Ok(Made::Failed(missing(&image.program, "file", &source)));
        }
        Err(source) => return Err(Error::Workspace { what: "open the program", source }),
    };
    let layout = pipelines.hosting.images.clone();
    let component = run.spec.component_name.clone();
    let tag = tag(run)?;
    // A copy: whoever wrote the workspace might go on writing.
    blocking(move || {
        let folder = TempDir::new().map_err(Failed::Disk)?;
        let copy = folder.path().join("program");
        let mut to = File::create_new(&copy).map_err(Failed::Disk)?;
        io::copy(&mut { program }, &mut to).map_err(Failed::Disk)?;
        drop(to);
        let image = layout.image_of_program(&copy, &component).map_err(|error| match error {
            ImageOfProgram::Dynamic { .. } => Failed::Content(error.to_string()),
            other => Failed::Disk(io::Error::other(other)),
        })?;
        keep(&layout, &tag, &image)
    })
    .await
}

async fn of_folder(
    run: &PipelineRun,
    image: &FolderImage,
    base: &BaseImage,
    pipelines: &Pipelines,
) -> Result<Made, Error> {
    let home = run.namespace().unwrap_or_default();
    let place = TempDir::new().map_err(Error::disk("make a folder for the image"))?;
    let copy = place.path().join("copy");
    let path = Path::new(&image.folder);
    match pipelines.hosting.workspaces.copy(&home, &pod::workspace_name(run), path, &copy).await {
        Ok(()) => {}
        Err(WorkspaceError::Disk { source, .. }) => {
            return Ok(Made::Failed(missing(&image.folder, "folder", &source)));
        }
        Err(source) => return Err(Error::Workspace { what: "copy the folder of the image", source }),
    }
    let layout = pipelines.hosting.images.clone();
    let tag = tag(run)?;
    let (base, image) = (base.clone(), image.clone());
    blocking(move || {
        let _until_it_is_read = place;
        let name = base.reference.split('@').next().unwrap_or_default();
        let of = FolderOnBase {
            base: &base.descriptor,
            base_name: name,
            entrypoint: &image.entrypoint,
            environment: &image.environment,
        };
        let made = layout.image_of_folder(&copy, &of).map_err(|error| match error {
            ImageOfFolder::Build(fairway_oci::BuildImage::Path { path, why }) => {
                Failed::Content(format!("{path:?} cannot be in an image: {why}"))
            }
            other => Failed::Disk(io::Error::other(other)),
        })?;
        keep(&layout, &tag, &made)
    })
    .await
}

fn missing(path: &str, what: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("it left no {what} {path:?}, which its image is made of"),
        _ => format!("{path:?} cannot be made an image of: {error}"),
    }
}

enum Failed {
    Content(String),
    Disk(io::Error),
}

/// Works on a thread that may wait for the disk.
async fn blocking(work: impl FnOnce() -> Result<String, Failed> + Send + 'static) -> Result<Made, Error> {
    match tokio::task::spawn_blocking(work).await.unwrap_or_else(|it| Err(Failed::Disk(io::Error::other(it)))) {
        Ok(digest) => Ok(Made::Image(digest)),
        Err(Failed::Content(message)) => Ok(Made::Failed(message)),
        Err(Failed::Disk(source)) => Err(Error::disk("make the image")(source)),
    }
}

/// What the image of a run is called.
fn tag(run: &PipelineRun) -> Result<Reference, Error> {
    let repository = format!("{}/{}", run.namespace().unwrap_or_default(), run.spec.component_name);
    Reference::new(&repository, Target::Tag(run.name_any()))
        .map_err(|it| Error::disk("name the image")(io::Error::other(it.to_string())))
}

fn keep(layout: &Layout, tag: &Reference, image: &Descriptor) -> Result<String, Failed> {
    layout.tag(tag, image).map_err(|it| Failed::Disk(io::Error::other(it)))?;
    Ok(image.digest.to_string())
}

/// What an image says it stands on: `bases/python-3.11@sha256:…`.
pub(super) fn stands_on(layout: &Layout, reference: &str) -> Option<String> {
    let reference: Reference = reference.parse().ok()?;
    let (name, digest) = layout.base_of(&layout.resolve(&reference).ok()?)?;
    Some(format!("{name}@{digest}"))
}
