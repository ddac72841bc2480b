//! The seam to whoever runs pods: what the API only passes on.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::ApiError;

/// Streams out of running (or just finished) pods.
#[async_trait]
pub trait PodStreams: Send + Sync + 'static {
    /// The log of one container.
    async fn log(&self, pod: PodRef, options: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError>;
}

/// One container of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRef {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// Always set: the server picks the only container, or refuses.
    pub container: String,
}

/// How much of a log, from when on, and in which form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on until the container ends.
    pub follow: bool,
    /// Of the run before the current one.
    pub previous: bool,
    /// Start each line with its time.
    pub timestamps: bool,
    /// Only the last lines.
    pub tail_lines: Option<u64>,
    /// Only what is younger.
    pub since: Option<Timestamp>,
    /// No more bytes than this.
    pub limit_bytes: Option<u64>,
}

/// For planes without a node.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPods;

#[async_trait]
impl PodStreams for NoPods {
    async fn log(&self, pod: PodRef, _: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError> {
        let message = format!("no node runs pod {}/{}: this plane has none", pod.namespace, pod.name);
        Err(ApiError::new(503, "ServiceUnavailable", message))
    }
}
