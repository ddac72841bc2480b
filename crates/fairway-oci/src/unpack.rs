//! Unpacking: from a manifest to a root folder, believing nothing that a layer says.
//!
//! What a layer cannot do: write outside the folder it is unpacked into (every folder on the way is opened by its
//! parent's handle, without following links); make device nodes or FIFOs (refused); keep setuid or setgid bits
//! (dropped: a container could not use them); claim another size than it has; fill the disk or the memory ([`Limits`]).
//! Links inside the image may point anywhere within it; an absolute one is meant within the image and is kept. Extended
//! attributes are not kept; owners are if who unpacks it says so ([`Owners`]), and else everything belongs to him. He can
//! read all of it.
//!
//! A layer's bytes are checked against the digest of its compressed and of its uncompressed form while they are
//! unpacked. The folder appears under its name only when everything was right.

pub(crate) mod archive;
mod input;
pub(crate) mod layer;
mod tree;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, RenameFlags};

use crate::digest::Digest;
use crate::document::{Descriptor, ImageConfig, Manifest, ParseDocument, is_index, media_type};
use crate::layout::{Layout, LayoutError};

use tree::Tree;

/// How much an image may be, over all its layers.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of all layers, uncompressed.
    pub bytes: u64,
    /// Files, folders and links, deleted ones included.
    pub entries: u64,
    /// Bytes of one path, and of what a link points to.
    pub path_bytes: usize,
    /// Folders within each other.
    pub depth: usize,
    /// Layers.
    pub layers: usize,
}

impl Default for Limits {
    /// What real images stay well below.
    fn default() -> Self {
        Self { bytes: 8 << 30, entries: 500_000, path_bytes: 4096, depth: 128, layers: 128 }
    }
}

/// Whose the files of an unpacked image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// All belong to who unpacks them.
    Unpacker,
    /// They belong to the users that the layers name. Only root can say that, and whoever reads them must see the users of
    /// this folder as those of the image, or these are users of the machine.
    AsStored,
    /// They belong to as many users from this one on: user 7 of a layer is the seventh after it. Only who may give files to
    /// all of them can say that.
    From(u32),
}

/// Why an image was not unpacked. Nothing is left then.
#[derive(Debug, thiserror::Error)]
pub enum UnpackImage {
    #[error("read the image")]
    Read(#[source] LayoutError),
    #[error("{0} is an index of several images: choose one of them first")]
    IsIndex(Digest),
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    #[error("the image has {found} layers, and at most {limit} are unpacked")]
    TooManyLayers { found: usize, limit: usize },
    #[error("the manifest has {layers} layers and the configuration {diff_ids}")]
    LayerCount { layers: usize, diff_ids: usize },
    #[error("layer {layer} is rejected at {path:?}")]
    LayerRejected { layer: Digest, path: String, source: Rejected },
    #[error("write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Why a layer is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    #[error("the path is absolute")]
    AbsolutePath,
    #[error("the path leaves the image")]
    OutsidePath,
    #[error("the path holds a NUL or has no name in it")]
    BadPath,
    #[error("the path has more than {limit} bytes")]
    PathTooLong { limit: usize },
    #[error("the path lies more than {limit} folders deep")]
    TooDeep { limit: usize },
    #[error("the path leads through a link or a file")]
    ThroughLink,
    #[error("the link points out of the image: {target:?}")]
    LinkOutside { target: String },
    #[error("the hard link points to what is not a file of the image: {target:?}")]
    BadHardLink { target: String },
    #[error("device nodes, FIFOs and sockets are not unpacked (type {kind:?})")]
    Special { kind: char },
    #[error("entries of type {kind:?} are not understood")]
    UnknownKind { kind: char },
    #[error("sparse files are not unpacked")]
    Sparse,
    #[error("the path stands twice in the layer")]
    Duplicate,
    #[error("the deletion marker names nothing")]
    BadWhiteout,
    #[error("two headers give different sizes")]
    TwoSizes,
    #[error("the extended header is broken: {0}")]
    BadExtension(&'static str),
    #[error("the extended header has more than {limit} bytes")]
    ExtensionTooLong { limit: u64 },
    #[error("something follows the end of the archive")]
    TrailingBytes,
    #[error("the layers have more than {limit} bytes")]
    TooManyBytes { limit: u64 },
    #[error("the layers have more than {limit} entries")]
    TooManyEntries { limit: u64 },
    #[error("layers of type {0:?} are not understood")]
    MediaType(String),
    #[error("its bytes are {found}")]
    WrongDigest { found: Digest },
    #[error("uncompressed it is {found}, not {expected}")]
    WrongDiffId { expected: Digest, found: Digest },
    #[error("it has {found} bytes, not {expected}")]
    WrongSize { expected: u64, found: u64 },
    #[error("the archive is broken")]
    BadArchive(#[source] io::Error),
    #[error("write it")]
    Write(#[source] io::Error),
    #[error("read it")]
    Read(#[source] LayoutError),
}

impl Layout {
    /// Unpacks the image of a manifest into a folder that is not there yet. Gives its configuration.
    pub fn unpack(&self, manifest: &Digest, into: &Path, limits: &Limits) -> Result<ImageConfig, UnpackImage> {
        self.unpack_owned(manifest, into, limits, Owners::Unpacker)
    }

    /// The same, and says whose the files are.
    pub fn unpack_owned(
        &self,
        manifest: &Digest,
        into: &Path,
        limits: &Limits,
        owners: Owners,
    ) -> Result<ImageConfig, UnpackImage> {
        let manifest = self.manifest_of(manifest)?;
        let config = self.image_config(&manifest).map_err(UnpackImage::Read)?;
        let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if layers > limits.layers {
            return Err(UnpackImage::TooManyLayers { found: layers, limit: limits.layers });
        }
        if layers != diff_ids {
            return Err(UnpackImage::LayerCount { layers, diff_ids });
        }
        let place = Place::beside(into)?;
        let write = |source: io::Error| UnpackImage::Write { path: place.path.clone(), source };
        let tree = Tree::open(&place.path, owners).map_err(write)?;
        let mut budget = Budget { bytes: limits.bytes, entries: limits.entries, limits: *limits };
        for (layer, diff_id) in manifest.layers.iter().zip(&config.rootfs.diff_ids) {
            layer::unpack(self, &tree, layer, diff_id, &mut budget)?;
        }
        tree.finish().map_err(write)?;
        place.reveal(into)?;
        Ok(config)
    }

    fn manifest_of(&self, digest: &Digest) -> Result<Manifest, UnpackImage> {
        let read = |source| UnpackImage::Read(LayoutError::Document { digest: digest.clone(), source });
        let bytes = self.read_blob(digest, crate::document::MOST_MANIFEST_BYTES).map_err(UnpackImage::Read)?;
        let raw: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|source| read(ParseDocument::Json(source)))?;
        let media_type = raw["mediaType"].as_str().unwrap_or(media_type::MANIFEST);
        if is_index(media_type) {
            return Err(UnpackImage::IsIndex(digest.clone()));
        }
        Manifest::parse(media_type, &bytes).map_err(read)
    }
}

/// What is left of the limits.
pub(super) struct Budget {
    bytes: u64,
    entries: u64,
    limits: Limits,
}

/// The folder in which an image is unpacked before it gets its name. Goes away unless it gets it.
struct Place {
    path: PathBuf,
    revealed: bool,
}

impl Place {
    fn beside(into: &Path) -> Result<Self, UnpackImage> {
        if into.symlink_metadata().is_ok() {
            return Err(UnpackImage::Exists(into.to_owned()));
        }
        let write = |source: io::Error| UnpackImage::Write { path: into.to_owned(), source };
        let name = into.file_name().ok_or_else(|| write(io::ErrorKind::InvalidInput.into()))?;
        for number in 0.. {
            let name = format!(".{}.{}-{number}", name.to_string_lossy(), std::process::id());
            let path = into.with_file_name(name);
            match rustix::fs::mkdir(&path, Mode::RWXU) {
                Ok(()) => return Ok(Self { path, revealed: false }),
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(write(error.into())),
            }
        }
        Err(write(io::ErrorKind::AlreadyExists.into()))
    }

    fn reveal(mut self, into: &Path) -> Result<(), UnpackImage> {
        match rustix::fs::renameat_with(CWD, &self.path, CWD, into, RenameFlags::NOREPLACE) {
            Ok(()) => {
                self.revealed = true;
                Ok(())
            }
            Err(rustix::io::Errno::EXIST) => Err(UnpackImage::Exists(into.to_owned())),
            Err(error) => Err(UnpackImage::Write { path: into.to_owned(), source: error.into() }),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.revealed {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Whether a layer is compressed, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

fn compression(layer: &Descriptor) -> Result<Compression, Rejected> {
    match layer.media_type.as_str() {
        media_type::LAYER => Ok(Compression::None),
        media_type::LAYER_GZIP | media_type::DOCKER_LAYER => Ok(Compression::Gzip),
        media_type::LAYER_ZSTD => Ok(Compression::Zstd),
        other => Err(Rejected::MediaType(other.chars().take(100).collect())),
    }
}
