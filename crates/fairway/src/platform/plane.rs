//! The control plane: store with ledger, certificates, the API server with the hub's routes, and who acts in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use fairway_apiserver::authentication::Authenticators;
use fairway_apiserver::pki::{Pki, PkiOptions};
use fairway_apiserver::rbac::{self, Rbac};
use fairway_apiserver::tokens::{ServiceAccountTokens, StaticTokens, TokenOptions};
use fairway_apiserver::{ApiServer, Authenticate, Authorize, Settings};
use fairway_clock::World;
use fairway_controllers::RunLogs;
use fairway_failpoints::Failpoints;
use fairway_git::{Host, HostSettings};
use fairway_ledger::Signer;
use fairway_oci::Layout;
use fairway_store::{Options, Store};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::accounts::Accounts;
use super::folder::Folder;
use super::hub::{BasicForGit, Hub, Ledger, Registry, Repositories, settle};
use super::journal::LedgerJournal;
use super::local_user;
use super::streams::NodeStreams;

/// What `/version` says: the Kubernetes whose behaviour is served, and our build.
const API_VERSION: &str = concat!("v1.34.1+fairway-", env!("CARGO_PKG_VERSION"));
/// The network of Services.
const SERVICE_RANGE: &str = "10.96.0.0/12";

/// A running control plane.
pub(super) struct Plane {
    store: Store,
    server: ApiServer,
    /// Roles that are sums of roles, and certificates before they expire.
    _upkeep: JoinSet<()>,
    pub(super) accounts: Accounts,
    pub(super) images: Layout,
    pub(super) repositories: Host,
    pub(super) pki: Arc<Pki>,
    pub(super) streams: NodeStreams,
}

impl Plane {
    pub(super) async fn start(
        folder: &Folder,
        world: &World,
        failpoints: &Failpoints,
        listener: TcpListener,
    ) -> Result<Self> {
        let file = folder.path("store/platform.db");
        let signer = Signer::open(&folder.path("store/ledger.key"), world.entropy.as_ref());
        let signer = signer.context("open the ledger's key")?;
        let key = signer.public_key();
        let journal = LedgerJournal::new(signer, world.clone());
        let store = Store::open(options(&file, failpoints), Box::new(journal)).context("open the store")?;
        rbac::bootstrap(&store, world, None).await.context("set up the roles every cluster has")?;
        let images = Layout::open(&folder.path("images")).context("open the image store")?;
        let pki = Pki::open(PkiOptions::new(folder.path("pki")), world.clone()).context("open the certificates")?;
        let tls = pki.server_config().context("make the server's certificate")?;
        let authorize: Arc<dyn Authorize> = Arc::new(Rbac::new(store.clone()));
        let streams = NodeStreams::default();
        let authenticate: Arc<dyn Authenticate> = Arc::new(BasicForGit(authenticators(folder, &store, &pki, world)?));
        let repositories = open_repositories(folder, world, failpoints, listener.local_addr()?.port()).await?;
        let hub = Hub {
            ledger: Ledger::open(&file, key).context("open the ledger for reading")?,
            registry: Registry::new(images.clone(), Arc::clone(&world.entropy)),
            repositories: Repositories {
                host: repositories.clone(),
                authenticate: Arc::clone(&authenticate),
                authorize: Arc::clone(&authorize),
                store: store.clone(),
                world: world.clone(),
            },
            streams: streams.clone(),
            run_logs: run_logs(folder),
            authorize: Arc::clone(&authorize),
        };
        let server = ApiServer::start(Settings {
            world: world.clone(),
            store: store.clone(),
            authenticate,
            authorize,
            pod_streams: Arc::new(streams.clone()),
            version: API_VERSION.to_owned(),
            service_range: SERVICE_RANGE.parse().context("read the range of Services")?,
            extra_routes: Some(Arc::new(hub)),
        })
        .await
        .context("start the API server")?;
        server.serve(listener, tls.as_ref().clone());
        let mut upkeep = JoinSet::new();
        upkeep.spawn(rbac::Aggregation::new(store.clone(), None).run());
        upkeep.spawn(Arc::clone(&pki).keep_renewed());
        upkeep.spawn(settle_pushes(repositories.clone(), file, store.clone(), world.clone()));
        let accounts = Accounts::new(server.service());
        Ok(Self { store, server, _upkeep: upkeep, accounts, images, repositories, pki, streams })
    }

    pub(super) async fn stop(self) {
        self.repositories.stop().await;
        self.server.stop().await;
        self.store.close().await;
    }
}

/// How the store is opened.
fn options(file: &Path, failpoints: &Failpoints) -> Options {
    let mut options = Options { failpoints: failpoints.clone(), ..Options::new(file) };
    if failpoints.arms(&fairway_store::FAILPOINTS) {
        // Few writes are to reach the points of the store's upkeep too.
        options.history_bytes = 32 << 10;
        options.checkpoint_bytes = 64 << 10;
    }
    options
}

/// Pushes that a death kept out of the ledger get in now.
async fn settle_pushes(host: Host, ledger: PathBuf, store: Store, world: World) {
    if let Err(error) = settle(host, &ledger, store, world).await {
        tracing::warn!(%error, "pushes of before the start could not be compared with the ledger");
    }
}

/// The Git host. Repositories are reached on the port of the API.
async fn open_repositories(folder: &Folder, world: &World, failpoints: &Failpoints, port: u16) -> Result<Host> {
    let program = std::env::current_exe().context("find this program")?;
    let base = format!("https://127.0.0.1:{port}/git");
    let usual = HostSettings::usual(folder.path("git"), program, base, world.clone());
    let settings = HostSettings { failpoints: failpoints.clone(), ..usual };
    Host::open(settings).await.context("open the repositories")
}

/// Where the logs of pipelines are kept.
pub(super) fn run_logs(folder: &Folder) -> RunLogs {
    RunLogs::new(folder.path("runs"))
}

/// Every way to say who one is; the local user's token is made at the first start.
fn authenticators(folder: &Folder, store: &Store, pki: &Arc<Pki>, world: &World) -> Result<Authenticators> {
    let keys = folder.path("pki");
    let static_tokens = Arc::new(StaticTokens::open(&keys, world.clone()).context("open the tokens")?);
    if !folder.path("admin.token").exists() {
        let groups = [fairway_controllers::bootstrap::ADMINISTRATORS];
        let token = static_tokens.create(&local_user(), &groups, "the local user's command line", None)?;
        folder.write("admin.token", token.as_bytes())?;
    }
    let options = TokenOptions::default();
    let service_accounts = ServiceAccountTokens::open(&keys, store.clone(), world.clone(), options);
    Ok(Authenticators {
        pki: Arc::clone(pki),
        static_tokens,
        service_accounts: service_accounts.context("open the key of service account tokens")?,
    })
}
