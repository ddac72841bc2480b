//! From a step's program to the Component's image: the same code that `platform deploy` uses.

use std::fs::File;
use std::io;
use std::path::Path;

use fairway_api::v1alpha1::PipelineRun;
use fairway_oci::{ImageOfProgram, Layout, Reference, Target};
use fairway_plan::pipeline::file::ImageOf;
use kube::ResourceExt;

use super::{Pipelines, pod};
use crate::Error;
use crate::hosting::WorkspaceError;

/// Makes the image and gives its digest, or says why the step fails.
pub(super) async fn make(
    run: &PipelineRun,
    image: &ImageOf,
    pipelines: &Pipelines,
) -> Result<Result<String, String>, Error> {
    let home = run.namespace().unwrap_or_default();
    let path = Path::new(&image.program);
    let opened = pipelines.hosting.workspaces.open(&home, &pod::workspace_name(run), path).await;
    let program = match opened {
        Ok(program) => program,
        Err(WorkspaceError::Disk { source, .. }) => return Ok(Err(missing(&image.program, &source))),
        Err(source) => return Err(Error::Workspace { what: "open the program", source }),
    };
    let layout = pipelines.hosting.images.clone();
    let (component, tag) = (run.spec.component_name.clone(), run.name_any());
    let entropy = pipelines.ctx.kit.world.entropy.hex(8);
    let made = tokio::task::spawn_blocking(move || image_of(&layout, program, &home, &component, &tag, &entropy));
    match made.await.unwrap_or_else(|it| Err(Failed::Disk(io::Error::other(it)))) {
        Ok(digest) => Ok(Ok(digest)),
        Err(Failed::Program(message)) => Ok(Err(message)),
        Err(Failed::Disk(source)) => Err(Error::disk("make the image")(source)),
    }
}

fn missing(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("it left no file {program:?}, which its image is made of"),
        _ => format!("{program:?} cannot be made an image of: {error}"),
    }
}

enum Failed {
    Program(String),
    Disk(io::Error),
}

fn image_of(
    layout: &Layout,
    mut program: File,
    project: &str,
    component: &str,
    tag: &str,
    entropy: &str,
) -> Result<String, Failed> {
    // A copy: whoever wrote the workspace might go on writing.
    let copy = Copy(std::env::temp_dir().join(format!("fairway-program-{entropy}")));
    let mut file = File::create_new(&copy.0).map_err(Failed::Disk)?;
    io::copy(&mut program, &mut file).map_err(Failed::Disk)?;
    drop(file);
    let image = layout.image_of_program(&copy.0, component).map_err(|error| match error {
        ImageOfProgram::Dynamic { .. } => Failed::Program(error.to_string()),
        other => Failed::Disk(io::Error::other(other)),
    })?;
    let digest = image.digest.to_string();
    let other = |it: &dyn std::fmt::Display| Failed::Disk(io::Error::other(it.to_string()));
    let reference =
        Reference::new(&format!("{project}/{component}"), Target::Tag(tag.to_owned())).map_err(|it| other(&it))?;
    layout.tag(&reference, &image).map_err(|it| other(&it))?;
    Ok(digest)
}

/// A file that goes with this.
struct Copy(std::path::PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.0);
    }
}
