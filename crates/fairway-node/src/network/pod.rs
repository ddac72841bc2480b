//! One pod that is tied in: who it is, and the sockets that stand in its namespace for it.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fairway_outside::Destinations;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::carry::{Behind, accept};
use super::egress::{ANNOTATION, MAX_HOSTS, Names, Permit, WATCHED};
use super::leaving::Door;
use super::policy::Party;
use super::refusals::Refusal;
use super::view::{Labels, View};
use super::{Shared, names_of, resolver};
use crate::sockets::{PodSockets, Transport};

/// Sockets that a pod's namespace holds at most for Services, and as many again for other pods and for hosts outside.
const MAX_SOCKETS: usize = 4 * MAX_HOSTS;
/// How long the pod's init may take to make a socket.
const MAKE_SOCKET: Duration = Duration::from_secs(5);
/// Connections that a pod may have open at a time.
const MAX_CONNECTIONS: usize = 1024;

/// A pod and its sockets.
pub(super) struct Attached {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) address: IpAddr,
    pub(super) sockets: Arc<dyn PodSockets>,
    pub(super) room: Arc<Semaphore>,
    pub(super) door: Door,
    /// Ends everything that belongs to the pod.
    pub(super) gone: CancellationToken,
    /// As the pod was when it was tied in; the API may know newer ones.
    labels: Labels,
    narrowed: Option<Destinations>,
    named_ports: Vec<(String, u16)>,
    /// The hosts outside that it has asked for.
    names: Mutex<Names>,
    /// What stands.
    standing: tokio::sync::Mutex<HashMap<SocketAddr, Standing>>,
    /// What of its permission could not be read, as it was told last.
    unreadable: Mutex<Vec<String>>,
}

/// A socket in the pod.
struct Standing {
    behind: Behind,
    /// Takes it away.
    gone: CancellationToken,
}

impl Attached {
    pub(super) fn new(pod: &Pod, address: IpAddr, sockets: Arc<dyn PodSockets>, gone: CancellationToken) -> Self {
        let (namespace, name, uid) = names_of(pod);
        let spec = pod.spec.as_ref();
        let restartable = spec.and_then(|it| it.init_containers.as_deref()).unwrap_or_default();
        let containers = spec.map(|it| it.containers.as_slice()).unwrap_or_default().iter().chain(restartable);
        let ports = containers.flat_map(|it| it.ports.iter().flatten());
        let tcp = ports.filter(|it| it.protocol.as_deref().unwrap_or("TCP") == "TCP");
        let named = tcp.filter_map(|it| Some((it.name.clone()?, u16::try_from(it.container_port).ok()?)));
        Self {
            namespace,
            name,
            uid,
            address,
            sockets,
            room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            door: Door::default(),
            gone,
            labels: pod.labels().clone(),
            narrowed: pod.annotations().get(ANNOTATION).map(|it| Destinations::parse(it)),
            named_ports: named.collect(),
            names: Mutex::default(),
            standing: tokio::sync::Mutex::default(),
            unreadable: Mutex::default(),
        }
    }

    /// Stands the resolver and the sockets of its own namespace's Services, and keeps them right.
    pub(super) async fn start(self: &Arc<Self>, shared: &Arc<Shared>) -> io::Result<()> {
        resolver::stand(shared, self).await?;
        self.follow(shared, &shared.now_view()).await;
        let (pod, of) = (self.clone(), shared.clone());
        self.spawn(shared, async move {
            let mut news = of.view.subscribe();
            loop {
                let view = news.borrow_and_update().clone();
                pod.follow(&of, &view).await;
                if news.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Runs until the pod is gone.
    pub(super) fn spawn(&self, shared: &Shared, task: impl Future<Output = ()> + Send + 'static) {
        let gone = self.gone.clone();
        shared.tasks.spawn(async move { gone.run_until_cancelled(task).await.unwrap_or_default() });
    }

    /// Namespace and name.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// As much of the pod as an Event needs.
    pub(super) fn reference(&self) -> Pod {
        let metadata = ObjectMeta {
            namespace: Some(self.namespace.clone()),
            name: Some(self.name.clone()),
            uid: Some(self.uid.clone()),
            ..ObjectMeta::default()
        };
        Pod { metadata, ..Pod::default() }
    }

    /// Ends everything that belongs to the pod.
    pub(super) fn detach(&self) {
        self.gone.cancel();
    }

    /// The pod as policies see it.
    pub(super) fn party<'a>(&'a self, view: &'a View) -> Party<'a> {
        Party {
            address: self.address,
            namespace: &self.namespace,
            labels: view.pod(&self.uid).map_or(&self.labels, |it| &it.labels),
            named_ports: &self.named_ports,
        }
    }

    /// What the pod may reach outside.
    pub(super) fn permit<'a>(&'a self, view: &'a View) -> Permit<'a> {
        Permit {
            namespace: &self.namespace,
            of_namespace: view.destinations.get(&self.namespace).map(AsRef::as_ref),
            of_pod: view.pod(&self.uid).map_or(self.narrowed.as_ref(), |it| it.narrowed.as_deref()),
        }
    }

    /// The hosts outside that it knows.
    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes away sockets whose Service is gone or whose host may not be reached any more; stands those of the Services of its
    /// own namespace, and of ports that were allowed since.
    async fn follow(self: &Arc<Self>, shared: &Arc<Shared>, view: &View) {
        let permit = self.permit(view);
        let may = |host: &str| !permit.ports(host).is_empty();
        self.standing.lock().await.retain(|address, it| {
            let stays = match &it.behind {
                Behind::Service => view.service_at(*address).is_some(),
                Behind::Pod => view.is_of_pod(address.ip()),
                Behind::Outside(host) => may(host),
            };
            if !stays {
                it.gone.cancel();
            }
            stays
        });
        self.names().retain(may);
        let from = (self.namespace.clone(), String::new());
        let own = view.services.range(from..).take_while(|((namespace, _), _)| *namespace == self.namespace);
        for (_, service) in own {
            self.stand(shared, &service.addresses(), &Behind::Service).await;
        }
        let known = self.names().all();
        for (host, address) in known {
            let ports: Vec<u16> = permit.ports(&host).into_iter().collect();
            self.stand_outside(shared, &host, address, &ports).await;
        }
        self.tell_unreadable(shared, permit.unreadable());
    }

    /// What cannot be read allows nothing, which whoever wrote it should know.
    fn tell_unreadable(&self, shared: &Shared, unreadable: Vec<String>) {
        let mut told = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        for message in unreadable.iter().filter(|it| !told.contains(it)) {
            shared.refuse(self, Refusal { reason: "InvalidEgress", message: message.clone() });
        }
        *told = unreadable;
    }

    /// Makes sure that these addresses of the cluster can be called from within the pod. Its own is its own.
    pub(super) async fn stand(self: &Arc<Self>, shared: &Arc<Shared>, addresses: &[SocketAddr], behind: &Behind) {
        for address in addresses.iter().filter(|it| it.ip() != self.address) {
            self.stand_one(shared, *address, behind.clone()).await;
        }
    }

    /// Makes sure that a host outside can be called at these ports, and that calls of the usual others are seen.
    pub(super) async fn stand_outside(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        host: &Arc<str>,
        address: Ipv4Addr,
        ports: &[u16],
    ) {
        for port in ports.iter().chain(WATCHED.iter().filter(|it| !ports.contains(it))) {
            self.stand_one(shared, (address, *port).into(), Behind::Outside(host.clone())).await;
        }
    }

    async fn stand_one(self: &Arc<Self>, shared: &Arc<Shared>, address: SocketAddr, behind: Behind) {
        let mut standing = self.standing.lock().await;
        if standing.contains_key(&address) || self.gone.is_cancelled() {
            return;
        }
        let same_kind = |it: &&Standing| std::mem::discriminant(&it.behind) == std::mem::discriminant(&behind);
        if standing.values().filter(same_kind).count() >= MAX_SOCKETS {
            shared.complain(format!("{} sockets", self.uid), || {
                tracing::warn!(
                    pod.namespace = self.namespace,
                    pod.name = self.name,
                    "the pod calls more than {MAX_SOCKETS} different ports: {address} is not reachable"
                );
            });
            return;
        }
        match self.listen(address).await {
            Ok(listener) => {
                let gone = self.gone.child_token();
                standing.insert(address, Standing { behind: behind.clone(), gone: gone.clone() });
                let accepting = accept(shared.clone(), self.clone(), address, behind, listener);
                shared.tasks.spawn(async move { gone.run_until_cancelled(accepting).await.unwrap_or_default() });
            }
            Err(why) => {
                shared.complain(format!("{} {address}", self.uid), || {
                    tracing::warn!(
                        pod.namespace = self.namespace, pod.name = self.name, %address, error = %why,
                        "no socket in the pod for what it calls"
                    );
                });
            }
        }
    }

    async fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::from_std(self.socket(address, Transport::Tcp).await?.into())
    }

    /// A socket in the pod's namespace. A pod that is frozen must not hold up whoever asks.
    pub(super) async fn socket(&self, address: SocketAddr, transport: Transport) -> io::Result<OwnedFd> {
        let made = tokio::time::timeout(MAKE_SOCKET, self.sockets.listen(address, transport)).await;
        made.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the pod's init does not answer")))
    }
}
