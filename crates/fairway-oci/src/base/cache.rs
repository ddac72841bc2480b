//! What mirrors gave, by its digest: shared by all platforms of a user, so that the second one needs no network.
//!
//! Files appear whole, under the name of their digest, and are checked against it again whenever they are read: nothing in
//! the folder is trusted.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::digest::{Digest, Hasher};

/// The folder.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UseCache {
    #[error("cannot tell where to keep packages: none of FAIRWAY_CACHE, XDG_CACHE_HOME and HOME is set")]
    NoPlace,
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Content that is coming. It is not in the cache until [`Incoming::finish`]; dropped before, it is gone.
#[derive(Debug)]
pub(super) struct Incoming {
    part: NamedTempFile,
    target: PathBuf,
    hasher: HasherCell,
}

struct HasherCell(Hasher);

impl std::fmt::Debug for HasherCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.length())
    }
}

impl Cache {
    /// The cache in this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// `$FAIRWAY_CACHE`, else `$XDG_CACHE_HOME/fairway`, else `~/.cache/fairway`.
    pub fn find(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, UseCache> {
        let given = |name: &str| variable(name).filter(|it| it.is_absolute());
        let root = given("FAIRWAY_CACHE")
            .or_else(|| given("XDG_CACHE_HOME").map(|it| it.join("fairway")))
            .or_else(|| given("HOME").map(|it| it.join(".cache/fairway")));
        root.map(Self::new).ok_or(UseCache::NoPlace)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.root.join("packages/sha256").join(digest.hex())
    }

    /// Opens content, if it is there and right. What is wrong is removed: it would be wrong the next time, too.
    pub(super) fn open(&self, digest: &Digest, size: u64) -> Result<Option<File>, UseCache> {
        let path = self.path(digest);
        let read = |source| UseCache::Read { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(read)?,
        };
        if file.metadata().map_err(read)?.len() == size && digest_of(&mut file).map_err(read)? == *digest {
            file.rewind().map_err(read)?;
            return Ok(Some(file));
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(UseCache::Write { path, source: error }),
            _ => Ok(None),
        }
    }

    /// Begins to write content.
    pub(super) fn begin(&self, digest: &Digest) -> Result<Incoming, UseCache> {
        let target = self.path(digest);
        let folder = self.root.join("packages");
        let write = |source| UseCache::Write { path: folder.clone(), source };
        fs::create_dir_all(folder.join("sha256")).map_err(write)?;
        let part = tempfile::Builder::new().prefix(".part-").tempfile_in(&folder).map_err(write)?;
        Ok(Incoming { part, target, hasher: HasherCell(Hasher::new()) })
    }
}

impl Incoming {
    pub(super) fn length(&self) -> u64 {
        self.hasher.0.length()
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), UseCache> {
        self.hasher.0.update(bytes);
        self.part.write_all(bytes).map_err(|source| UseCache::Write { path: self.part.path().to_owned(), source })
    }

    /// Puts it into its place if it is what was meant; else says what it is.
    pub(super) fn finish(self, expected: &Digest) -> Result<Result<(), Digest>, UseCache> {
        let found = self.hasher.0.clone().finish();
        if found != *expected {
            return Ok(Err(found));
        }
        let write = |source| UseCache::Write { path: self.target.clone(), source };
        self.part.as_file().sync_all().map_err(write)?;
        self.part.persist(&self.target).map_err(|it| UseCache::Write { path: self.target, source: it.error })?;
        Ok(Ok(()))
    }
}

fn digest_of(file: &mut File) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
