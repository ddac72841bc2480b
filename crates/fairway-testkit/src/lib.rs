//! A whole plane in a test: a real store in a folder of its own, a real API server over it, clients for anybody.

pub mod kubectl;
mod mortal;
mod notes;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use fairway_apiserver::authentication::Authenticators;
use fairway_apiserver::pki::{Pki, PkiOptions};
use fairway_apiserver::rbac::{Rbac, bootstrap};
use fairway_apiserver::tokens::{ServiceAccountTokens, StaticTokens, TokenOptions};
use fairway_apiserver::{ApiServer, Authorize, Identity, NoPods, PodStreams, Settings, Unguarded};
use fairway_clock::World;
use fairway_store::{Journal, NoJournal, Options, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub use mortal::mortal;
pub use notes::Notes;

/// A running plane. [`TestPlane::stop`] ends it; the folder goes when it is dropped.
pub struct TestPlane {
    server: ApiServer,
    store: Store,
    world: World,
    pki: Arc<Pki>,
    tokens: Arc<StaticTokens>,
    folder: TempDir,
}

/// What a plane is made of; start from [`Setup::default`].
pub struct Setup {
    /// Time and randomness.
    pub world: World,
    /// Logs of pods.
    pub pod_streams: Arc<dyn PodStreams>,
    /// What is told about each batch.
    pub journal: Box<dyn Journal>,
    /// How many changes watches and lists at an older revision may reach back.
    pub history: usize,
    /// Whether rights count: roles and bindings decide, those that every cluster has are there.
    pub guarded: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            world: World::system(),
            pod_streams: Arc::new(NoPods),
            journal: Box::new(NoJournal),
            history: 20_000,
            guarded: false,
        }
    }
}

impl TestPlane {
    /// A plane on which everybody may do everything.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(Setup::default()).await
    }

    /// A plane on which roles and bindings decide.
    pub async fn guarded() -> anyhow::Result<Self> {
        Self::with(Setup { guarded: true, ..Setup::default() }).await
    }

    /// A plane of given parts.
    pub async fn with(setup: Setup) -> anyhow::Result<Self> {
        Self::in_folder(setup, tempfile::tempdir().context("make a folder for the store")?).await
    }

    /// Stops the plane and starts another on the same folder: what is remembered is what was kept.
    pub async fn restart(self, setup: Setup) -> anyhow::Result<Self> {
        let Self { server, store, folder, .. } = self;
        server.stop().await;
        store.close().await;
        Self::in_folder(setup, folder).await
    }

    async fn in_folder(setup: Setup, folder: TempDir) -> anyhow::Result<Self> {
        let at = |name: &str| folder.path().join(name);
        let world = setup.world;
        let options = Options { history_revisions: setup.history, ..Options::new(at("store.db")) };
        let store = Store::open(options, setup.journal)?;
        let pki = Pki::open(PkiOptions::new(at("pki")), world.clone())?;
        let tokens = Arc::new(StaticTokens::open(&at("tokens"), world.clone())?);
        let service_accounts =
            ServiceAccountTokens::open(&at("keys"), store.clone(), world.clone(), TokenOptions::default())?;
        let authenticate =
            Authenticators { pki: Arc::clone(&pki), static_tokens: Arc::clone(&tokens), service_accounts };
        let authorize: Arc<dyn Authorize> = if setup.guarded {
            bootstrap(&store, &world, None).await?;
            Arc::new(Rbac::new(store.clone()))
        } else {
            Arc::new(Unguarded)
        };
        let settings = Settings {
            world: world.clone(),
            store: store.clone(),
            authenticate: Arc::new(authenticate),
            authorize,
            pod_streams: setup.pod_streams,
            version: "v1.34.0+fairway".to_owned(),
            service_range: "10.96.0.0/12".parse()?,
            extra_routes: None,
        };
        let server = ApiServer::start(settings).await?;
        Ok(Self { server, store, world, pki, tokens, folder })
    }

    /// Serves HTTPS on a free port of the loopback address and writes a kubeconfig for an administrator.
    pub async fn serve(&self) -> anyhow::Result<(SocketAddr, PathBuf)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        self.server.serve(listener, self.pki.server_config()?);
        let token = self.tokens.create("admin", &["system:masters"], "test", None)?;
        let (ca, kubeconfig) = (self.folder.path().join("ca.pem"), self.folder.path().join("kubeconfig"));
        std::fs::write(&ca, self.pki.ca_pem())?;
        std::fs::write(&kubeconfig, config(address, &ca, &token))?;
        Ok((address, kubeconfig))
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

fn config(address: SocketAddr, ca: &Path, token: &str) -> String {
    let ca = ca.display();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: test\n  cluster:\n    server: \
         https://{address}\n    certificate-authority: {ca}\nusers:\n- name: admin\n  user:\n    token: {token}\n\
         contexts:\n- name: test\n  context:\n    cluster: test\n    user: admin\n"
    )
}

/// Somebody who may do everything everywhere.
pub fn administrator() -> Identity {
    Identity {
        user: "admin".to_owned(),
        groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
        ..Identity::default()
    }
}
