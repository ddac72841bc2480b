//! Content: written whole or not at all, and checked whenever it is read.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Layout, LayoutError};
use crate::digest::{Digest, Hasher};
use crate::document::{Descriptor, ImageConfig, Index, MOST_MANIFEST_BYTES, Manifest, is_index};
use crate::document::{ParseDocument, Platform, media_type};

/// How large an image configuration may be.
const MOST_CONFIG_BYTES: u64 = 4 << 20;

/// Distinguishes the files that this process is writing.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Content that is being written. It is not in the store until [`Ingest::commit`]; dropped before, it is gone.
#[derive(Debug)]
pub struct Ingest {
    layout: Layout,
    path: PathBuf,
    file: File,
    hasher: HasherCell,
    limit: u64,
}

/// A hasher that debug output passes over.
struct HasherCell(Hasher);

impl std::fmt::Debug for HasherCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.length())
    }
}

impl Ingest {
    /// Takes more bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        if self.hasher.0.length() + bytes.len() as u64 > self.limit {
            return Err(LayoutError::TooLarge { limit: self.limit });
        }
        self.hasher.0.update(bytes);
        self.file.write_all(bytes).map_err(|source| LayoutError::Write { path: self.path.clone(), source })
    }

    /// How many bytes it took so far.
    pub fn length(&self) -> u64 {
        self.hasher.0.length()
    }

    /// Puts the content into the store, if it is what was expected.
    pub fn commit(self, expected: Option<&Digest>) -> Result<(Digest, u64), LayoutError> {
        let (digest, length) = (self.hasher.0.clone().finish(), self.length());
        if let Some(expected) = expected.filter(|it| **it != digest) {
            return Err(LayoutError::WrongDigest { expected: expected.clone(), found: digest });
        }
        let target = self.layout.blob_path(&digest);
        let write = |source| LayoutError::Write { path: target.clone(), source };
        self.file.sync_all().map_err(write)?;
        fs::rename(&self.path, &target).map_err(write)?;
        sync_folder(&target).map_err(write)?;
        Ok((digest, length))
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        // Gone already if it was committed; what stays after a crash, the next collection removes.
        let _ = fs::remove_file(&self.path);
    }
}

/// Content that is being read; its last byte comes only if the whole has the right digest.
#[derive(Debug)]
pub struct Blob {
    file: File,
    hasher: Option<HasherCell>,
    digest: Digest,
    size: u64,
}

impl Blob {
    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.0.update(&buffer[..count]);
        }
        if count == 0
            && !buffer.is_empty()
            && let Some(hasher) = self.hasher.take()
        {
            let found = hasher.0.finish();
            if found != self.digest {
                let error = LayoutError::WrongDigest { expected: self.digest.clone(), found };
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
        Ok(count)
    }
}

impl Layout {
    /// Begins to write content of at most `limit` bytes.
    pub fn ingest(&self, limit: u64) -> Result<Ingest, LayoutError> {
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = self.root.join(".ingest").join(format!("{}-{number}", std::process::id()));
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    // Held until the file is closed, so that a collection can tell it from a left-over.
                    file.lock().map_err(|source| LayoutError::Write { path: path.clone(), source })?;
                    let hasher = HasherCell(Hasher::new());
                    return Ok(Ingest { layout: self.clone(), path, file, hasher, limit });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(LayoutError::Write { path, source }),
            }
        }
    }

    /// Writes content.
    pub fn put_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, LayoutError> {
        let mut ingest = self.ingest(u64::MAX)?;
        ingest.write(bytes)?;
        let (digest, size) = ingest.commit(None)?;
        Ok(Descriptor::new(media_type, digest, size))
    }

    /// Writes content from a reader, if it is what was expected.
    pub fn put_blob_from(
        &self,
        mut reader: impl Read,
        limit: u64,
        expected: Option<&Digest>,
    ) -> Result<(Digest, u64), LayoutError> {
        let mut ingest = self.ingest(limit)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return ingest.commit(expected),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(LayoutError::Read { path: ingest.path.clone(), source }),
            };
            ingest.write(&buffer[..count])?;
        }
    }

    /// Opens content for reading.
    pub fn blob(&self, digest: &Digest) -> Result<Blob, LayoutError> {
        let path = self.blob_path(digest);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LayoutError::NoBlob(digest.clone())),
            other => other,
        };
        let read = |source| LayoutError::Read { path: path.clone(), source };
        let file = file.map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        Ok(Blob { file, hasher: Some(HasherCell(Hasher::new())), digest: digest.clone(), size })
    }

    /// How many bytes content has; none if it is not here.
    pub fn size_of(&self, digest: &Digest) -> Result<Option<u64>, LayoutError> {
        match self.blob(digest) {
            Ok(blob) => Ok(Some(blob.size)),
            Err(LayoutError::NoBlob(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads content whole, unless it has more than `limit` bytes.
    pub fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, LayoutError> {
        let mut blob = self.blob(digest)?;
        if blob.size > limit {
            return Err(LayoutError::TooLarge { limit });
        }
        let mut bytes = Vec::new();
        match blob.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(match error.downcast::<LayoutError>() {
                Ok(error) => error,
                Err(source) => LayoutError::Read { path: self.blob_path(digest), source },
            }),
        }
    }

    /// Reads content to its end, only to see that it is right.
    pub fn check_blob(&self, digest: &Digest) -> Result<(), LayoutError> {
        let read = io::copy(&mut self.blob(digest)?, &mut io::sink()).map_err(io::Error::downcast::<LayoutError>);
        match read {
            Ok(_) => Ok(()),
            Err(Ok(error)) => Err(error),
            Err(Err(source)) => Err(LayoutError::Read { path: self.blob_path(digest), source }),
        }
    }

    /// Writes a manifest.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<Descriptor, LayoutError> {
        let bytes = serde_json::to_vec(manifest).expect("a manifest is plain data");
        let media_type = manifest.media_type.as_deref().unwrap_or(media_type::MANIFEST);
        let mut descriptor = self.put_blob(media_type, &bytes)?;
        descriptor.artifact_type.clone_from(&manifest.artifact_type);
        Ok(descriptor)
    }

    /// Reads the manifest that a descriptor names; of an index, that for the platform.
    pub fn manifest(&self, named: &Descriptor, platform: &Platform) -> Result<(Descriptor, Manifest), LayoutError> {
        let document = |digest: &Digest, source| LayoutError::Document { digest: digest.clone(), source };
        let bytes = self.read_blob(&named.digest, MOST_MANIFEST_BYTES)?;
        if !is_index(&named.media_type) {
            let manifest = Manifest::parse(&named.media_type, &bytes).map_err(|it| document(&named.digest, it))?;
            return Ok((named.clone(), manifest));
        }
        let index = Index::parse(&named.media_type, &bytes).map_err(|it| document(&named.digest, it))?;
        let fits = |it: &&Descriptor| {
            it.platform.as_ref().is_some_and(|it| it.os == platform.os && it.architecture == platform.architecture)
        };
        let Some(chosen) = index.manifests.iter().find(fits) else {
            let platform = format!("{}/{}", platform.os, platform.architecture);
            return Err(LayoutError::NoPlatform { digest: named.digest.clone(), platform });
        };
        if is_index(&chosen.media_type) {
            return Err(LayoutError::NestedIndex { digest: chosen.digest.clone() });
        }
        let bytes = self.read_blob(&chosen.digest, MOST_MANIFEST_BYTES)?;
        let manifest = Manifest::parse(&chosen.media_type, &bytes).map_err(|it| document(&chosen.digest, it))?;
        Ok((chosen.clone(), manifest))
    }

    /// Reads the configuration of an image.
    pub fn image_config(&self, manifest: &Manifest) -> Result<ImageConfig, LayoutError> {
        let bytes = self.read_blob(&manifest.config.digest, MOST_CONFIG_BYTES)?;
        let source = |source| LayoutError::Document {
            digest: manifest.config.digest.clone(),
            source: ParseDocument::Json(source),
        };
        serde_json::from_slice(&bytes).map_err(source)
    }

    pub(super) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// Writes a file of the store so that readers see the old or the new one.
    pub(super) fn replace(&self, target: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
        let mut ingest = self.ingest(u64::MAX)?;
        ingest.write(bytes)?;
        let write = |source| LayoutError::Write { path: target.to_owned(), source };
        ingest.file.sync_all().map_err(write)?;
        fs::rename(&ingest.path, target).map_err(write)?;
        sync_folder(target).map_err(write)
    }
}

/// Makes a rename durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
