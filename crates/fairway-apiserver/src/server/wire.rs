//! The server on a socket: TLS, HTTP/1.1 and HTTP/2, with a limit on everything a peer could hold on to.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use super::handshakes::{Handshake, Handshakes};
use super::{ApiServer, ApiService, Shared};
use crate::{Identity, PeerCertificates};

/// Connections that are served at one time.
const CONNECTIONS: usize = 4096;
/// Handshakes at one time, apart from these: nobody who is served is turned away for them.
const HANDSHAKES: usize = 512;
/// A handshake that takes longer was never meant to end. On a machine with far too much to do, honest ones take seconds.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// A connection that sends no request in this time is closed.
const HEADERS: Duration = Duration::from_secs(30);
/// One connection carries many watches.
const STREAMS: u32 = 1000;
/// Quiet peers are asked whether they are still there.
const ALIVE_EVERY: Duration = Duration::from_secs(30);
/// After an error of the listener itself: too many open files will not be better at once.
const BREATH: Duration = Duration::from_millis(100);

impl ApiServer {
    /// Serves a socket until the server stops. Where `tls` does not say what is spoken inside it, HTTP/2 and 1.1 are.
    ///
    /// The Service `default/kubernetes` leads there from then on.
    pub fn serve(&self, listener: TcpListener, tls: impl Into<Arc<ServerConfig>>) {
        let mut tls = tls.into();
        if tls.alpn_protocols.is_empty() {
            Arc::make_mut(&mut tls).alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        let shared = Arc::clone(&self.shared);
        if let Ok(address) = listener.local_addr() {
            self.shared.tasks.spawn(super::kubernetes::publish(Arc::clone(&shared), address));
        }
        let acceptor = TlsAcceptor::from(tls);
        self.shared.tasks.spawn(accept(shared, listener, acceptor));
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, acceptor: TlsAcceptor) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let handshakes = Handshakes::new(HANDSHAKES);
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let (owned, acceptor, places) = (Arc::clone(&shared), acceptor.clone(), Arc::clone(&places));
        let handshake = handshakes.begin();
        shared.tasks.spawn(async move {
            let Some(stream) = shake_hands(&owned, stream, acceptor, handshake).await else { return };
            // More than that many are turned away at once: those who are served stay served.
            let Ok(place) = places.try_acquire_owned() else { return };
            connection(owned, stream).await;
            drop(place);
        });
    }
}

/// The handshake, unless it takes too long or must make room.
async fn shake_hands(
    shared: &Shared,
    stream: TcpStream,
    acceptor: TlsAcceptor,
    handshake: Handshake,
) -> Option<TlsStream<TcpStream>> {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = handshake.evicted.cancelled() => None,
        () = shared.stop.cancelled() => None,
        done = timeout(HANDSHAKE, acceptor.accept(stream)) => done.ok()?.ok(),
    }
}

async fn connection(shared: Arc<Shared>, stream: TlsStream<TcpStream>) {
    let (_, session) = stream.get_ref();
    let certificates = session
        .peer_certificates()
        .map(|it| PeerCertificates(it.iter().cloned().map(rustls::pki_types::CertificateDer::into_owned).collect()));
    let h2 = session.alpn_protocol() == Some(b"h2");
    let service = ApiService::new(Arc::clone(&shared), false);
    let service = tower::util::MapRequest::new(service, move |mut request: http::Request<hyper::body::Incoming>| {
        // Whatever a peer sends, who it is is for authentication to say.
        request.extensions_mut().remove::<Identity>();
        if let Some(certificates) = &certificates {
            request.extensions_mut().insert(certificates.clone());
        }
        request
    });
    let service = TowerToHyperService::new(service);
    let io = TokioIo::new(stream);
    let ended = if h2 {
        let executor = Tasks(shared.tasks.clone());
        let mut builder = http2::Builder::new(executor);
        builder.timer(TokioTimer::new()).max_concurrent_streams(STREAMS).keep_alive_interval(ALIVE_EVERY);
        builder.initial_stream_window_size(1 << 20).initial_connection_window_size(4 << 20);
        let connection = builder.serve_connection(io, service);
        until_stopped(&shared, connection, http2::Connection::graceful_shutdown).await
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
        let connection = builder.serve_connection(io, service).with_upgrades();
        until_stopped(&shared, connection, http1::UpgradeableConnection::graceful_shutdown).await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Runs a connection; when the server stops, what is being answered is still answered.
async fn until_stopped<C, E>(shared: &Shared, connection: C, finish: impl Fn(std::pin::Pin<&mut C>)) -> Result<(), E>
where
    C: Future<Output = Result<(), E>>,
{
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = shared.stop.cancelled() => finish(connection.as_mut()),
    }
    connection.await
}

/// Tasks of HTTP/2 connections belong to the server.
#[derive(Clone)]
struct Tasks(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
