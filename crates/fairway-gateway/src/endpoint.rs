//! One endpoint of a backend: its address, the requests that are on their way to it, the connections kept for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;

use crate::proxy::RequestBody;

/// Connections kept per endpoint.
const IDLE_CONNECTIONS: usize = 64;
/// How long a connection is kept unused. Shorter than the 5 s after which the most impatient servers (Node.js) close.
const IDLE_TIME: Duration = Duration::from_secs(4);
/// How long an endpoint that refused a connection is avoided while others are there.
const SUSPECT_TIME: Duration = Duration::from_secs(2);

/// What makes an endpoint the same one after a change: a pod that got a dead pod's address is another endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EndpointKey {
    pub(crate) address: SocketAddr,
    /// UID of the pod, when the slice names one.
    pub(crate) target: Option<String>,
}

/// An endpoint in use.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) key: EndpointKey,
    in_flight: AtomicUsize,
    idle: Mutex<Vec<Idle>>,
    retired: AtomicBool,
    /// Monotonic milliseconds until which others are preferred.
    suspect_until: AtomicU64,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<RequestBody>,
    since: Duration,
}

impl Endpoint {
    pub(crate) fn new(key: EndpointKey) -> Self {
        Self {
            key,
            in_flight: AtomicUsize::new(0),
            idle: Mutex::new(Vec::new()),
            retired: AtomicBool::new(false),
            suspect_until: AtomicU64::new(0),
        }
    }

    /// Counts a request as on its way until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight { endpoint: self.clone() }
    }

    /// Requests on their way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A kept connection that can take a request now.
    pub(crate) fn take(&self, now: Duration) -> Option<SendRequest<RequestBody>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|it| !it.sender.is_closed() && now.saturating_sub(it.since) < IDLE_TIME);
        let found = idle.iter().rposition(|it| it.sender.is_ready())?;
        Some(idle.swap_remove(found).sender)
    }

    /// Keeps a connection whose answer was read to its end; on a retired endpoint this closes it.
    pub(crate) fn give_back(&self, sender: SendRequest<RequestBody>, now: Duration) {
        if sender.is_closed() || self.retired.load(Ordering::Acquire) {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(Idle { sender, since: now });
        }
        drop(idle);
        if self.retired.load(Ordering::Acquire) {
            self.close_idle();
        }
    }

    /// The endpoint takes no new requests: kept connections close now, busy ones after their answer.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.close_idle();
    }

    /// The endpoint is wanted again (its pod became ready once more).
    pub(crate) fn revive(&self) {
        self.retired.store(false, Ordering::Release);
    }

    fn close_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Remembers that it could not be reached.
    pub(crate) fn suspect(&self, now: Duration) {
        self.suspect_until.store(millis(now + SUSPECT_TIME), Ordering::Relaxed);
    }

    /// Whether it could not be reached a moment ago.
    pub(crate) fn is_suspect(&self, now: Duration) -> bool {
        self.suspect_until.load(Ordering::Relaxed) > millis(now)
    }

    #[cfg(test)]
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

/// A request on its way to an endpoint.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) endpoint: Arc<Endpoint>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
