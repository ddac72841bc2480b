//! A registry in front of a store: the part of the OCI distribution API that pushing and pulling need.
//!
//! It knows no server and no users: whoever mounts it parses the request into a [`Call`], decides by
//! [`Call::repository`] and [`Call::access`] whether the caller may do it, and hands the same call to
//! [`Registry::handle`], so that what was decided about is what is done.
//!
//! A repository shows nothing but what its own names lead to and what was just uploaded to it, although all
//! repositories share one store: knowing a digest gives nobody another's content. Mounting from another repository is
//! answered by an upload, as the specification allows.

mod answer;
mod blobs;
mod call;
mod manifests;
mod sessions;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fairway_clock::Entropy;
use http::{Request, Response, StatusCode};

use crate::digest::Digest;
use crate::document::Descriptor;
use crate::layout::{Layout, LayoutError};

pub use answer::Body;
pub use call::{Access, Call};

use answer::{Code, Refusal, answer};
use call::Endpoint;
use sessions::{Recent, Sessions};

/// How much clients may send.
#[derive(Debug, Clone, Copy)]
pub struct RegistryLimits {
    /// Bytes of one blob.
    pub blob_bytes: u64,
    /// Uploads that are open at a time; the one that was left alone longest gives way to a new one.
    pub uploads: usize,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self { blob_bytes: 4 << 30, uploads: 64 }
    }
}

/// A registry.
pub struct Registry {
    layout: Layout,
    entropy: Arc<dyn Entropy>,
    limits: RegistryLimits,
    state: Mutex<State>,
}

/// What is known about pushes that are going on.
struct State {
    sessions: Sessions,
    recent: Recent,
}

impl Registry {
    /// A registry in front of this store.
    pub fn new(layout: Layout, entropy: Arc<dyn Entropy>, limits: RegistryLimits) -> Self {
        let state = State { sessions: Sessions::new(limits.uploads), recent: Recent::default() };
        Self { layout, entropy, limits, state: Mutex::new(state) }
    }

    /// Answers a call. `request` is the one that the call was parsed from.
    pub async fn handle<B>(&self, call: &Call, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let answered = match call.endpoint() {
            Endpoint::Ping => Ok(answer(StatusCode::OK, &[], Bytes::from_static(b"{}"))),
            Endpoint::Blob { repository, digest } => self.get_blob(repository, digest, request.method()).await,
            Endpoint::StartUpload { repository } => self.start_upload(repository, request).await,
            Endpoint::Upload { repository, id } => self.upload(repository, id, request).await,
            Endpoint::Manifest { repository, target } => self.manifest(repository, target, request).await,
            Endpoint::Tags { repository } => self.tags(repository).await,
        };
        answered.unwrap_or_else(Refusal::into_response)
    }

    /// Does something with the store on a thread that may wait for the disk.
    async fn stored<T: Send + 'static>(
        &self,
        job: impl FnOnce(Layout) -> Result<T, LayoutError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let layout = self.layout.clone();
        match tokio::task::spawn_blocking(move || job(layout)).await {
            Ok(done) => done.map_err(Refusal::from),
            Err(_) => Err(Refusal::internal()),
        }
    }

    /// The descriptor under which a repository knows some content; none if it does not know it.
    async fn known(&self, repository: &str, digest: &Digest) -> Result<Option<Descriptor>, Refusal> {
        if let Some(found) = self.state().recent.find(repository, digest) {
            return Ok(Some(found));
        }
        Ok(self.content_of(repository).await?.remove(digest))
    }

    /// All that the names of a repository lead to.
    async fn content_of(&self, repository: &str) -> Result<BTreeMap<Digest, Descriptor>, Refusal> {
        let name = repository.to_owned();
        self.stored(move |layout| layout.content_of(&name)).await
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing in it can be half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Layout {
    fn content_of(&self, repository: &str) -> Result<BTreeMap<Digest, Descriptor>, LayoutError> {
        let named = self.list()?.into_iter().filter(|it| it.reference.name() == repository);
        let mut open: Vec<_> = named.map(|it| it.descriptor).collect();
        let mut found = BTreeMap::new();
        while let Some(next) = open.pop() {
            if !found.contains_key(&next.digest) {
                open.extend(self.children_of(&next)?);
                found.insert(next.digest.clone(), next);
            }
        }
        Ok(found)
    }
}

impl From<LayoutError> for Refusal {
    fn from(error: LayoutError) -> Self {
        match &error {
            LayoutError::NoBlob(_) => Self::new(Code::BlobUnknown, error.to_string()),
            LayoutError::NoImage(_) => Self::new(Code::ManifestUnknown, error.to_string()),
            LayoutError::WrongDigest { .. } => Self::new(Code::DigestInvalid, error.to_string()),
            LayoutError::WrongSize { .. } => Self::new(Code::SizeInvalid, error.to_string()),
            LayoutError::TooLarge { .. } => Self::new(Code::TooLarge, error.to_string()),
            LayoutError::Document { .. } | LayoutError::NestedIndex { .. } => {
                let source = std::error::Error::source(&error).map(|it| format!(": {it}")).unwrap_or_default();
                Self::new(Code::ManifestInvalid, format!("{error}{source}"))
            }
            // The rest is ours, and its paths are nobody's business.
            _ => Self::internal(),
        }
    }
}
