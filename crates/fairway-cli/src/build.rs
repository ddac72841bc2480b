//! From source to image: the host's cargo, a static program, and one layer on nothing.

mod cargo;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use fairway_api::v1alpha1::Toolchain;
use fairway_oci::{Descriptor, ImageOfProgram, Layout};
use tempfile::TempDir;

use crate::failure::Failure;
use crate::session::Session;

/// An image that was built here and is nowhere else yet. Its folder goes with it.
pub(crate) struct Built {
    pub(crate) layout: Layout,
    pub(crate) image: Descriptor,
    pub(crate) toolchain: Toolchain,
    /// How long the language's own tools took.
    pub(crate) took: Duration,
    _folder: TempDir,
}

/// Builds what is in a folder.
pub(crate) async fn build(
    session: &Session,
    folder: &Path,
    component: &str,
    program: Option<&str>,
) -> Result<Built, Failure> {
    if !folder.join("Cargo.toml").is_file() {
        return Err(Failure::failed(format!(
            "{} has no Cargo.toml, and deploy builds Rust programs",
            folder.display()
        ))
        .hint("git push: the pipeline makes the images of other languages, and delivers them"));
    }
    let start = session.world.clock.monotonic();
    let cargo::Program { path, toolchain } = cargo::build(session, folder, component, program).await?;
    let took = session.world.clock.monotonic().saturating_sub(start);
    session.progress.step("making the image");
    let kept = scratch()?;
    let (root, name) = (kept.path().to_owned(), component.to_owned());
    let made = tokio::task::spawn_blocking(move || image(&root, &path, &name));
    let (layout, image) = made.await.map_err(|it| Failure::failed(format!("cannot make the image: {it}")))??;
    Ok(Built { layout, image, toolchain, took, _folder: kept })
}

fn image(root: &Path, program: &Path, component: &str) -> Result<(Layout, Descriptor), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::failed(format!("cannot make the image: {}", chain(error)));
    let layout = Layout::open(root).map_err(|it| failed(&it))?;
    let image = layout.image_of_program(program, component).map_err(|it| match it {
        ImageOfProgram::Dynamic { .. } => Failure::failed(it.to_string())
            .hint("a build script or .cargo/config.toml turns off crt-static; remove that"),
        other => failed(&other),
    })?;
    Ok((layout, image))
}

/// The machine that the compiler of a folder compiles for.
pub(crate) async fn compiles_for(folder: &Path) -> Result<String, Failure> {
    Ok(cargo::rustc(folder).await?.1)
}

/// A chain of errors as one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let _ = write!(text, ": {error}");
        next = error.source();
    }
    text
}

/// A folder of this command's own, which nobody else reads and which goes with it.
pub(crate) fn scratch() -> Result<TempDir, Failure> {
    tempfile::Builder::new().prefix("fairway-").tempdir().map_err(Failure::io("make a folder for what is made"))
}
