//! What all connections have in common: accepted one by one within bounds, counted, copied both ways, and broken off so that
//! nobody takes it for an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::pod::Attached;
use super::view::View;
use super::{Shared, egress, service};

/// How long a connection waits for the first picture of the cluster.
const FIRST_VIEW: Duration = Duration::from_secs(5);
/// How long to wait before accepting again when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes in flight in each direction.
const BUFFER: usize = 32 * 1024;

/// What a socket in a pod leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Behind {
    /// A Service of the cluster.
    Service,
    /// Another pod, by its own address.
    Pod,
    /// A host outside.
    Outside(Arc<str>),
}

/// Carries what arrives at `address` until dropped.
pub(super) async fn accept(
    shared: Arc<Shared>,
    caller: Arc<Attached>,
    address: SocketAddr,
    behind: Behind,
    listener: TcpListener,
) {
    loop {
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(why) => {
                tracing::debug!(%address, error = %why, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(room) = caller.room.clone().try_acquire_owned() else {
            reset(&client);
            shared.complain(format!("{} room", caller.uid), || {
                tracing::warn!(pod.namespace = caller.namespace, pod.name = caller.name, "too many open connections");
            });
            continue;
        };
        let (of, pod, behind) = (shared.clone(), caller.clone(), behind.clone());
        // Not cut off from outside: it ends with its pod by itself, so that the other end sees a reset.
        shared.tasks.spawn(async move {
            match behind {
                Behind::Service | Behind::Pod => service::connect_and_carry(&of, &pod, address, client).await,
                Behind::Outside(host) => egress::connect_and_carry(&of, &pod, &host, address, client).await,
            }
            drop(room);
        });
    }
}

/// Nobody is let through before the policies are known.
pub(super) async fn complete_view(shared: &Shared) -> Option<Arc<View>> {
    let mut news = shared.view.subscribe();
    let complete = tokio::time::timeout(FIRST_VIEW, news.wait_for(|it| it.complete)).await;
    complete.ok()?.ok().map(|it| it.clone())
}

/// How a connection was.
pub(super) struct Ended {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) duration_ms: u64,
    pub(super) broken_off: Option<String>,
}

/// Copies both ways until both ends are done, one breaks off, the caller goes, or `until` says why it ends.
pub(super) async fn pipe(
    shared: &Shared,
    caller: &Attached,
    mut client: TcpStream,
    mut server: TcpStream,
    until: impl Future<Output = String>,
) -> Ended {
    shared.counters.carried.fetch_add(1, Ordering::Relaxed);
    let _open = Open::new(shared);
    // Best effort: without it small messages wait for an acknowledgement on each half of the way.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let started = shared.settings.world.clock.monotonic();
    let ended = tokio::select! {
        copied = tokio::io::copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER, BUFFER) => copied.map_err(|it| it.to_string()),
        why = until => Err(why),
        () = caller.gone.cancelled() => Err("the calling pod ended".to_owned()),
    };
    if ended.is_err() {
        // Whoever broke it off, the other end must not take it for an orderly end.
        reset(&client);
        reset(&server);
    }
    let took = shared.settings.world.clock.monotonic().saturating_sub(started);
    let (sent, received) = ended.as_ref().copied().unwrap_or_default();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Ended { sent, received, duration_ms, broken_off: ended.err() }
}

/// Counts a connection as open.
struct Open<'a>(&'a Shared);

impl<'a> Open<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.counters.open.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.counters.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Makes the drop of a stream a reset: the other end sees an error, not an end.
pub(super) fn reset(stream: &TcpStream) {
    // Best effort: a connection that is gone already needs none.
    let _ = stream.set_zero_linger();
}
