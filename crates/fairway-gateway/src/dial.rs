//! How the gateway reaches an endpoint: the one thing that differs between a node of our own and a pod network.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use tokio::net::TcpStream;

/// Opens connections to endpoints.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// A connected stream to `target`. The caller bounds the time.
    async fn dial(&self, target: SocketAddr) -> io::Result<TcpStream>;
}

/// Plain TCP from the gateway's own network namespace: right wherever pod addresses can be routed to.
pub struct TcpDial;

#[async_trait]
impl Dial for TcpDial {
    async fn dial(&self, target: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(target).await
    }
}
