//! The bytes of a layer.

use std::fs::File;
use std::io::{self, Read, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::BuildImage;
use super::contents::{Contents, Entry, Source};
use crate::digest::{Digest, Hasher};
use crate::document::{Descriptor, media_type};
use crate::layout::{Ingest, Layout, LayoutError};

/// Who owns everything in a layer.
const OWNER: u64 = 65532;

/// Writes the layer of these files; gives its descriptor and the digest of its uncompressed form.
pub(super) fn write(layout: &Layout, contents: &Contents) -> Result<(Descriptor, Digest), BuildImage> {
    let stored = Stored(layout.ingest(u64::MAX).map_err(BuildImage::Store)?);
    // No time, no name, no system: they would differ from build to build.
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(stored, Compression::new(6));
    let mut tar = tar::Builder::new(Plain { inner: gzip, hasher: Hasher::new() });
    for (path, entry) in &contents.entries {
        append(&mut tar, path, entry)?;
    }
    let Plain { inner, hasher } = tar.into_inner().map_err(written)?;
    let Stored(ingest) = inner.finish().map_err(written)?;
    let (digest, size) = ingest.commit(None).map_err(BuildImage::Store)?;
    Ok((Descriptor::new(media_type::LAYER_GZIP, digest, size), hasher.finish()))
}

fn append(tar: &mut tar::Builder<impl Write>, path: &str, entry: &Entry) -> Result<(), BuildImage> {
    let mut header = tar::Header::new_ustar();
    header.set_uid(OWNER);
    header.set_gid(OWNER);
    header.set_mtime(0);
    header.set_size(0);
    match entry {
        Entry::Folder => {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o755);
            tar.append_data(&mut header, format!("{path}/"), io::empty()).map_err(written)
        }
        Entry::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            tar.append_link(&mut header, path, target).map_err(written)
        }
        Entry::File { source, executable } => {
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
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
struct Plain {
    inner: GzEncoder<Stored>,
    hasher: Hasher,
}

impl Write for Plain {
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
