//! What meets only here: the API server's seam to logs and the gateway's seam to pods, both served by the node.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use fairway_apiserver::{ApiError, Command, Connection, Execution, LogOptions, PodRef, PodStreams};
use fairway_gateway::Dial;
use fairway_node::runner;
use fairway_node::{AttachPod, Node, PodNetwork};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt};
use tokio::net::TcpStream;

/// Logs of the pods of this process's node; the API server is there before the node is.
#[derive(Clone, Default)]
pub(super) struct NodeStreams {
    node: Arc<OnceLock<Weak<Node>>>,
}

impl NodeStreams {
    pub(super) fn set(&self, node: &Arc<Node>) {
        let _ = self.node.set(Arc::downgrade(node));
    }

    /// The node, once it is there and as long as it is.
    pub(super) fn node(&self) -> Option<Arc<Node>> {
        self.node.get().and_then(Weak::upgrade)
    }

    fn ready(&self) -> Result<Arc<Node>, ApiError> {
        let starting = || ApiError::new(503, "ServiceUnavailable", "the node is starting; try again in a moment");
        self.node().ok_or_else(starting)
    }
}

#[async_trait]
impl PodStreams for NodeStreams {
    async fn log(&self, pod: PodRef, options: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError> {
        let node = self.ready()?;
        let options = runner::LogOptions {
            follow: options.follow,
            previous: options.previous,
            tail_lines: options.tail_lines,
            since: options.since,
            timestamps: options.timestamps,
            limit_bytes: options.limit_bytes,
        };
        match node.logs(&pod.namespace, &pod.name, Some(&pod.container), options) {
            Ok(stream) => Ok(stream.boxed()),
            Err(error @ runner::ReadLog::PodNotFound { .. }) => Err(ApiError::new(404, "NotFound", error.to_string())),
            Err(error) => Err(ApiError::bad_request(error.to_string())),
        }
    }

    async fn exec(&self, pod: PodRef, command: Command) -> Result<Execution, ApiError> {
        let node = self.ready()?;
        let wants = (command.stdin, command.tty);
        let session = node.attach(&pod.namespace, &pod.name, &pod.container, &command.words, wants).await;
        let mut session = session.map_err(refused)?;
        let resize = session.resize().map_err(|it| ApiError::internal(it.to_string()))?;
        let (stdin, stdout, stderr) = (session.stdin.take(), session.stdout.take(), session.stderr.take());
        let what = format!("{}/{}", pod.namespace, pod.name);
        let ended = async move {
            let gone = || ApiError::internal(format!("pod {what} ended before the command did"));
            session.exit_code().await.ok_or_else(gone)
        };
        Ok(Execution {
            stdin: stdin.map(|it| Box::pin(it) as _),
            stdout: stdout.map(|it| Box::pin(it) as _),
            stderr: stderr.map(|it| Box::pin(it) as _),
            resize: resize.map(|it| Box::new(move |columns, rows| it.to(columns, rows)) as _),
            ended: ended.boxed(),
        })
    }

    async fn connect(&self, pod: PodRef, port: u16) -> Result<Pin<Box<dyn Connection>>, ApiError> {
        let connection = self.ready()?.connect(&pod.namespace, &pod.name, port).await;
        Ok(Box::pin(connection.map_err(refused)?))
    }
}

fn refused(error: AttachPod) -> ApiError {
    let why = std::error::Error::source(&error).map(|it| format!(": {it}")).unwrap_or_default();
    let message = format!("{error}{why}");
    match error {
        AttachPod::PodNotRunning { .. } | AttachPod::ContainerNotRunning { .. } => ApiError::bad_request(message),
        AttachPod::Run { .. } | AttachPod::Connect { .. } => ApiError::internal(message),
    }
}

/// The gateway reaches pods through the node, which holds their sockets.
pub(super) struct PodDial(pub(super) PodNetwork);

#[async_trait]
impl Dial for PodDial {
    async fn dial(&self, target: SocketAddr) -> io::Result<TcpStream> {
        self.0.dial(target).await
    }
}
