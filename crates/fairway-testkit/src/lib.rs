//! A whole plane in a test: a real store in a folder of its own, a real API server over it, clients for anybody.

use std::sync::Arc;

use anyhow::Context as _;
use fairway_apiserver::{ApiServer, Identity, NoPods, PodStreams, Settings, Unguarded};
use fairway_clock::World;
use fairway_store::{NoJournal, Options, Store};
use tempfile::TempDir;

/// A running plane. [`TestPlane::stop`] ends it; the folder goes when it is dropped.
pub struct TestPlane {
    server: ApiServer,
    store: Store,
    world: World,
    folder: TempDir,
}

/// What a plane is made of; start from [`Setup::default`].
pub struct Setup {
    /// Time and randomness.
    pub world: World,
    /// Logs of pods.
    pub pod_streams: Arc<dyn PodStreams>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { world: World::system(), pod_streams: Arc::new(NoPods) }
    }
}

impl TestPlane {
    /// A plane on which everybody may do everything.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(Setup::default()).await
    }

    /// A plane of given parts.
    pub async fn with(setup: Setup) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("make a folder for the store")?;
        let store = Store::open(Options::new(folder.path().join("store.db")), Box::new(NoJournal))?;
        let settings = Settings {
            world: setup.world.clone(),
            store: store.clone(),
            authenticate: Arc::new(Unguarded),
            authorize: Arc::new(Unguarded),
            pod_streams: setup.pod_streams,
            version: "v1.34.0+fairway".to_owned(),
            extra_routes: None,
            service_range: "10.96.0.0/12".parse()?,
        };
        let server = ApiServer::start(settings).await?;
        Ok(Self { server, store, world: setup.world, folder })
    }

    /// A client for an administrator.
    pub fn client(&self) -> kube::Client {
        self.client_as(administrator())
    }

    /// A client for anybody.
    pub fn client_as(&self, identity: Identity) -> kube::Client {
        kube::Client::new(self.server.service().with_identity(identity), "default")
    }

    /// The server.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// The store below it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its time and randomness.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Its folder; what a test adds here goes with it.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Stops server and store and waits for both.
    pub async fn stop(self) {
        self.server.stop().await;
        self.store.close().await;
    }
}

/// Somebody who may do everything everywhere.
pub fn administrator() -> Identity {
    Identity {
        user: "admin".to_owned(),
        groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
        ..Identity::default()
    }
}
