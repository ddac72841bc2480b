//! The server: what it is made of, and the one way every request goes, in-process and over the wire.

mod bounds;
mod documents;
mod lease;
mod refusal;
mod reply;
mod service;
mod upgrade;

mod handshakes;
mod kubernetes;
mod wire;

use std::sync::{Arc, PoisonError, RwLock};

use fairway_clock::World;
use fairway_store::Store;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::background::{self, Change};
use crate::frames::Frames;
use crate::kinds::AddressRange;
use crate::registry::Registry;
use crate::{Authenticate, Authorize, PodStreams};

pub(crate) use lease::lost;
pub(crate) use reply::{Reply, bytes_response, not_acceptable, text_response, tree_response};
pub(crate) use service::Call;
pub use service::{ApiService, ExtraRoutes};
pub(crate) use upgrade::{Upgrade, WebSocket};

/// Sessions in pods at one time: each holds a connection and a process.
const SESSIONS: usize = 256;

/// What a server is made of.
pub struct Settings {
    /// Time and randomness.
    pub world: World,
    /// Where objects are kept.
    pub store: Store,
    /// Who sends a request.
    pub authenticate: Arc<dyn Authenticate>,
    /// Who may do what.
    pub authorize: Arc<dyn Authorize>,
    /// Logs of pods.
    pub pod_streams: Arc<dyn PodStreams>,
    /// `gitVersion` of `/version`, with the leading `v`.
    pub version: String,
    /// The addresses that Services are given: `10.96.0.0/12` is usual.
    pub service_range: AddressRange,
    /// Paths beside the Kubernetes API, if any.
    pub extra_routes: Option<Arc<dyn ExtraRoutes>>,
}

/// A running server. Dropping it does not stop it; [`ApiServer::stop`] does.
pub struct ApiServer {
    shared: Arc<Shared>,
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) world: World,
    pub(crate) store: Store,
    pub(crate) authenticate: Arc<dyn Authenticate>,
    pub(crate) authorize: Arc<dyn Authorize>,
    pub(crate) pod_streams: Arc<dyn PodStreams>,
    pub(crate) version: String,
    pub(crate) extra_routes: Option<Arc<dyn ExtraRoutes>>,
    registry: RwLock<Arc<Registry>>,
    /// Held while what is served is made anew.
    pub(crate) refreshing: std::sync::Mutex<()>,
    /// Held from the choice of an address for a Service to its commit.
    pub(crate) service_addresses: tokio::sync::Mutex<()>,
    /// Held from the count of what a namespace has to the commit of what comes to it, where a quota limits it.
    pub(crate) quotas: tokio::sync::Mutex<()>,
    /// The addresses of Services.
    pub(crate) service_range: AddressRange,
    pub(crate) frames: Frames,
    /// Held for reading by every creation in a namespace from its check of the namespace to its commit, and for
    /// writing by the commit that begins a namespace's end: so nothing is made in a namespace after its end began.
    pub(crate) namespace_gate: tokio::sync::RwLock<()>,
    /// What background work is told about each commit.
    pub(crate) changes: mpsc::UnboundedSender<Change>,
    /// Sessions in pods that may be open at a time.
    pub(crate) sessions: Arc<Semaphore>,
    /// Every task of this server.
    pub(crate) tasks: TaskTracker,
    /// Ends every task and every stream.
    pub(crate) stop: CancellationToken,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartServer {
    /// The namespaces every cluster has could not be made.
    #[error("create namespace {name}")]
    CreateNamespace {
        /// Which.
        name: &'static str,
        /// What the API said.
        #[source]
        source: crate::ApiError,
    },
}

impl ApiServer {
    /// Reads the custom resources out of the store, makes the first namespaces and starts background work.
    pub async fn start(settings: Settings) -> Result<Self, StartServer> {
        let (changes, received) = mpsc::unbounded_channel();
        let Settings { world, store, authenticate, authorize, pod_streams, version, extra_routes, service_range } =
            settings;
        let shared = Arc::new(Shared {
            world,
            store,
            authenticate,
            authorize,
            pod_streams,
            version,
            extra_routes,
            registry: RwLock::default(),
            refreshing: std::sync::Mutex::default(),
            service_addresses: tokio::sync::Mutex::default(),
            quotas: tokio::sync::Mutex::default(),
            service_range,
            frames: Frames::default(),
            namespace_gate: tokio::sync::RwLock::default(),
            changes,
            sessions: Arc::new(Semaphore::new(SESSIONS)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        crate::custom::refresh(&shared);
        crate::namespaces::bootstrap(&shared).await?;
        background::start(&shared, received);
        Ok(Self { shared })
    }

    /// The service that in-process clients call. A request that carries an [`crate::Identity`] as extension is that
    /// identity's; others are authenticated.
    pub fn service(&self) -> ApiService {
        ApiService::new(Arc::clone(&self.shared), true)
    }

    /// Ends streams and background work and waits for both. Requests still running get their answers.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    /// The current snapshot of what is served.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves something else from now on.
    pub(crate) fn replace_registry(&self, registry: Registry) {
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }
}
