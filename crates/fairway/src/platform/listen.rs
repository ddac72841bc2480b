//! Sockets on loopback: a port in use is an error that names the flag.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

/// Listens on loopback. Port 0 picks one.
pub(super) async fn bind(port: u16, flag: &str) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("listen on 127.0.0.1:{port}; if another program uses it, choose another with {flag}=PORT ({flag}=0 picks one)")
    })
}
