//! Images of a local store, unpacked once each into the node's folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use fairway_oci::{ImageConfig, Layout, LayoutError, Limits, Platform, Reference, UnpackImage};
use tokio::sync::Mutex;

use super::{EnsureImage, Image, Images};
use crate::pods::chain;

/// The images of a [`Layout`].
pub struct LayoutImages {
    layout: Layout,
    folder: PathBuf,
    /// One image is unpacked at a time: two of the same would do the work twice.
    unpacking: Arc<Mutex<()>>,
}

impl LayoutImages {
    /// Images of `layout`, unpacked into the `images` folder of a node's state folder.
    pub fn new(layout: Layout, state: &Path) -> Self {
        let folder = state.join("images");
        // What an earlier process did not finish.
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                let _still_there = crate::runner::remove_tree(&entry.path());
            }
        }
        Self { layout, folder, unpacking: Arc::default() }
    }
}

#[async_trait]
impl Images for LayoutImages {
    async fn ensure(&self, reference: &str) -> Result<Image, EnsureImage> {
        let invalid = |error: &dyn std::error::Error| EnsureImage::InvalidName {
            reference: reference.to_owned(),
            why: chain(error),
        };
        let parsed: Reference = reference.parse().map_err(|error| invalid(&error))?;
        let _one_at_a_time = self.unpacking.lock().await;
        let (layout, folder) = (self.layout.clone(), self.folder.clone());
        let pull = |why: String| EnsureImage::Pull { reference: reference.to_owned(), why };
        match tokio::task::spawn_blocking(move || unpacked(&layout, &folder, &parsed)).await {
            Ok(Ok(image)) => Ok(image),
            Ok(Err(why)) => Err(pull(why)),
            Err(error) => Err(pull(error.to_string())),
        }
    }
}

/// The image in its folder; unpacks it if it is not there yet.
fn unpacked(layout: &Layout, folder: &Path, reference: &Reference) -> Result<Image, String> {
    let read = |error: LayoutError| chain(&error);
    let named = layout.resolve(reference).map_err(read)?;
    let (descriptor, manifest) = layout.manifest(&named, &here()).map_err(read)?;
    let root = folder.join(descriptor.digest.to_string().replace(':', "-"));
    let config = if root.is_dir() {
        layout.image_config(&manifest).map_err(read)?
    } else {
        std::fs::create_dir_all(folder).map_err(|error| format!("make {}: {error}", folder.display()))?;
        match layout.unpack(&descriptor.digest, &root, &Limits::default()) {
            Err(UnpackImage::Exists(_)) => layout.image_config(&manifest).map_err(read)?,
            other => other.map_err(|error| chain(&error))?,
        }
    };
    Ok(image(root, format!("{}@{}", reference.name(), descriptor.digest), config))
}

/// This machine, as images name it.
fn here() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Platform { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: None }
}

fn image(root: PathBuf, id: String, config: ImageConfig) -> Image {
    let run = config.config;
    let pair = |it: String| it.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    Image {
        root,
        id,
        entrypoint: run.entrypoint.unwrap_or_default(),
        command: run.cmd.unwrap_or_default(),
        env: run.env.unwrap_or_default().into_iter().filter_map(pair).collect(),
        working_dir: run.working_dir,
        user: run.user,
        stop_signal: run.stop_signal.unwrap_or_default(),
        ..Image::default()
    }
}
