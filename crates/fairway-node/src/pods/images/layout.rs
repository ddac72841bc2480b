//! Images of a local store, unpacked once each into the node's folder.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use fairway_oci::{
    Digest, ImageConfig, Layout, LayoutError, Limits, Manifest, Owners, Platform, Reference, UnpackImage,
};
use tokio::sync::{Mutex, Semaphore};

use super::{EnsureImage, Image, Images};
use crate::pods::chain;
use crate::runner::image_owners;

/// So many images are unpacked at once: more would only wait for the same disk.
const AT_ONCE: usize = 2;

/// The images of a [`Layout`].
pub struct LayoutImages {
    layout: Layout,
    state: PathBuf,
    folder: PathBuf,
    /// An image that is being unpacked is unpacked once, however many ask for it.
    unpacking: std::sync::Mutex<HashMap<Digest, Arc<Mutex<()>>>>,
    places: Semaphore,
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
        Self {
            layout,
            state: state.to_owned(),
            folder,
            unpacking: std::sync::Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// The turn of an image.
    fn turn(&self, digest: &Digest) -> Arc<Mutex<()>> {
        let mut turns = self.unpacking.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, it| Arc::strong_count(it) > 1);
        Arc::clone(turns.entry(digest.clone()).or_default())
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
        let pull = |cannot: Cannot| EnsureImage::Pull {
            reference: reference.to_owned(),
            why: cannot.why,
            is_full: cannot.is_full,
        };
        let (layout, folder, name) = (self.layout.clone(), self.folder.clone(), parsed.clone());
        let state = self.state.clone();
        // The node has opened its folder before it asks for an image.
        let found = blocking(move || find(&layout, &folder, &parsed, image_owners(&state))).await.map_err(pull)?;
        let found = Arc::new(found);
        // What is there waits for nobody who unpacks something else.
        if !found.root.is_dir() {
            let turn = self.turn(&found.digest);
            let _own_turn = turn.lock().await;
            // Only closed places refuse, and these never are.
            let _place = self.places.acquire().await;
            let (layout, folder, wanted) = (self.layout.clone(), self.folder.clone(), Arc::clone(&found));
            blocking(move || unpack(&layout, &folder, &wanted)).await.map_err(pull)?;
        }
        let (layout, wanted) = (self.layout.clone(), Arc::clone(&found));
        let config = blocking(move || layout.image_config(&wanted.manifest).map_err(|it| cannot(&it))).await;
        Ok(image(found.root.clone(), format!("{}@{}", name.name(), found.digest), config.map_err(pull)?))
    }
}

/// An image of the store, and where it is unpacked.
struct Found {
    digest: Digest,
    manifest: Manifest,
    root: PathBuf,
    owners: Owners,
}

/// Why an image cannot be had.
struct Cannot {
    why: String,
    /// The disk is full: that can end at any time.
    is_full: bool,
}

fn cannot(error: &(dyn std::error::Error + 'static)) -> Cannot {
    let causes = std::iter::successors(Some(error), |it| it.source());
    let is_full = |it: &io::Error| matches!(it.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let is_full = causes.filter_map(|it| it.downcast_ref::<io::Error>()).any(is_full);
    Cannot { why: chain(error), is_full }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Cannot> + Send + 'static) -> Result<T, Cannot> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|it| Err(cannot(&it)))
}

fn find(layout: &Layout, folder: &Path, reference: &Reference, owners: Owners) -> Result<Found, Cannot> {
    let read = |error: LayoutError| cannot(&error);
    let named = layout.resolve(reference).map_err(read)?;
    let (descriptor, manifest) = layout.manifest(&named, &here()).map_err(read)?;
    let name = descriptor.digest.to_string().replace(':', "-");
    // One that was unpacked before there were ranges has lost its owners.
    let root = folder.join(if owners == Owners::Unpacker { name } else { format!("{name}-owned") });
    Ok(Found { digest: descriptor.digest, manifest, root, owners })
}

/// Unpacks an image that nobody has unpacked meanwhile.
fn unpack(layout: &Layout, folder: &Path, found: &Found) -> Result<(), Cannot> {
    if found.root.is_dir() {
        return Ok(());
    }
    let made = std::fs::create_dir_all(folder);
    made.map_err(|error| Cannot { why: format!("make {}: {error}", folder.display()), ..cannot(&error) })?;
    match layout.unpack_owned(&found.digest, &found.root, &Limits::default(), found.owners) {
        Ok(_) | Err(UnpackImage::Exists(_)) => Ok(()),
        Err(error) => Err(cannot(&error)),
    }
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

#[cfg(test)]
mod tests;
