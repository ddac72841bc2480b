//! The store: an OCI image layout folder.
//!
//! `oci-layout`, `index.json` and `blobs/sha256/` are as the specification says, so other tools can read the folder.
//! Beside them stand `.index.lock`, held while `index.json` is changed, and `.ingest/`, where content grows until it is
//! whole and known to have its digest.

mod blobs;
mod collect;
mod names;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::document::ParseDocument;

pub use blobs::{Blob, Ingest};
pub use names::Tagged;

/// A store. Cheap to clone; several processes may have the same one open.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// Why a store did not do what was asked. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("open the image store at {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("{} is not an image store of version 1.0.0: {why}", path.display())]
    NotALayout { path: PathBuf, why: String },
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("there is no content {0} in the image store")]
    NoBlob(Digest),
    #[error("the content is {found}, not {expected}")]
    WrongDigest { expected: Digest, found: Digest },
    #[error("content {digest} has {found} bytes, not {expected}")]
    WrongSize { digest: Digest, expected: u64, found: u64 },
    #[error("the content has more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("read the document {digest}")]
    Document { digest: Digest, source: ParseDocument },
    #[error("index.json of the image store is broken")]
    Index(#[source] ParseDocument),
    #[error("there is no image {0} in the image store")]
    NoImage(String),
    #[error("no manifest of {digest} is for {platform}")]
    NoPlatform { digest: Digest, platform: String },
    #[error("{digest} is an index within an index, which is not followed")]
    NestedIndex { digest: Digest },
}

pub(crate) const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

impl Layout {
    /// Opens the store in a folder, which is made if it is not there, readable by its owner only.
    pub fn open(root: &Path) -> Result<Self, LayoutError> {
        let open = |source| LayoutError::Open { path: root.to_owned(), source };
        for folder in [root.to_owned(), root.join("blobs/sha256"), root.join(".ingest")] {
            private_folder(&folder).map_err(open)?;
        }
        let layout = Self { root: root.to_owned() };
        let version = root.join("oci-layout");
        match fs::read_to_string(&version) {
            Ok(text) => check_version(root, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                layout.replace(&version, VERSION.as_bytes())?;
            }
            Err(error) => return Err(open(error)),
        }
        Ok(layout)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

fn check_version(root: &Path, text: &str) -> Result<(), LayoutError> {
    let version: Option<serde_json::Value> = serde_json::from_str(text).ok();
    match version.as_ref().and_then(|it| it["imageLayoutVersion"].as_str()) {
        Some("1.0.0") => Ok(()),
        other => Err(LayoutError::NotALayout { path: root.to_owned(), why: format!("oci-layout says {other:?}") }),
    }
}

#[cfg(unix)]
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}
