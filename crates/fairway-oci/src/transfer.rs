//! Images in and out of the store: as image layout folders of other tools, and as tar archives of such folders.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::document::{Descriptor, Index, MOST_MANIFEST_BYTES, ParseDocument, media_type};
use crate::layout::{Layout, LayoutError};
use crate::reference::Reference;

/// Where the specification keeps a name.
const NAME: &str = "org.opencontainers.image.ref.name";

/// How many files an archive may hold.
const MOST_ENTRIES: usize = 100_000;

/// Why images did not come in or go out. Content that came in before has no name, and is collected.
#[derive(Debug, thiserror::Error)]
pub enum TransferImage {
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("read the archive")]
    ReadArchive(#[source] io::Error),
    #[error("the archive has more than {limit} files")]
    TooManyEntries { limit: usize },
    #[error("{name:?} stands in the archive twice, or is no plain file")]
    BadEntry { name: String },
    #[error("there is no index.json: this is not an image layout")]
    NoIndex,
    #[error("read index.json")]
    Index(#[source] ParseDocument),
    #[error("the layout has {found} images: say which of {names:?} is meant")]
    WhichImage { found: usize, names: Vec<String> },
    #[error("store the image")]
    Store(#[source] LayoutError),
    #[error("write the archive")]
    WriteArchive(#[source] io::Error),
}

impl Layout {
    /// Takes an image from the image layout folder of another tool, or from a tar archive of one, and names it. `which`
    /// is its name there; it may be left out when there is only one. No blob may have more than `limit` bytes.
    pub fn import(
        &self,
        from: &Path,
        which: Option<&str>,
        name: &Reference,
        limit: u64,
    ) -> Result<Descriptor, TransferImage> {
        let read = |source| TransferImage::Read { path: from.to_owned(), source };
        if !fs::metadata(from).map_err(read)?.is_dir() {
            return self.import_archive(File::open(from).map_err(read)?, which, name, limit);
        }
        let index = read_plain(&from.join("index.json"), MOST_MANIFEST_BYTES)?.ok_or(TransferImage::NoIndex)?;
        let chosen = choose(&index, which)?;
        let mut open = vec![chosen.clone()];
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            if seen.insert(next.digest.clone()) {
                self.take_blob(&from.join("blobs/sha256").join(next.digest.hex()), &next.digest, limit)?;
                open.extend(self.children_of(&next).map_err(TransferImage::Store)?);
            }
        }
        self.tag(name, &chosen).map_err(TransferImage::Store)?;
        Ok(chosen)
    }

    /// Takes an image from a tar archive of an image layout folder, and names it.
    pub fn import_archive(
        &self,
        archive: impl Read,
        which: Option<&str>,
        name: &Reference,
        limit: u64,
    ) -> Result<Descriptor, TransferImage> {
        let mut archive = tar::Archive::new(archive);
        let mut index = None;
        // Raw: what needs an extended header is no part of a layout.
        for (count, entry) in archive.entries().map_err(TransferImage::ReadArchive)?.raw(true).enumerate() {
            let entry = entry.map_err(TransferImage::ReadArchive)?;
            if count >= MOST_ENTRIES {
                return Err(TransferImage::TooManyEntries { limit: MOST_ENTRIES });
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = path.strip_prefix("./").unwrap_or(&path);
            let is_file = entry.header().entry_type().is_file();
            let bad = || TransferImage::BadEntry { name: path.chars().take(200).collect() };
            if path == "index.json" {
                if !is_file || index.is_some() {
                    return Err(bad());
                }
                index = Some(bounded(entry, MOST_MANIFEST_BYTES).map_err(TransferImage::ReadArchive)?);
            } else if let Some(hex) = path.strip_prefix("blobs/sha256/").filter(|it| !it.is_empty()) {
                let digest: Digest = format!("sha256:{hex}").parse().map_err(|_| bad())?;
                if !is_file {
                    return Err(bad());
                }
                self.put_blob_from(entry, limit, Some(&digest)).map_err(TransferImage::Store)?;
            }
        }
        let chosen = choose(&index.ok_or(TransferImage::NoIndex)?, which)?;
        self.tag(name, &chosen).map_err(TransferImage::Store)?;
        Ok(chosen)
    }

    /// Copies an image into another store, under the same name.
    pub fn export(&self, name: &Reference, to: &Layout) -> Result<Descriptor, TransferImage> {
        let descriptor = self.resolve(name).map_err(TransferImage::Store)?;
        for digest in self.reached_from(&descriptor).map_err(TransferImage::Store)? {
            let blob = self.blob(&digest).map_err(TransferImage::Store)?;
            to.put_blob_from(blob, u64::MAX, Some(&digest)).map_err(TransferImage::Store)?;
        }
        to.tag(name, &descriptor).map_err(TransferImage::Store)?;
        Ok(descriptor)
    }

    /// Writes an image as a tar archive of an image layout folder. The same image gives the same bytes.
    pub fn export_archive(&self, name: &Reference, to: impl Write) -> Result<(), TransferImage> {
        let mut descriptor = self.resolve(name).map_err(TransferImage::Store)?;
        let reached = self.reached_from(&descriptor).map_err(TransferImage::Store)?;
        descriptor.annotations.insert(NAME.to_owned(), name.to_string());
        let index = Index {
            schema_version: 2,
            media_type: Some(media_type::INDEX.to_owned()),
            artifact_type: None,
            manifests: vec![descriptor],
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        };
        let index = serde_json::to_vec(&index).expect("an index is plain data");
        let version = crate::layout::VERSION.as_bytes();
        let mut archive = tar::Builder::new(to);
        append(&mut archive, "oci-layout", version.len() as u64, version)?;
        append(&mut archive, "index.json", index.len() as u64, index.as_slice())?;
        for digest in reached {
            let blob = self.blob(&digest).map_err(TransferImage::Store)?;
            append(&mut archive, &format!("blobs/sha256/{}", digest.hex()), blob.size(), blob)?;
        }
        archive.into_inner().and_then(|mut it| it.flush()).map_err(TransferImage::WriteArchive)
    }

    fn take_blob(&self, path: &Path, digest: &Digest, limit: u64) -> Result<(), TransferImage> {
        let Some(file) = open_plain(path)? else {
            return Err(TransferImage::Store(LayoutError::NoBlob(digest.clone())));
        };
        self.put_blob_from(file, limit, Some(digest)).map(|_| ()).map_err(TransferImage::Store)
    }
}

/// The image that is meant.
fn choose(index: &[u8], which: Option<&str>) -> Result<Descriptor, TransferImage> {
    let index = Index::parse(media_type::INDEX, index).map_err(TransferImage::Index)?;
    let name_of = |it: &Descriptor| it.annotations.get(NAME).cloned();
    let names: Vec<_> = index.manifests.iter().filter_map(name_of).collect();
    let fits = |it: &Descriptor| which.is_none_or(|which| name_of(it).as_deref() == Some(which));
    let mut found: Vec<_> = index.manifests.into_iter().filter(fits).collect();
    match (found.pop(), found.len()) {
        (Some(mut only), 0) => {
            only.annotations.remove(NAME);
            Ok(only)
        }
        (last, more) => Err(TransferImage::WhichImage { found: more + usize::from(last.is_some()), names }),
    }
}

/// Opens a file, unless it is something that reading would wait for or never end.
fn open_plain(path: &Path) -> Result<Option<File>, TransferImage> {
    let read = |source| TransferImage::Read { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => File::open(path).map(Some).map_err(read),
        Ok(_) => Err(TransferImage::BadEntry { name: path.display().to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(read(error)),
    }
}

fn read_plain(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, TransferImage> {
    let read = |source| TransferImage::Read { path: path.to_owned(), source };
    open_plain(path)?.map(|file| bounded(file, limit).map_err(read)).transpose()
}

fn bounded(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

fn append(
    archive: &mut tar::Builder<impl Write>,
    path: &str,
    size: u64,
    content: impl Read,
) -> Result<(), TransferImage> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(size);
    archive.append_data(&mut header, path, content).map_err(TransferImage::WriteArchive)
}
