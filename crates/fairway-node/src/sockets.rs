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
    /// How many connections to this address of the pod are open now.
    fn connections(&self, to: IpAddr) -> usize;
}

/// How many connections to `to` are open, by one of the kernel's tables (`/proc/<pid>/net/tcp`). Each is counted once, at
/// the end of whoever made it.
pub(crate) fn connections_in(table: &str, to: IpAddr) -> usize {
    const ESTABLISHED: &str = "01";
    let IpAddr::V4(to) = to else { return 0 };
    // The kernel prints the address as it lies in memory.
    let wanted = format!("{:08X}", u32::from_ne_bytes(to.octets()));
    let is_open = |line: &&str| {
        let mut words = line.split_whitespace().skip(2);
        let remote = words.next().and_then(|it| it.split_once(':')).map(|it| it.0);
        remote == Some(wanted.as_str()) && words.next() == Some(ESTABLISHED)
    };
    table.lines().skip(1).filter(is_open).count()
}

#[cfg(test)]
mod tests;
