//! The bytes of a layer.

use std::fs::File;
use std::io::{self, Read, Write};

use flate2::{Compression, GzBuilder};

use super::BuildImage;
use super::contents::{Contents, Entry, Kind, Owner, Packing, Source};
use crate::digest::{Digest, Hasher};
use crate::document::{Descriptor, media_type};
use crate::layout::{Ingest, Layout, LayoutError};

/// The number of the user that images run as.
const USER: u64 = 65532;
/// How hard zstd tries: the usual.
const ZSTD_LEVEL: i32 = 3;

/// Writes the layer of these files; gives its descriptor and the digest of its uncompressed form.
pub(super) fn write(layout: &Layout, contents: &Contents) -> Result<(Descriptor, Digest), BuildImage> {
    let stored = Stored(layout.ingest(u64::MAX).map_err(BuildImage::Store)?);
    let (media_type, diff_id, Stored(ingest)) = match contents.packing {
        Packing::Gzip => {
            // No time, no name, no system: they would differ from build to build.
            let gzip = GzBuilder::new().mtime(0).operating_system(255).write(stored, Compression::new(6));
            let (gzip, diff_id) = archive(gzip, contents)?;
            (media_type::LAYER_GZIP, diff_id, gzip.finish().map_err(written)?)
        }
        Packing::Zstd => {
            let zstd = zstd::stream::write::Encoder::new(stored, ZSTD_LEVEL).map_err(written)?;
            let (zstd, diff_id) = archive(zstd, contents)?;
            (media_type::LAYER_ZSTD, diff_id, zstd.finish().map_err(written)?)
        }
    };
    let (digest, size) = ingest.commit(None).map_err(BuildImage::Store)?;
    Ok((Descriptor::new(media_type, digest, size), diff_id))
}

/// Writes the archive into a compressor.
fn archive<W: Write>(inner: W, contents: &Contents) -> Result<(W, Digest), BuildImage> {
    let mut tar = tar::Builder::new(Plain { inner, hasher: Hasher::new() });
    for (path, entry) in &contents.entries {
        append(&mut tar, path, entry)?;
    }
    let Plain { inner, hasher } = tar.into_inner().map_err(written)?;
    Ok((inner, hasher.finish()))
}

fn append(tar: &mut tar::Builder<impl Write>, path: &str, entry: &Entry) -> Result<(), BuildImage> {
    let mut header = tar::Header::new_ustar();
    let owner = if entry.owner == Owner::User { USER } else { 0 };
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mode(entry.mode);
    header.set_mtime(0);
    header.set_size(0);
    match &entry.kind {
        Kind::Folder => {
            header.set_entry_type(tar::EntryType::Directory);
            tar.append_data(&mut header, format!("{path}/"), io::empty()).map_err(written)
        }
        Kind::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            tar.append_link(&mut header, path, target).map_err(written)
        }
        Kind::File(source) => {
            header.set_entry_type(tar::EntryType::Regular);
            append_file(tar, &mut header, path, source)
        }
    }
}

fn append_file(
    tar: &mut tar::Builder<impl Write>,
    header: &mut tar::Header,
    path: &str,
    source: &Source,
) -> Result<(), BuildImage> {
    let file = match source {
        Source::Bytes(bytes) => {
            header.set_size(bytes.len() as u64);
            return tar.append_data(header, path, bytes.as_slice()).map_err(written);
        }
        Source::Part { file, offset, length } => {
            header.set_size(*length);
            let part = At { file, offset: *offset }.take(*length);
            return tar.append_data(header, path, Exact { inner: part, left: *length }).map_err(written);
        }
        Source::Path(file) => file,
    };
    let read = |source| BuildImage::Read { path: file.clone(), source };
    let opened = File::open(file).map_err(read)?;
    let size = opened.metadata().map_err(read)?.len();
    header.set_size(size);
    // A file that grows or shrinks meanwhile must not shift what comes after it.
    let mut exact = Exact { inner: opened.take(size), left: size };
    tar.append_data(header, path, &mut exact).map_err(read)
}

/// A file from a place on. Others may read it meanwhile.
struct At<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for At<'_> {
    #[cfg(unix)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }

    #[cfg(windows)]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = std::os::windows::fs::FileExt::seek_read(self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// A reader that fails when it ends early.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// The uncompressed stream on its way into the compressor.
struct Plain<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The compressed stream on its way into the store.
struct Stored(Ingest);

impl Write for Stored {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len()).map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(error: io::Error) -> BuildImage {
    match error.downcast::<LayoutError>() {
        Ok(error) => BuildImage::Store(error),
        Err(error) => BuildImage::Write(error),
    }
}
