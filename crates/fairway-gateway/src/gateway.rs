//! Starting and stopping the whole.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use fairway_clock::World;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backends::Backends;
use crate::dial::Dial;
use crate::metrics::{Metrics, RouteMetrics};
use crate::proxy::Proxy;
use crate::{server, status, watch};

/// Namespace and name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What a request may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request's header, or 431.
    pub header_bytes: usize,
    /// Time for a request's header to arrive; also how long a client's connection may stay unused.
    pub header_time: Duration,
    /// Connections of clients at a time; more of them wait.
    pub connections: usize,
    /// Time for a connection to an endpoint.
    pub connect: Duration,
    /// Time for an answer to begin once the request is sent, where the rule sets no timeout.
    pub answer: Duration,
    /// Time between two pieces of a request's body.
    pub body_idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 32 * 1024,
            header_time: Duration::from_secs(30),
            connections: 2048,
            connect: Duration::from_secs(3),
            answer: Duration::from_mins(1),
            body_idle: Duration::from_mins(1),
        }
    }
}

/// What a gateway is made of.
pub struct GatewaySettings {
    /// Where clients connect.
    pub listener: TcpListener,
    /// May read Gateways, HTTPRoutes, Services, EndpointSlices and Namespaces everywhere, and patch `httproutes/status`.
    pub client: kube::Client,
    /// How endpoints are reached.
    pub dial: Arc<dyn Dial>,
    /// Time and randomness.
    pub world: World,
    /// The `Gateway` object whose routes are served: those of its listeners whose protocol is HTTP, under the rules of
    /// `allowedRoutes` (absent means: routes of its own namespace only). The listeners' ports only tell references apart:
    /// all are served on [`GatewaySettings::listener`].
    pub gateway: Named,
    /// Our name in the status of routes (`example.com/gateway`).
    pub controller_name: String,
    /// What a request may take.
    pub limits: Limits,
}

/// A running gateway. Dropping it stops it at once; [`Gateway::stop`] lets requests end.
pub struct Gateway {
    address: SocketAddr,
    proxy: Arc<Proxy>,
    server: JoinSet<()>,
    watching: JoinSet<()>,
    stopping: CancellationToken,
}

impl Gateway {
    /// Starts serving; until the cluster's objects are read, requests are answered 503.
    pub fn start(settings: GatewaySettings) -> io::Result<Self> {
        let (client, controller, gateway) =
            (settings.client.clone(), settings.controller_name.clone(), settings.gateway.clone());
        let mut it = Self::serve(settings.listener, settings.dial, settings.world, settings.limits)?;
        let (verdicts, news) = tokio::sync::watch::channel(Arc::default());
        let watched = watch::run(client.clone(), it.proxy.clone(), gateway, controller.clone(), verdicts);
        it.watching.spawn(watched);
        it.watching.spawn(status::run(client, controller, it.proxy.world.clock.clone(), news));
        Ok(it)
    }

    /// The serving half alone, with an empty table.
    pub(crate) fn serve(listener: TcpListener, dial: Arc<dyn Dial>, world: World, limits: Limits) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let proxy = Arc::new(Proxy {
            world,
            dial,
            limits,
            port: address.port(),
            table: std::sync::RwLock::default(),
            backends: Backends::default(),
            metrics: Metrics::default(),
            ready: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            stopped: CancellationToken::new(),
        });
        let stopping = CancellationToken::new();
        let mut server = JoinSet::new();
        server.spawn(server::run(listener, proxy.clone(), stopping.clone()));
        Ok(Self { address, proxy, server, watching: JoinSet::new(), stopping })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the cluster's objects have been read.
    pub fn is_ready(&self) -> bool {
        self.proxy.ready.load(std::sync::atomic::Ordering::Acquire)
    }

    /// What passed through so far, by route; the entry with the empty name counts requests that met none.
    pub fn metrics(&self) -> Vec<RouteMetrics> {
        self.proxy.metrics.snapshot()
    }

    /// Takes no new connections, lets requests end for at most `grace`, then closes everything.
    pub async fn stop(mut self, grace: Duration) {
        self.stopping.cancel();
        if tokio::time::timeout(grace, self.server.join_next()).await.is_err() {
            tracing::info!(grace_s = grace.as_secs(), "requests were still running and are cut off");
        }
        self.watching.shutdown().await;
        self.server.shutdown().await;
        self.proxy.stopped.cancel();
        self.proxy.tasks.close();
        self.proxy.tasks.wait().await;
    }

    #[cfg(test)]
    pub(crate) fn proxy(&self) -> &Arc<Proxy> {
        &self.proxy
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.proxy.stopped.cancel();
    }
}

#[cfg(test)]
mod tests;
