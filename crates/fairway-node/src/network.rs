//! The network of pods, without a bridge, a firewall or a privilege: every byte between pods crosses the node.
//!
//! A pod's namespace has a loopback that takes the whole Service and Pod ranges as its own. The node stands sockets on the
//! addresses that the pod may call and carries what arrives there to the pod meant, with the caller's own address as source
//! (never 127.0.0.1, which programs trust). So the node knows who calls whom, and NetworkPolicy is judged per connection.
//!
//! What works: names of Services and of pods behind headless ones (UDP and TCP, [`mod@resolver`]), TCP to a Service's ClusterIP
//! and port or to such a pod's own address ([`mod@service`]), the node's own probes and gateway ([`PodNetwork::dial`]). Sockets
//! for the Services of the pod's own namespace stand from the start, so that addresses from environment variables work too;
//! those of other namespaces, and of pods, come with the first look-up of the name. What does not: a connection to a pod's
//! address whose name nobody asked for (which of all to stand a socket on?), UDP other than DNS, SCTP. Hosts outside are
//! reached by name, those that a namespace lists ([`mod@egress`]).
//!
//! Traffic from the node is not judged, as in Kubernetes: probes and the gateway reach every pod of their node. The resolver is
//! part of the node too, so a policy that denies all egress leaves names readable.

mod carry;
mod denial;
mod egress;
mod leaving;
mod pod;
mod policy;
mod refusals;
mod resolver;
mod service;
mod view;
mod watch;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use fairway_clock::World;
use fairway_controller::Events;
use fairway_outside::Outside;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::sockets::PodSockets;
use pod::Attached;
use refusals::{Refusal, Refusals};
use view::View;

pub use egress::{ANNOTATION as EGRESS_ANNOTATION, SYNTHETIC};

/// The domain under which Services have their names.
pub const CLUSTER_DOMAIN: &str = "cluster.local";
/// How often the same refusal is written to the log.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// What the network is made of.
#[derive(Clone)]
pub struct NetworkSettings {
    /// Where pods find their resolver.
    pub resolver: SocketAddr,
    /// Where the node's own connections come from.
    pub node_address: IpAddr,
    /// The way to hosts outside.
    pub outside: Outside,
    /// What people are told to do about a host that their pods may not reach; without it, how to annotate the namespace.
    pub egress_advice: Option<Arc<str>>,
    /// Time and randomness.
    pub world: World,
}

impl NetworkSettings {
    /// The usual addresses: resolver 10.96.0.10:53, node 10.244.0.1.
    pub fn usual(world: World) -> Self {
        let resolver = SocketAddr::from((Ipv4Addr::new(10, 96, 0, 10), 53));
        let node_address = Ipv4Addr::new(10, 244, 0, 1).into();
        Self { resolver, node_address, outside: Outside::direct(), egress_advice: None, world }
    }

    /// What `/etc/resolv.conf` of a pod says.
    pub fn resolv_conf(&self, namespace: &str) -> String {
        let domain = CLUSTER_DOMAIN;
        let server = self.resolver.ip();
        format!("search {namespace}.svc.{domain} svc.{domain} {domain}\nnameserver {server}\noptions ndots:5\n")
    }
}

/// What has passed through since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkMetrics {
    /// Connections carried, ended or not.
    pub carried: u64,
    /// Of these, the ones that are open.
    pub open: u64,
    /// Connections that a NetworkPolicy did not allow.
    pub denied: u64,
    /// Connections that found no endpoint, or none that answered.
    pub failed: u64,
    /// Connections that were closed because a policy, an endpoint or a Service was withdrawn.
    pub withdrawn: u64,
    /// Questions answered by the resolver.
    pub questions: u64,
    /// Of the connections carried, those to hosts outside.
    pub outside: u64,
    /// Names not answered and connections refused because a host outside is not allowed, or not outside at all.
    pub outside_denied: u64,
    /// Names and connections that failed although they are allowed.
    pub outside_failed: u64,
}

#[derive(Default)]
struct Counters {
    carried: AtomicU64,
    open: AtomicU64,
    denied: AtomicU64,
    failed: AtomicU64,
    withdrawn: AtomicU64,
    questions: AtomicU64,
    outside: AtomicU64,
    outside_denied: AtomicU64,
    outside_failed: AtomicU64,
}

/// What all parts of the network share.
struct Shared {
    settings: NetworkSettings,
    view: tokio::sync::watch::Sender<Arc<View>>,
    pods: RwLock<HashMap<IpAddr, Arc<Attached>>>,
    counters: Counters,
    complaints: Mutex<HashMap<String, Duration>>,
    refusals: Refusals,
    tasks: TaskTracker,
    stopped: CancellationToken,
}

/// The network of one node's pods. Clones are the same network; it stops with the last of them.
#[derive(Clone)]
pub struct PodNetwork {
    shared: Arc<Shared>,
    _until: Arc<DropGuard>,
}

impl PodNetwork {
    /// A network that follows Services, EndpointSlices, NetworkPolicies, Namespaces and Pods. Connections wait until all of
    /// these have been read once. What it refuses to a pod is an Event on that pod.
    pub fn start(client: kube::Client, settings: NetworkSettings) -> Self {
        let network = Self::unwatched(settings);
        let events = Events::new(client.clone(), "pod-network", network.settings().world.clone());
        let shared = network.shared.clone();
        network.shared.spawn(async move { refusals::tell(&shared, &events).await });
        let shared = network.shared.clone();
        network.shared.spawn(async move { watch::run(client, &shared.view).await });
        network
    }

    /// A network that is told what to believe.
    fn unwatched(settings: NetworkSettings) -> Self {
        let stopped = CancellationToken::new();
        let shared = Shared {
            settings,
            view: tokio::sync::watch::Sender::new(Arc::default()),
            pods: RwLock::default(),
            counters: Counters::default(),
            complaints: Mutex::default(),
            refusals: Refusals::default(),
            tasks: TaskTracker::new(),
            stopped: stopped.clone(),
        };
        Self { shared: Arc::new(shared), _until: Arc::new(stopped.drop_guard()) }
    }

    /// The settings it was started with.
    pub fn settings(&self) -> &NetworkSettings {
        &self.shared.settings
    }

    /// Ties a pod in: its resolver and the Services of its namespace stand when this returns, so await it before the pod's
    /// containers start. A pod that was there before (same address) is replaced.
    pub async fn add_pod(&self, pod: &Pod, address: IpAddr, sockets: Arc<dyn PodSockets>) -> io::Result<()> {
        let attached = Arc::new(Attached::new(pod, address, sockets, self.shared.stopped.child_token()));
        attached.start(&self.shared).await?;
        let before = self.shared.lock_pods().insert(address, attached);
        if let Some(before) = before {
            before.detach();
        }
        Ok(())
    }

    /// Cuts a pod off: its sockets and all its connections close.
    pub fn remove_pod(&self, uid: &str) {
        self.shared.lock_pods().retain(|_, it| {
            let stays = it.uid != uid;
            if !stays {
                it.detach();
            }
            stays
        });
    }

    /// A connection from the node itself to a pod: for probes and the gateway. It is not judged by policies.
    pub async fn dial(&self, target: SocketAddr) -> io::Result<TcpStream> {
        let pod = self.shared.pod_at(target.ip()).ok_or_else(|| no_such_pod(target.ip()))?;
        let socket = pod.connect(&self.shared, self.shared.settings.node_address, target).await?;
        TcpStream::from_std(socket.into())
    }

    /// What has passed through so far.
    pub fn metrics(&self) -> NetworkMetrics {
        let it = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NetworkMetrics {
            carried: read(&it.carried),
            open: read(&it.open),
            denied: read(&it.denied),
            failed: read(&it.failed),
            withdrawn: read(&it.withdrawn),
            questions: read(&it.questions),
            outside: read(&it.outside),
            outside_denied: read(&it.outside_denied),
            outside_failed: read(&it.outside_failed),
        }
    }

    /// Cuts every pod off and waits until nothing runs.
    pub async fn stop(&self) {
        self.shared.stopped.cancel();
        self.shared.lock_pods().clear();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    /// Runs until the network stops.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stopped = self.stopped.clone();
        self.tasks.spawn(async move { stopped.run_until_cancelled(task).await.unwrap_or_default() });
    }

    fn lock_pods(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<IpAddr, Arc<Attached>>> {
        self.pods.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pod_at(&self, address: IpAddr) -> Option<Arc<Attached>> {
        self.pods.read().unwrap_or_else(PoisonError::into_inner).get(&address).cloned()
    }

    fn now_view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// Tells a pod's people what was refused to it.
    fn refuse(&self, pod: &Attached, refusal: Refusal) {
        self.refusals.note(&pod.reference(), refusal, self.settings.world.clock.monotonic());
    }

    /// Says something once in a while: a program that tries for ever must not fill the log.
    fn complain(&self, about: String, say: impl FnOnce()) {
        let now = self.settings.world.clock.monotonic();
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        complaints.retain(|_, at| now.saturating_sub(*at) < COMPLAIN_EVERY);
        if complaints.insert(about.clone(), now).is_none() {
            say();
        }
    }
}

fn no_such_pod(address: IpAddr) -> io::Error {
    io::Error::new(io::ErrorKind::AddrNotAvailable, format!("no pod of this node has the address {address}"))
}

/// Whether this is how the pod names itself in the API.
fn names_of(pod: &Pod) -> (String, String, String) {
    (pod.namespace().unwrap_or_default(), pod.name_any(), pod.uid().unwrap_or_default())
}

#[cfg(test)]
mod tests;
