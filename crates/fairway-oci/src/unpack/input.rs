//! The bytes of a layer on their way from the store: checked, uncompressed, counted.

use std::cell::RefCell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::{Compression, Rejected};
use crate::digest::{Digest, Hasher};
use crate::layout::{Blob, LayoutError};

/// The largest zstd window, as a power of two: 32 MiB, which all but `--ultra` and `--long` stay below.
const MOST_WINDOW: u32 = 25;

/// Why reading stopped. Decoders on the way wrap errors in their own, so the reason is left here.
pub(super) type Verdict = Rc<RefCell<Option<Rejected>>>;

/// A layer, uncompressed.
pub(super) struct Input {
    inner: Box<dyn Read>,
    hasher: Hasher,
    left: u64,
    limit: u64,
    verdict: Verdict,
}

impl Input {
    pub(super) fn open(
        blob: Blob,
        compression: Compression,
        (left, limit): (u64, u64),
        verdict: &Verdict,
    ) -> io::Result<Self> {
        let blob = BufReader::with_capacity(64 << 10, Checked { inner: blob, verdict: verdict.clone() });
        let inner: Box<dyn Read> = match compression {
            Compression::None => Box::new(blob),
            Compression::Gzip => Box::new(MultiGzDecoder::new(blob)),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(blob)?;
                decoder.window_log_max(MOST_WINDOW)?;
                Box::new(decoder)
            }
        };
        Ok(Self { inner, hasher: Hasher::new(), left, limit, verdict: verdict.clone() })
    }

    /// How many bytes may still come.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Reads to the end, where nothing but padding may follow. Gives the digest of all that was read.
    pub(super) fn finish(mut self) -> Result<Digest, Rejected> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(self.hasher.finish()),
                Ok(count) if buffer[..count].iter().all(|it| *it == 0) => {}
                Ok(_) => return Err(Rejected::TrailingBytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.verdict.take().unwrap_or(Rejected::BadArchive(error))),
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count as u64 > self.left {
            self.verdict.replace(Some(Rejected::TooManyBytes { limit: self.limit }));
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.left -= count as u64;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// A blob that leaves word when it is not what it should be.
struct Checked {
    inner: Blob,
    verdict: Verdict,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| match error.downcast::<LayoutError>() {
            Ok(LayoutError::WrongDigest { found, .. }) => {
                self.verdict.replace(Some(Rejected::WrongDigest { found }));
                io::ErrorKind::InvalidData.into()
            }
            Ok(other) => io::Error::other(other),
            Err(error) => error,
        })
    }
}
