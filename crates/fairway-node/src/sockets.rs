//! The seam between a running pod and whoever carries its traffic.
//!
//! A pod's network namespace has no way out: its sockets are made inside it on request and come out as file
//! descriptors, so every byte crosses whoever asked for them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// What a listening socket carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// A stream socket, already listening.
    Tcp,
    /// A datagram socket, bound.
    Udp,
}

/// Makes sockets inside one pod's network namespace. Every descriptor is non-blocking and close-on-exec.
#[async_trait]
pub trait PodSockets: Send + Sync + 'static {
    /// A socket that stands on `address` inside the pod: what its containers reach there comes out here.
    async fn listen(&self, address: SocketAddr, transport: Transport) -> io::Result<OwnedFd>;
    /// A stream connected to `target` inside the pod, which sees `source` as its peer.
    async fn connect(&self, source: IpAddr, target: SocketAddr) -> io::Result<OwnedFd>;
}
