//! One pod that is tied in: who it is, and the sockets that stand in its namespace for it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::policy::Party;
use super::view::{Labels, ServiceView, View};
use super::{Shared, names_of, resolver, service};
use crate::sockets::{PodSockets, Transport};

/// Sockets that a pod's namespace holds for Services at most.
const MAX_SOCKETS: usize = 512;
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
    /// Ends everything that belongs to the pod.
    pub(super) gone: CancellationToken,
    /// As the pod was when it was tied in; the API may know newer ones.
    labels: Labels,
    named_ports: Vec<(String, u16)>,
    /// What stands, and how to take it away.
    standing: tokio::sync::Mutex<HashMap<SocketAddr, CancellationToken>>,
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
            gone,
            labels: pod.labels().clone(),
            named_ports: named.collect(),
            standing: tokio::sync::Mutex::default(),
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
            labels: view.labels_of(&self.uid).unwrap_or(&self.labels),
            named_ports: &self.named_ports,
        }
    }

    /// Takes away sockets whose Service is gone and stands those of its own namespace.
    async fn follow(self: &Arc<Self>, shared: &Arc<Shared>, view: &View) {
        self.standing.lock().await.retain(|address, socket| {
            let stays = view.service_at(*address).is_some();
            if !stays {
                socket.cancel();
            }
            stays
        });
        let from = (self.namespace.clone(), String::new());
        let own = view.services.range(from..).take_while(|((namespace, _), _)| *namespace == self.namespace);
        for (_, service) in own {
            self.stand(shared, service).await;
        }
    }

    /// Makes sure that a Service can be called from within the pod.
    pub(super) async fn stand(self: &Arc<Self>, shared: &Arc<Shared>, service: &ServiceView) {
        let mut standing = self.standing.lock().await;
        for address in service.addresses() {
            if standing.contains_key(&address) || self.gone.is_cancelled() {
                continue;
            }
            if standing.len() >= MAX_SOCKETS {
                shared.complain(format!("{} sockets", self.uid), || {
                    tracing::warn!(
                        pod.namespace = self.namespace,
                        pod.name = self.name,
                        "the pod calls more than {MAX_SOCKETS} Service ports: {address} is not reachable"
                    );
                });
                return;
            }
            match self.listen(address).await {
                Ok(listener) => {
                    let taken_away = self.gone.child_token();
                    standing.insert(address, taken_away.clone());
                    let accepting = service::accept(shared.clone(), self.clone(), address, listener);
                    shared
                        .tasks
                        .spawn(async move { taken_away.run_until_cancelled(accepting).await.unwrap_or_default() });
                }
                Err(why) => {
                    shared.complain(format!("{} {address}", self.uid), || {
                        tracing::warn!(
                            pod.namespace = self.namespace, pod.name = self.name, %address, error = %why,
                            "no socket for a Service in the pod"
                        );
                    });
                }
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
