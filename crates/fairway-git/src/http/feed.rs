//! The body of a request, as git is to read it: unpacked where it was packed, and never slower than somebody who is
//! still there.

use std::io::Write as _;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use flate2::write::GzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// Who sends nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(60);
/// Packed bytes that are unpacked at a time: a thousandfold of it fits in memory.
const SLICE: usize = 4 << 10;

/// Why a body ended before its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection broke, or nothing came.
    Off,
    /// It is not what it says it is.
    Encoding,
}

/// A body that is read piece by piece.
pub(super) struct Feed<B> {
    body: B,
    unpack: Option<GzDecoder<Vec<u8>>>,
    packed: Bytes,
    ended: bool,
}

impl<B> Feed<B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    /// A body with these headers; an error where nobody can unpack it.
    pub(super) fn new(body: B, headers: &HeaderMap) -> Result<Self, Broken> {
        let unpack = match headers.get(CONTENT_ENCODING).map(|it| it.to_str().unwrap_or("?")) {
            None | Some("identity") => None,
            Some("gzip" | "x-gzip") => Some(GzDecoder::new(Vec::new())),
            Some(_) => return Err(Broken::Encoding),
        };
        Ok(Self { body, unpack, packed: Bytes::new(), ended: false })
    }

    /// The next piece, never empty; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            let Some(unpack) = &mut self.unpack else { return self.receive().await };
            if self.packed.is_empty() {
                match self.receive().await? {
                    Some(packed) => self.packed = packed,
                    None => return self.finish(),
                }
                continue;
            }
            let slice = self.packed.split_to(self.packed.remaining().min(SLICE));
            unpack.write_all(&slice).map_err(|_| Broken::Encoding)?;
            let unpacked = std::mem::take(unpack.get_mut());
            if !unpacked.is_empty() {
                return Ok(Some(unpacked.into()));
            }
        }
    }

    /// What was still to come out of what was packed.
    fn finish(&mut self) -> Result<Option<Bytes>, Broken> {
        let Some(mut unpack) = self.unpack.take() else { return Ok(None) };
        unpack.try_finish().map_err(|_| Broken::Encoding)?;
        let rest = std::mem::take(unpack.get_mut());
        Ok((!rest.is_empty()).then(|| rest.into()))
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, Broken> {
        while !self.ended {
            match timeout(IDLE, self.body.frame()).await {
                Ok(None) => self.ended = true,
                Ok(Some(Ok(frame))) => {
                    if let Some(data) = frame.into_data().ok().filter(|it| !it.is_empty()) {
                        return Ok(Some(data));
                    }
                }
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "a request broke off");
                    return Err(Broken::Off);
                }
                Err(_) => return Err(Broken::Off),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
