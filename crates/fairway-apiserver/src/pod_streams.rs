//! The seam to whoever runs pods: what the API only passes on.

use std::io;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::ApiError;

/// Streams out of running (or just finished) pods.
#[async_trait]
pub trait PodStreams: Send + Sync + 'static {
    /// The log of one container.
    async fn log(&self, pod: PodRef, options: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError>;

    /// A command in one container that runs.
    async fn exec(&self, pod: PodRef, command: Command) -> Result<Execution, ApiError> {
        drop(command);
        Err(no_node(&pod))
    }

    /// A connection to a port of a pod; the container of the reference is empty.
    async fn connect(&self, pod: PodRef, port: u16) -> Result<Pin<Box<dyn Connection>>, ApiError> {
        let _nobody_listens = port;
        Err(no_node(&pod))
    }
}

/// What a command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
    /// Whether it has something to read.
    pub stdin: bool,
    /// Whether it has a terminal, on which its errors come out too.
    pub tty: bool,
}

/// Tells a command the columns and rows of its terminal.
pub type Resize = Box<dyn Fn(u16, u16) + Send + Sync>;

/// A command that runs. Dropping `ended` ends it.
pub struct Execution {
    /// What it reads; dropping this is the end of it.
    pub stdin: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    /// What it prints.
    pub stdout: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// Its errors.
    pub stderr: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// For one that has a terminal.
    pub resize: Option<Resize>,
    /// Its exit code, once it ended.
    pub ended: BoxFuture<'static, Result<i32, ApiError>>,
}

/// Bytes both ways.
pub trait Connection: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Connection for T {}

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
        Err(no_node(&pod))
    }
}

fn no_node(pod: &PodRef) -> ApiError {
    let message = format!("no node runs pod {}/{}: this plane has none", pod.namespace, pod.name);
    ApiError::new(503, "ServiceUnavailable", message)
}
