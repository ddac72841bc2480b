//! The image of a folder: `/app` on a base image, started as nobody in particular.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::build::{BuildImage, Contents, ImageSpec};
use crate::document::{Descriptor, Platform};
use crate::layout::Layout;

/// Where the folder is in the image, and what it starts in.
const PLACE: &str = "app";
/// The label that names what an image stands on.
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// The label that names it by its digest.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// What is to be made of a folder.
#[derive(Debug, Clone, Copy)]
pub struct FolderOnBase<'a> {
    /// What it stands on, in this store.
    pub base: &'a Descriptor,
    /// What that is called: `bases/python-3.11`.
    pub base_name: &'a str,
    /// The command and its fixed arguments.
    pub entrypoint: &'a [String],
    /// Variables, which replace those of the same name in the base.
    pub environment: &'a BTreeMap<String, String>,
}

/// Why no image was made of a folder.
#[derive(Debug, thiserror::Error)]
pub enum ImageOfFolder {
    /// It cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The image could not be built.
    #[error("make the image of a folder")]
    Build(#[source] BuildImage),
}

impl Layout {
    /// Makes the image. The folder is the caller's own copy: what would make every build another image is removed from it.
    /// It has no name yet.
    pub fn image_of_folder(&self, folder: &Path, of: &FolderOnBase<'_>) -> Result<Descriptor, ImageOfFolder> {
        remove_timed_bytecode(folder)?;
        let mut contents = Contents::new();
        contents.add_tree(PLACE, folder).map_err(ImageOfFolder::Build)?;
        let labels = [(BASE_NAME, of.base_name.to_owned()), (BASE_DIGEST, of.base.digest.to_string())];
        let spec = ImageSpec {
            platform: Platform::host(),
            entrypoint: of.entrypoint.to_vec(),
            cmd: Vec::new(),
            env: of.environment.clone(),
            working_dir: format!("/{PLACE}"),
            exposed_ports: Vec::new(),
            labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
            created_by: format!("a folder on {}", of.base_name),
        };
        self.build(Some(of.base), &contents, &spec).map_err(ImageOfFolder::Build)
    }

    /// What an image says it stands on: name and digest.
    pub fn base_of(&self, image: &Descriptor) -> Option<(String, String)> {
        let (_, manifest) = self.manifest(image, &Platform::host()).ok()?;
        let said = |label: &str| manifest.annotations.get(label).cloned();
        said(BASE_NAME).zip(said(BASE_DIGEST))
    }
}

/// Removes bytecode of Python that is good only for a source of a certain time. All files of a layer have the same time:
/// it would be no good there, and differ with every build.
fn remove_timed_bytecode(folder: &Path) -> Result<(), ImageOfFolder> {
    let read = |path: &Path| {
        let path = path.to_owned();
        move |source| ImageOfFolder::Read { path, source }
    };
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(read(&folder))? {
            let path = entry.map_err(read(&folder))?.path();
            let metadata = fs::symlink_metadata(&path).map_err(read(&path))?;
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file()
                && path.extension().is_some_and(|it| it == "pyc")
                && is_timed(&path).map_err(read(&path))?
            {
                fs::remove_file(&path).map_err(read(&path))?;
            }
        }
    }
    Ok(())
}

/// Whether bytecode names the time of its source: a word of flags follows the magic number, and its first bit says whether
/// it names a hash instead.
fn is_timed(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    fs::File::open(path)?.take(8).read_to_end(&mut head)?;
    Ok(head.len() == 8 && &head[2..4] == b"\r\n" && head[4] & 1 == 0)
}

#[cfg(test)]
mod tests;
