//! Blobs: reading them, and uploading them at once or in chunks.

use std::io::{self, Read};

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};

use super::Registry;
use super::answer::{Body, Code, DIGEST, Refusal, answer, bare};
use super::sessions::Missing;
use crate::digest::Digest;
use crate::document::Descriptor;
use crate::layout::{Blob, Ingest, LayoutError};

/// How much is read from the disk at a time.
const CHUNK: usize = 256 << 10;

/// What blobs are served as: the registry does not know what is in them, and browsers must not guess.
const OCTETS: &str = "application/octet-stream";

impl Registry {
    pub(super) async fn get_blob(
        &self,
        repository: &str,
        digest: &Digest,
        method: &Method,
    ) -> Result<Response<Body>, Refusal> {
        if self.known(repository, digest).await?.is_none() {
            return Err(LayoutError::NoBlob(digest.clone()).into());
        }
        let wanted = digest.clone();
        let blob = self.stored(move |layout| layout.blob(&wanted)).await?;
        let (digest, length) = (digest.to_string(), blob.size().to_string());
        let headers = [(header::CONTENT_TYPE, OCTETS), (header::CONTENT_LENGTH, length.as_str()), (DIGEST, &digest)];
        let body = if method == Method::HEAD { empty() } else { streamed(blob) };
        Ok(bare(StatusCode::OK, &headers, body))
    }

    pub(super) async fn start_upload<B>(&self, repository: &str, request: Request<B>) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let digest = digest_of(&request)?;
        let limit = self.limits.blob_bytes;
        let ingest = self.stored(move |layout| layout.ingest(limit)).await?;
        if let Some(digest) = digest {
            let ingest = self.receive(ingest, request).await?;
            return self.finish(repository, ingest, digest).await;
        }
        let id = self.entropy.hex(16);
        self.state().sessions.open(id.clone(), repository, ingest);
        Ok(progress(StatusCode::ACCEPTED, repository, &id, 0))
    }

    pub(super) async fn upload<B>(
        &self,
        repository: &str,
        id: &str,
        request: Request<B>,
    ) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let digest = digest_of(&request)?;
        let taken = self.state().sessions.take(id, repository);
        let ingest = taken.map_err(|missing| match missing {
            Missing::Unknown => Refusal::new(Code::UploadUnknown, "there is no such upload: begin a new one"),
            Missing::Busy => Refusal::new(Code::RangeInvalid, "another request is writing to this upload"),
        })?;
        let (length, method) = (ingest.length(), request.method().clone());
        // What fails half-way cannot be gone on with, nobody knows how much of it arrived: unless the content is put
        // back, the upload ends, also when the client goes away.
        let _closed = Closing { registry: self, id };
        if method == Method::GET {
            self.state().sessions.put_back(id, ingest);
            return Ok(progress(StatusCode::NO_CONTENT, repository, id, length));
        }
        if method == Method::DELETE {
            return Ok(answer(StatusCode::NO_CONTENT, &[], Bytes::new()));
        }
        if begins_elsewhere(request.headers(), length) {
            self.state().sessions.put_back(id, ingest);
            let message = format!("the next byte of this upload is number {length}");
            return Err(Refusal::new(Code::RangeInvalid, message).with(header::RANGE, range(length)));
        }
        if method == Method::PUT {
            let Some(digest) = digest else {
                self.state().sessions.put_back(id, ingest);
                return Err(Refusal::new(Code::DigestInvalid, "an upload ends with ?digest=sha256:…"));
            };
            let ingest = self.receive(ingest, request).await?;
            return self.finish(repository, ingest, digest).await;
        }
        let ingest = self.receive(ingest, request).await?;
        let length = ingest.length();
        self.state().sessions.put_back(id, ingest);
        Ok(progress(StatusCode::ACCEPTED, repository, id, length))
    }

    async fn receive<B>(&self, mut ingest: Ingest, request: Request<B>) -> Result<Ingest, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let limit = self.limits.blob_bytes;
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|it| it > limit.saturating_sub(ingest.length())) {
            return Err(LayoutError::TooLarge { limit }.into());
        }
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Refusal::new(Code::UploadInvalid, format!("read the body: {error}")))?;
            let Ok(bytes) = frame.into_data() else { continue };
            ingest = self
                .stored(move |_| {
                    ingest.write(&bytes)?;
                    Ok(ingest)
                })
                .await?;
        }
        Ok(ingest)
    }

    async fn finish(&self, repository: &str, ingest: Ingest, digest: Digest) -> Result<Response<Body>, Refusal> {
        let (digest, size) = self.stored(move |_| ingest.commit(Some(&digest))).await?;
        self.state().recent.add(repository, Descriptor::new(OCTETS, digest.clone(), size));
        let (location, digest) = (format!("/v2/{repository}/blobs/{digest}"), digest.to_string());
        Ok(answer(StatusCode::CREATED, &[(header::LOCATION, &location), (DIGEST, &digest)], Bytes::new()))
    }
}

/// Ends an upload whose content was taken and not put back.
struct Closing<'a> {
    registry: &'a Registry,
    id: &'a str,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.registry.state().sessions.close_taken(self.id);
    }
}

pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// The content, read on threads that may wait for the disk. If it is not what its digest says, the answer breaks off.
fn streamed(blob: Blob) -> Body {
    let chunks = stream::try_unfold(blob, |mut blob| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK];
            let count = blob.read(&mut chunk)?;
            chunk.truncate(count);
            Ok::<_, io::Error>((chunk, blob))
        });
        let (chunk, blob) = read.await.map_err(io::Error::other)??;
        Ok((!chunk.is_empty()).then(|| (Frame::data(Bytes::from(chunk)), blob)))
    });
    BodyExt::boxed(StreamBody::new(chunks))
}

fn progress(status: StatusCode, repository: &str, id: &str, length: u64) -> Response<Body> {
    let location = format!("/v2/{repository}/blobs/uploads/{id}");
    answer(status, &[(header::LOCATION, &location), (header::RANGE, &range(length))], Bytes::new())
}

fn range(length: u64) -> String {
    format!("0-{}", length.saturating_sub(1))
}

/// Whether a chunk does not begin where the upload stands.
fn begins_elsewhere(headers: &HeaderMap, length: u64) -> bool {
    let Some(range) = headers.get(header::CONTENT_RANGE) else { return false };
    let start = range.to_str().ok().and_then(|it| it.split_once('-')?.0.parse::<u64>().ok());
    start != Some(length)
}

/// The digest in the query. It has nothing that needs decoding but its colon.
fn digest_of<B>(request: &Request<B>) -> Result<Option<Digest>, Refusal> {
    let query = request.uri().query().unwrap_or_default();
    let Some(digest) = query.split('&').find_map(|it| it.strip_prefix("digest=")) else { return Ok(None) };
    let digest = digest.replacen("%3A", ":", 1).replacen("%3a", ":", 1);
    digest.parse().map(Some).map_err(|it| Refusal::new(Code::DigestInvalid, format!("{it}")))
}
