//! The end of a pod as the network sees it: whatever is new goes elsewhere, what is on its way arrives and is answered, and
//! only then is the pod told to stop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::pod::Attached;
use super::view::{State, View};
use super::{PodNetwork, Shared};

/// How long the Services of a pod may take to withdraw it. Nobody may be there who does.
const WITHDRAWN: Duration = Duration::from_secs(1);
/// How long what is on its way may take. Connections that are never idle end with their pod.
const QUIET: Duration = Duration::from_secs(2);
/// The kernel does not tell when a connection of somebody else ends.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Who comes to a pod, and whether it is leaving.
#[derive(Default)]
pub(super) struct Door {
    leaving: AtomicBool,
    arriving: AtomicUsize,
}

impl Attached {
    /// A connection to this pod. While it leaves there is none as long as its Service has somebody else.
    pub(super) async fn connect(&self, shared: &Shared, source: IpAddr, target: SocketAddr) -> io::Result<OwnedFd> {
        // Counted before the look: either it is seen here that the pod leaves, or there that somebody comes.
        let _arriving = Arriving::new(&self.door);
        if self.door.leaving.load(Ordering::SeqCst) && shared.now_view().has_another(target) {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "the pod is leaving"));
        }
        self.sockets.connect(source, target).await
    }

    async fn quiet(&self) {
        while self.door.arriving.load(Ordering::SeqCst) > 0 || self.sockets.connections(self.address) > 0 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

struct Arriving<'a>(&'a Door);

impl<'a> Arriving<'a> {
    fn new(door: &'a Door) -> Self {
        door.arriving.fetch_add(1, Ordering::SeqCst);
        Self(door)
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.0.arriving.fetch_sub(1, Ordering::SeqCst);
    }
}

impl PodNetwork {
    /// Comes back when nothing new is sent to a pod that is being deleted and what was on its way to it is done; within a
    /// few seconds in any case.
    pub(crate) async fn withdraw(&self, uid: &str) {
        let found = self.shared.pods_now().into_iter().find(|it| it.uid == uid);
        let Some(pod) = found else { return };
        let mut news = self.shared.view.subscribe();
        let withdrawn = async { news.wait_for(|view| !view.sends_to(pod.address)).await.is_ok() };
        let _nobody_does = tokio::time::timeout(WITHDRAWN, withdrawn).await;
        pod.door.leaving.store(true, Ordering::SeqCst);
        let _never_idle = tokio::time::timeout(QUIET, pod.quiet()).await;
    }
}

impl Shared {
    fn pods_now(&self) -> Vec<Arc<Attached>> {
        self.pods.read().unwrap_or_else(std::sync::PoisonError::into_inner).values().cloned().collect()
    }
}

impl View {
    /// Whether some Service sends new connections to this address because it is ready.
    fn sends_to(&self, address: IpAddr) -> bool {
        let endpoints = self.services.values().flat_map(|it| &it.ports).flat_map(|it| &it.endpoints);
        endpoints.into_iter().any(|it| it.address.ip() == address && it.state == State::Ready)
    }

    /// Whether the Services of this endpoint send new connections to others only.
    fn has_another(&self, endpoint: SocketAddr) -> bool {
        let mut of_it = self.services.values().flat_map(|it| &it.ports);
        of_it.any(|port| {
            let usable = port.usable();
            port.endpoints.iter().any(|it| it.address == endpoint) && !usable.is_empty() && !usable.contains(&endpoint)
        })
    }
}
