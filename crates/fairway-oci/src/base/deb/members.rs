//! The two archives inside a package, uncompressed and counted.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::ReadPackage;

/// What a decoder of xz may use, in KiB: packages ask for 8 MiB, the strongest setting for 64.
const MOST_XZ_MEMORY: u32 = 96 << 10;
/// The largest zstd window, as a power of two.
const MOST_WINDOW: u32 = 27;
/// What folders, names and padding may add to the files.
const OVERHEAD: u64 = 256 << 20;

pub(super) struct Member<R: Read> {
    inner: Decoder<R>,
    left: u64,
}

enum Decoder<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Xz(Box<XzReader<BufReader<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<R>>>),
}

impl<R: Read> Member<R> {
    /// Opens the member of a name, which must be the next one. Its ending says how it is compressed.
    pub(super) fn open(name: &str, expected: &'static str, content: R, most: u64) -> Result<Self, ReadPackage> {
        let ending = name.strip_prefix(expected).ok_or(ReadPackage::Form("its members are not in the right order"))?;
        let content = BufReader::with_capacity(64 << 10, content);
        let inner = match ending {
            "" => Decoder::Plain(content),
            ".gz" => Decoder::Gzip(Box::new(MultiGzDecoder::new(content))),
            ".xz" => Decoder::Xz(Box::new(XzReader::new_mem_limit(content, true, MOST_XZ_MEMORY))),
            ".zst" => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(content).map_err(ReadPackage::Read)?;
                decoder.window_log_max(MOST_WINDOW).map_err(ReadPackage::Read)?;
                Decoder::Zstd(Box::new(decoder))
            }
            _ => return Err(ReadPackage::Form("it is compressed in a way that is not understood")),
        };
        Ok(Self { inner, left: most.saturating_add(OVERHEAD) })
    }
}

impl<R: Read> Read for Member<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Decoder::Plain(it) => it.read(buffer)?,
            Decoder::Gzip(it) => it.read(buffer)?,
            Decoder::Xz(it) => it.read(buffer)?,
            Decoder::Zstd(it) => it.read(buffer)?,
        };
        self.left = self.left.checked_sub(count as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}
