//! What meets only here: the API server's seam to logs and the gateway's seam to pods, both served by the node.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use fairway_apiserver::{ApiError, LogOptions, PodRef, PodStreams};
use fairway_gateway::Dial;
use fairway_node::runner;
use fairway_node::{Node, PodNetwork};
use futures::StreamExt;
use futures::stream::BoxStream;
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
}

#[async_trait]
impl PodStreams for NodeStreams {
    async fn log(&self, pod: PodRef, options: LogOptions) -> Result<BoxStream<'static, io::Result<Bytes>>, ApiError> {
        let Some(node) = self.node() else {
            return Err(ApiError::new(503, "ServiceUnavailable", "the node is starting; try again in a moment"));
        };
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
}

/// The gateway reaches pods through the node, which holds their sockets.
pub(super) struct PodDial(pub(super) PodNetwork);

#[async_trait]
impl Dial for PodDial {
    async fn dial(&self, target: SocketAddr) -> io::Result<TcpStream> {
        self.0.dial(target).await
    }
}
