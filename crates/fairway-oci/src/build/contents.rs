//! What is to stand in a layer, gathered from anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::BuildImage;

/// The files of a layer, by their path in the image. Folders above them come by themselves.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    pub(super) entries: BTreeMap<String, Entry>,
}

/// One file.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Folder,
    Link(String),
    File { source: Source, executable: bool },
}

/// Where the bytes of a file come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Bytes(Vec<u8>),
    Path(PathBuf),
}

impl Contents {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file with these bytes.
    pub fn add_bytes(&mut self, path: &str, bytes: impl Into<Vec<u8>>, executable: bool) -> Result<(), BuildImage> {
        self.add(path, Entry::File { source: Source::Bytes(bytes.into()), executable })
    }

    /// Adds a file of this machine.
    pub fn add_file(&mut self, path: &str, file: &Path, executable: bool) -> Result<(), BuildImage> {
        self.add(path, Entry::File { source: Source::Path(file.to_owned()), executable })
    }

    /// Adds an empty folder.
    pub fn add_folder(&mut self, path: &str) -> Result<(), BuildImage> {
        self.add(path, Entry::Folder)
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
                self.add(&inside, Entry::Link(target.to_string_lossy().into_owned()))?;
            } else if metadata.is_file() {
                self.add_file(&inside, &source, is_executable(&metadata))?;
            } else {
                return Err(BuildImage::Special { path: source });
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, entry: Entry) -> Result<(), BuildImage> {
        let path = normal(path)?;
        if path.is_empty() {
            return match entry {
                Entry::Folder => Ok(()),
                _ => Err(BuildImage::Path { path, why: "the root is a folder" }),
            };
        }
        match self.entries.get(&path) {
            Some(Entry::Folder) if matches!(entry, Entry::Folder) => return Ok(()),
            Some(_) => return Err(BuildImage::Twice { path }),
            None => {}
        }
        let mut above = path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/') {
            if !matches!(self.entries.entry(parent.to_owned()).or_insert(Entry::Folder), Entry::Folder) {
                return Err(BuildImage::Path { path, why: "what it lies in is not a folder" });
            }
            above = parent;
        }
        self.entries.insert(path, entry);
        Ok(())
    }
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
