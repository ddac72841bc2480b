//! Hosts outside, for pods that may reach them: each a synthetic address in the pod, whose sockets the node carries to the
//! real host, which the pod never gets near.
//!
//! What a pod may reach is said by annotation [`ANNOTATION`] of its namespace (`host:port`, separated by commas; `*.` before
//! a name stands for every name below it). The same annotation of the pod can only narrow it. A name that may be reached is
//! answered by the pod's resolver, its sockets stand before the answer leaves; every other name does not exist for the pod,
//! and an Event says so. Which address is dialled in the end is decided by [`fairway_outside`], so that no name leads to this
//! machine or its network; an egress NetworkPolicy of the pod is asked about that address too.

mod names;
mod permit;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use fairway_outside::EGRESS_ANNOTATION as ANNOTATION;
use fairway_outside::{ReachOutside, Route, host_name};
use tokio::net::TcpStream;

use super::Shared;
use super::carry::{complete_view, pipe, reset};
use super::pod::Attached;
use super::policy::{Denied, Party, judge};
use super::refusals::Refusal;
use super::resolver::{A, ANY, Found, Query, Rcode, Record, Reply};
use super::view::{Labels, View};
use crate::pods::chain;

pub use names::SYNTHETIC;
pub(super) use names::{MAX_HOSTS, Names};
pub(super) use permit::Permit;

/// Ports on which a host is watched that may be reached on others: a mistake there gets its Event.
pub(super) const WATCHED: [u16; 3] = [22, 80, 443];
/// Names that are asked for by machines rather than meant, and names of other resolvers.
const NOT_OUTSIDE: [&str; 6] = ["arpa", "local", "localhost", "internal", "svc", "invalid"];
/// Reasons of Events.
const DENIED: &str = "EgressDenied";
const FAILED: &str = "EgressFailed";

/// Why a connection is reset.
enum Failure {
    NotAllowed,
    Policy(Denied),
    Unreachable(ReachOutside),
    Other(&'static str),
}

/// The answer to a question for a name that may be outside. Nothing: it is not for us to answer.
pub(super) async fn asked(
    shared: &Arc<Shared>,
    pod: &Arc<Attached>,
    view: &View,
    query: &Query,
    found: &Found,
) -> Option<Reply> {
    // Names of the cluster and addresses in disguise are no host names.
    let host = host_name(&query.name.join(".")).ok()?;
    let permit = pod.permit(view);
    let ports = permit.ports(&host);
    let is_nothing = matches!(found, Found::Nothing);
    if ports.is_empty() {
        if is_nothing && query.kind == A && means_outside(&query.name, view) {
            let advice = shared.settings.egress_advice.as_deref();
            let message = format!("{host} is not answered: {}", permit.why_not(&host, None, advice));
            shared.counters.outside_denied.fetch_add(1, Ordering::Relaxed);
            shared.refuse(pod, Refusal { reason: DENIED, message });
        }
        return None;
    }
    // A Service of the pod's own namespace is meant by a single word; nobody else's comes before a host that is allowed.
    if !is_nothing && !host.contains('.') {
        return None;
    }
    if !matches!(query.kind, A | ANY) {
        return Some(Reply::of(Vec::new()));
    }
    Some(answer(shared, pod, &host, ports.into_iter().collect()).await)
}

/// Whether somebody may mean a host outside by it, rather than a name of the cluster that is not there.
fn means_outside(name: &[String], view: &View) -> bool {
    let Some(last) = name.last() else { return false };
    let in_namespace = name.len() == 2 && view.namespaces.contains_key(last);
    name.len() >= 2 && !NOT_OUTSIDE.contains(&last.as_str()) && !in_namespace
}

/// The address of a host that may be reached, once its sockets stand.
async fn answer(shared: &Arc<Shared>, pod: &Arc<Attached>, host: &str, ports: Vec<u16>) -> Reply {
    let failed = |rcode, failure: &Failure| {
        tell(shared, pod, (host, None), failure);
        Reply::failure(rcode)
    };
    // A name that leads nowhere is better told now than as a connection that breaks off.
    match shared.settings.outside.route(host, ports.first().copied().unwrap_or_default()).await {
        Ok(_) => {}
        Err(why @ ReachOutside::Inside { .. }) => return failed(Rcode::Refused, &Failure::Unreachable(why)),
        Err(why) => return failed(Rcode::ServerFailure, &Failure::Unreachable(why)),
    }
    let Some((host, address)) = pod.names().take(host) else {
        return failed(Rcode::Refused, &Failure::Other("the pod has asked for too many different hosts"));
    };
    pod.stand_outside(shared, &host, address, &ports).await;
    Reply::of(vec![Record::Address(address.into())])
}

/// Carries a connection that arrived at a host's synthetic address.
pub(super) async fn connect_and_carry(
    shared: &Shared,
    caller: &Attached,
    host: &Arc<str>,
    address: SocketAddr,
    client: TcpStream,
) {
    let port = address.port();
    let connected = caller.gone.run_until_cancelled(connect(shared, caller, host, port)).await;
    match connected.unwrap_or(Err(Failure::Other("the calling pod ended"))) {
        Ok((dialled, server)) => {
            let until = async {
                let why = withdrawn(shared, caller, host, port, dialled).await;
                shared.counters.withdrawn.fetch_add(1, Ordering::Relaxed);
                why
            };
            shared.counters.outside.fetch_add(1, Ordering::Relaxed);
            let ended = pipe(shared, caller, client, server, until).await;
            tracing::debug!(
                pod.namespace = caller.namespace, pod.name = caller.name, host = host.as_ref(), port, %dialled,
                sent = ended.sent, received = ended.received, duration_ms = ended.duration_ms,
                broken_off = ended.broken_off, "connection outside ended"
            );
        }
        Err(failure) => {
            reset(&client);
            tell(shared, caller, (host, Some(port)), &failure);
        }
    }
}

/// A connection to the real host, and the address it has; unspecified behind a proxy, which alone knows.
async fn connect(shared: &Shared, caller: &Attached, host: &str, port: u16) -> Result<(IpAddr, TcpStream), Failure> {
    let view = complete_view(shared).await.ok_or(Failure::Other("the node has not yet read the policies"))?;
    if !caller.permit(&view).has(host, port) {
        return Err(Failure::NotAllowed);
    }
    let mut route = shared.settings.outside.route(host, port).await.map_err(Failure::Unreachable)?;
    let mut denied = None;
    let mut may = |address| judged(&view, caller, address, port).map_err(|it| denied = Some(it)).is_ok();
    let none_left = match &mut route {
        Route::Direct(targets) => {
            targets.retain(|it| may(it.ip()));
            targets.is_empty()
        }
        Route::Proxy { .. } => !may(Ipv4Addr::UNSPECIFIED.into()),
    };
    if let Some(denied) = denied.filter(|_| none_left) {
        return Err(Failure::Policy(denied));
    }
    let server = shared.settings.outside.connect_by(&route).await.map_err(Failure::Unreachable)?;
    let dialled = match route {
        Route::Direct(_) => server.peer_addr().map_err(|_| Failure::Other("it closed the connection"))?.ip(),
        Route::Proxy { .. } => Ipv4Addr::UNSPECIFIED.into(),
    };
    Ok((dialled, server))
}

/// An egress NetworkPolicy lets pods out by rules for everybody and by blocks of addresses.
fn judged(view: &View, caller: &Attached, address: IpAddr, port: u16) -> Result<(), Denied> {
    static NO_LABELS: Labels = Labels::new();
    let outside = Party { address, namespace: "", labels: &NO_LABELS, named_ports: &[] };
    judge(&view.policies, &view.namespaces, &caller.party(view), &outside, port)
}

/// Returns, with the reason, once the connection would not be made any more.
async fn withdrawn(shared: &Shared, caller: &Attached, host: &str, port: u16, dialled: IpAddr) -> String {
    let mut news = shared.view.subscribe();
    loop {
        let view = news.borrow_and_update().clone();
        let failure = if caller.permit(&view).has(host, port) {
            judged(&view, caller, dialled, port).err().map(Failure::Policy)
        } else {
            Some(Failure::NotAllowed)
        };
        if let Some(failure) = failure {
            tell(shared, caller, (host, Some(port)), &failure);
            return "it is no longer allowed".into();
        }
        if news.changed().await.is_err() {
            return "the network stops".into();
        }
    }
}

/// Says to the pod's people why a name is not answered (no port) or a connection is reset.
fn tell(shared: &Shared, pod: &Attached, (host, port): (&str, Option<u16>), failure: &Failure) {
    let view = shared.now_view();
    let what = port.map_or_else(|| format!("{host} is not answered"), |it| format!("connection to {host}:{it} closed"));
    let (reason, why) = match failure {
        Failure::NotAllowed => {
            let advice = shared.settings.egress_advice.as_deref();
            (DENIED, pod.permit(&view).why_not(host, port, advice))
        }
        Failure::Policy(denied) => {
            (DENIED, format!("no rule of NetworkPolicy {} lets the pod out to it", denied.policies.join(", ")))
        }
        Failure::Unreachable(why @ ReachOutside::Inside { .. }) => (DENIED, why.to_string()),
        Failure::Unreachable(why) => (FAILED, chain(why)),
        Failure::Other(why) => (FAILED, (*why).to_owned()),
    };
    let counter = if reason == DENIED { &shared.counters.outside_denied } else { &shared.counters.outside_failed };
    counter.fetch_add(1, Ordering::Relaxed);
    shared.complain(format!("{} {what} {reason}", pod.uid), || {
        tracing::info!(pod.namespace = pod.namespace, pod.name = pod.name, reason, why, "{what}");
    });
    shared.refuse(pod, Refusal { reason, message: format!("{what}: {why}") });
}

#[cfg(test)]
mod tests;
