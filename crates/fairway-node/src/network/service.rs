//! From a Service's address to one of its pods, or from a pod's own: choose, judge, connect, carry, and let go when it is
//! withdrawn.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;

use super::Shared;
use super::carry::{complete_view, pipe, reset};
use super::denial::Denial;
use super::pod::Attached;
use super::policy::{Denied, judge};
use super::view::{PortView, ServiceView, View};

/// How long an endpoint may take to answer a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Endpoints tried for one connection.
const ATTEMPTS: usize = 3;

/// Why a connection is reset.
enum Failure {
    Policy { target: Arc<Attached>, endpoint: SocketAddr, denied: Denied },
    Other(String),
}

/// Carries a connection that arrived at a Service's address, or at another pod's.
pub(super) async fn connect_and_carry(shared: &Shared, caller: &Attached, address: SocketAddr, client: TcpStream) {
    let connected = caller.gone.run_until_cancelled(connect(shared, caller, address)).await;
    match connected.unwrap_or_else(|| Err(Failure::Other("the calling pod ended".into()))) {
        Ok((target, endpoint, server)) => {
            carry(shared, caller, &target, (address, endpoint), client, server).await;
        }
        Err(failure) => {
            reset(&client);
            refuse(shared, caller, address, &failure);
        }
    }
}

fn refuse(shared: &Shared, caller: &Attached, address: SocketAddr, failure: &Failure) {
    let (pod, namespace) = (&caller.name, &caller.namespace);
    match failure {
        Failure::Policy { target, endpoint, denied } => {
            Denial { caller, target, address, endpoint: *endpoint, denied, was_open: false }.tell(shared);
        }
        Failure::Other(why) => {
            shared.counters.failed.fetch_add(1, Ordering::Relaxed);
            shared.complain(format!("{} {address} failed", caller.uid), || {
                tracing::info!(pod.namespace = namespace, pod.name = pod, %address, why, "connection failed");
            });
        }
    }
}

/// A connection to an endpoint of the Service at `address`, or to the pod that has it.
async fn connect(
    shared: &Shared,
    caller: &Attached,
    address: SocketAddr,
) -> Result<(Arc<Attached>, SocketAddr, TcpStream), Failure> {
    let view = complete_view(shared)
        .await
        .ok_or_else(|| Failure::Other("the node has not yet read Services and policies".into()))?;
    let (name, endpoints) = meant(shared, caller, &view, address)?;
    let mut last = format!("{name} has no ready endpoint");
    for endpoint in endpoints.into_iter().take(ATTEMPTS) {
        let Some(target) = shared.pod_at(endpoint.ip()) else {
            last = format!("{name}: no pod of this node has the address {}", endpoint.ip());
            continue;
        };
        if let Err(denied) = judged(&view, caller, &target, endpoint.port()) {
            return Err(Failure::Policy { target, endpoint, denied });
        }
        let connected = tokio::time::timeout(CONNECT, target.connect(shared, caller.address, endpoint)).await;
        match connected
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .and_then(|it| TcpStream::from_std(it.into()))
        {
            Ok(server) => return Ok((target, endpoint, server)),
            Err(why) => last = format!("{name}: {}/{} at {endpoint}: {why}", target.namespace, target.name),
        }
    }
    Err(Failure::Other(last))
}

/// What is called by an address, and where it is tried.
fn meant(
    shared: &Shared,
    caller: &Attached,
    view: &View,
    address: SocketAddr,
) -> Result<(String, Vec<SocketAddr>), Failure> {
    if let Some((service, port)) = view.service_at(address) {
        let name = format!("Service {}/{} port {}", service.namespace, service.name, port.port);
        return Ok((name, in_turn(shared, caller, service, port)));
    }
    if view.is_of_pod(address.ip()) {
        return Ok((format!("pod address {address}"), vec![address]));
    }
    Err(Failure::Other("no Service has this address and port, and no pod has this address".into()))
}

/// The endpoints in the order in which they are tried: from a random one on, or from the caller's own.
fn in_turn(shared: &Shared, caller: &Attached, service: &ServiceView, port: &PortView) -> Vec<SocketAddr> {
    let mut endpoints = port.usable();
    let mut start = [0; 8];
    if service.sticky {
        // FNV-1a: the same caller always begins at the same endpoint.
        let hash = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        start = caller.uid.bytes().fold(0xcbf2_9ce4_8422_2325, hash).to_le_bytes();
    } else {
        shared.settings.world.entropy.fill(&mut start);
    }
    if let Ok(count @ 1..) = u64::try_from(endpoints.len()) {
        let start = usize::try_from(u64::from_le_bytes(start) % count).unwrap_or_default();
        endpoints.rotate_left(start);
    }
    endpoints
}

fn judged(view: &View, caller: &Attached, target: &Attached, port: u16) -> Result<(), Denied> {
    judge(&view.policies, &view.namespaces, &caller.party(view), &target.party(view), port)
}

/// Carries a connection until it ends, a pod goes, or it is withdrawn.
async fn carry(
    shared: &Shared,
    caller: &Attached,
    target: &Attached,
    (address, endpoint): (SocketAddr, SocketAddr),
    client: TcpStream,
    server: TcpStream,
) {
    let until = async {
        tokio::select! {
            why = withdrawn(shared, caller, target, address, endpoint) => {
                shared.counters.withdrawn.fetch_add(1, Ordering::Relaxed);
                why
            }
            () = target.gone.cancelled() => "the target pod ended".to_owned(),
        }
    };
    let ended = pipe(shared, caller, client, server, until).await;
    tracing::debug!(
        pod.namespace = caller.namespace, pod.name = caller.name, %address, %endpoint,
        target.namespace = target.namespace, target.name = target.name, sent = ended.sent, received = ended.received,
        duration_ms = ended.duration_ms, broken_off = ended.broken_off,
        "connection ended"
    );
}

/// Returns, with the reason, once the connection would not be made any more. An endpoint that is only no longer ready
/// keeps its connections, as in Kubernetes; one that is gone from its Service does not.
async fn withdrawn(
    shared: &Shared,
    caller: &Attached,
    target: &Attached,
    address: SocketAddr,
    endpoint: SocketAddr,
) -> String {
    let mut news = shared.view.subscribe();
    loop {
        let view = news.borrow_and_update().clone();
        // What a pod was called by its own address for lasts as long as the pod.
        if address != endpoint {
            let Some((_, port)) = view.service_at(address) else { return "its Service is gone".into() };
            if !port.endpoints.iter().any(|it| it.address == endpoint) {
                return "its endpoint left the Service".into();
            }
        }
        if let Err(denied) = judged(&view, caller, target, endpoint.port()) {
            Denial { caller, target, address, endpoint, denied: &denied, was_open: true }.tell(shared);
            return format!("closed by NetworkPolicy {}", denied.policies.join(", "));
        }
        if news.changed().await.is_err() {
            return "the network stops".into();
        }
    }
}
