//! What is to stand in a layer, gathered from anywhere.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::BuildImage;

/// The files of a layer, by their path in the image. Folders above them come by themselves.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    pub(super) entries: BTreeMap<String, Entry>,
    /// Who owns what is added from now on.
    owner: Owner,
    pub(super) packing: Packing,
}

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Packing {
    /// What everything reads.
    #[default]
    Gzip,
    /// Ten times as fast, read by whatever is younger than 2023: for large layers.
    Zstd,
}

/// Who owns a file of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Owner {
    /// The user that images run as.
    #[default]
    User,
    /// Whom the user cannot be: he reads it and changes nothing.
    Root,
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) owner: Owner,
}

/// What a file is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Folder,
    Link(String),
    File(Source),
}

/// Where the bytes of a file come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Bytes(Vec<u8>),
    Path(PathBuf),
    /// A part of a file that is open.
    Part {
        file: Arc<File>,
        offset: u64,
        length: u64,
    },
}

impl Contents {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file with these bytes.
    pub fn add_bytes(&mut self, path: &str, bytes: impl Into<Vec<u8>>, executable: bool) -> Result<(), BuildImage> {
        self.add(path, Kind::File(Source::Bytes(bytes.into())), mode_of(executable))
    }

    /// Adds a file of this machine.
    pub fn add_file(&mut self, path: &str, file: &Path, executable: bool) -> Result<(), BuildImage> {
        self.add(path, Kind::File(Source::Path(file.to_owned())), mode_of(executable))
    }

    /// Adds an empty folder.
    pub fn add_folder(&mut self, path: &str) -> Result<(), BuildImage> {
        self.add(path, Kind::Folder, 0o755)
    }

    /// Adds an empty folder with these rights.
    pub fn add_folder_with(&mut self, path: &str, mode: u32) -> Result<(), BuildImage> {
        self.add(path, Kind::Folder, mode)
    }

    /// Adds a link. What it points to need not be there.
    pub fn add_link(&mut self, path: &str, target: &str) -> Result<(), BuildImage> {
        self.add(path, Kind::Link(target.to_owned()), 0o777)
    }

    /// Adds a part of an open file as a file.
    pub fn add_part(
        &mut self,
        path: &str,
        (file, offset, length): (Arc<File>, u64, u64),
        executable: bool,
    ) -> Result<(), BuildImage> {
        self.add(path, Kind::File(Source::Part { file, offset, length }), mode_of(executable))
    }

    /// Says who owns what is added from now on.
    pub fn owned_by(&mut self, owner: Owner) {
        self.owner = owner;
    }

    /// Says how the layer is compressed.
    pub fn packed_by(&mut self, packing: Packing) {
        self.packing = packing;
    }

    /// Whether something stands at a path.
    pub fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path.trim_matches('/'))
    }

    /// Adds a folder of this machine with all that is in it. Links are taken as they are, never followed; a file is
    /// executable if its owner may execute it.
    pub fn add_tree(&mut self, path: &str, folder: &Path) -> Result<(), BuildImage> {
        self.add_folder(path)?;
        let read = |source| BuildImage::Read { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let source = entry.path();
            let name = entry.file_name();
            let name = name
                .to_str()
                .ok_or_else(|| BuildImage::Path { path: source.display().to_string(), why: "its name is not UTF-8" })?;
            let inside = format!("{}/{name}", path.trim_end_matches('/'));
            let metadata = entry.metadata().map_err(read)?;
            if metadata.is_dir() {
                self.add_tree(&inside, &source)?;
            } else if metadata.is_symlink() {
                let target = fs::read_link(&source).map_err(read)?;
                self.add_link(&inside, &target.to_string_lossy())?;
            } else if metadata.is_file() {
                self.add_file(&inside, &source, is_executable(&metadata))?;
            } else {
                return Err(BuildImage::Special { path: source });
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, kind: Kind, mode: u32) -> Result<(), BuildImage> {
        let path = normal(path)?;
        if path.is_empty() {
            return match kind {
                Kind::Folder => Ok(()),
                _ => Err(BuildImage::Path { path, why: "the root is a folder" }),
            };
        }
        let owner = self.owner;
        match self.entries.get(&path).map(|it| &it.kind) {
            Some(Kind::Folder) if matches!(kind, Kind::Folder) => return Ok(()),
            Some(_) => return Err(BuildImage::Twice { path }),
            None => {}
        }
        let mut above = path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/') {
            let folder = Entry { kind: Kind::Folder, mode: 0o755, owner };
            if !matches!(self.entries.entry(parent.to_owned()).or_insert(folder).kind, Kind::Folder) {
                return Err(BuildImage::Path { path, why: "what it lies in is not a folder" });
            }
            above = parent;
        }
        self.entries.insert(path, Entry { kind, mode, owner });
        Ok(())
    }
}

fn mode_of(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}

/// The path without leading slash.
fn normal(path: &str) -> Result<String, BuildImage> {
    let refuse = |why| BuildImage::Path { path: path.chars().take(200).collect(), why };
    let inner = path.trim_matches('/');
    if inner.is_empty() {
        return Ok(String::new());
    }
    for part in inner.split('/') {
        match part {
            "" | "." | ".." => return Err(refuse("it must not have empty parts, . or ..")),
            _ if part.starts_with(".wh.") => return Err(refuse("names that begin with .wh. stand for deletions")),
            _ if part.contains('\0') => return Err(refuse("it must not have a NUL")),
            _ => {}
        }
    }
    Ok(inner.to_owned())
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}
