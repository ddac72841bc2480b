//! The whole platform in one process: every part started in the order in which it is needed, and stopped in reverse.

mod accounts;

mod bases;

mod bootstrap;

mod failpoints;

mod folder;

mod hosting;

mod hub;

mod journal;

mod listen;

mod outside;

mod packages;

mod plane;

mod streams;

mod target;

mod toolchains;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use fairway_agent::Agent;
use fairway_clock::World;
use fairway_controller::Controllers;
use fairway_gateway::{Gateway, GatewaySettings, Limits};
use fairway_node::{HostImage, HostImages, LayoutImages, Node, NodeSettings};
use fairway_oci::base::Cache;
use tokio::net::TcpListener;

use accounts::Accounts;
use folder::{Folder, Running};
use plane::Plane;

/// The name of the node of a machine that is alone.
const NODE_NAME: &str = "local";

/// How a platform is started.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) home: PathBuf,
    /// 0 picks a free one.
    pub(crate) api_port: u16,
    /// 0 picks a free one.
    pub(crate) gateway_port: u16,
    /// Keep what pipelines fetch for the user's other projects and platforms.
    pub(crate) keep_packages: bool,
}

/// Where packages of pipelines are kept.
fn packages() -> Result<packages::Packages> {
    let cache =
        Cache::find(|name| std::env::var_os(name).map(PathBuf::from)).context("find a place for --keep-packages")?;
    Ok(packages::Packages::new(cache.root()))
}

/// A running platform.
pub(crate) struct Platform {
    folder: Folder,
    plane: Plane,
    workloads: Controllers,
    controllers: Controllers,
    node: Arc<Node>,
    gateway: Gateway,
}

impl Platform {
    /// Starts everything; when it returns, requests are answered.
    pub(crate) async fn start(start: Start) -> Result<Self> {
        // One that is dying is waited for.
        let folder = tokio::task::spawn_blocking(move || Folder::hold(&start.home)).await??;
        let world = World::system();
        let packages = start.keep_packages.then(packages).transpose()?;
        let failpoints = failpoints::armed()?;
        let api = listen::bind(start.api_port, "--port").await?;
        let web = listen::bind(start.gateway_port, "--gateway-port").await?;
        let (api_port, gateway_port) = (api.local_addr()?.port(), web.local_addr()?.port());
        // Asking the tools takes a moment: meanwhile the plane starts.
        let (plane, table) = tokio::join!(Plane::start(&folder, &world, &failpoints, api), toolchains::find());
        let plane = plane?;
        let accounts = &plane.accounts;
        let administrator = accounts.bootstrap();
        let api_url = format!("https://127.0.0.1:{api_port}");
        let certificate = plane.pki.ca_pem();
        let facts = bootstrap::Facts { api_url: &api_url, gateway_port, certificate };
        // First what answers requests: what runs already is not to wait until everything is looked at again.
        let was_made = bootstrap::was_made(&administrator).await?;
        if !was_made {
            bootstrap::plane(&administrator, &facts).await?;
        }
        let node = start_node(&folder, &plane, table.images, &world).await?;
        let gateway = start_gateway(web, accounts, &node, &world)?;
        if was_made {
            bootstrap::plane(&administrator, &facts).await?;
        }
        let workloads = fairway_workloads::start(&fairway_workloads::Settings {
            client_for: accounts.clients(),
            world: world.clone(),
            root_certificate: certificate.to_owned(),
        });
        let agent = Agent::new(accounts.client(accounts::AGENT));
        let controllers = fairway_controllers::start(&fairway_controllers::Settings {
            client_for: accounts.clients(),
            world: world.clone(),
            target: Arc::new(target::OwnCluster {
                agent,
                images: plane.images.clone(),
                failpoints: failpoints.clone(),
            }),
            hosting: Some(hosting::hosting(&folder, &plane, table.toolchains, packages)),
            gateway_port,
            failpoints,
        });
        if !was_made {
            bootstrap::sandbox(&administrator, &local_user()).await?;
        }
        folder.say_running(&Running {
            pid: std::process::id(),
            start_ticks: folder::start_ticks(),
            api_port,
            gateway_port,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })?;
        Ok(Self { folder, plane, workloads, controllers, node, gateway })
    }

    /// Stops everything: containers too, unless they are to be found again by the next start.
    pub(crate) async fn stop(self, leave_pods: bool) -> Result<()> {
        self.folder.forget_running()?;
        self.gateway.stop(GRACE).await;
        self.controllers.stop().await;
        self.workloads.stop().await;
        // A log that is being asked for may hold it for a moment longer.
        let mut node = self.node;
        loop {
            match Arc::try_unwrap(node) {
                Ok(node) => break node.stop(leave_pods).await,
                Err(shared) => node = shared,
            }
            tokio::task::yield_now().await;
        }
        self.plane.stop().await;
        Ok(())
    }
}

/// How long requests may take to end when the platform stops.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

async fn start_node(
    folder: &Folder,
    plane: &Plane,
    images_of_host: BTreeMap<String, HostImage>,
    world: &World,
) -> Result<Arc<Node>> {
    let state = folder.path("node");
    let images = Arc::new(LayoutImages::new(plane.images.clone(), &state));
    let client = plane.accounts.client(accounts::NODE);
    let program = std::env::current_exe().context("find this program")?;
    let mut settings = NodeSettings::usual(state, NODE_NAME, client, images, program, world.clone());
    let home = std::env::var_os("HOME").map(PathBuf::from);
    settings.host_images =
        HostImages { images: images_of_host, private: home.into_iter().chain([folder.path("")]).collect() };
    outside::tell(&mut settings, folder);
    let node = Arc::new(Node::start(settings).await.context("start the node")?);
    plane.streams.set(&node);
    Ok(node)
}

fn start_gateway(listener: TcpListener, accounts: &Accounts, node: &Node, world: &World) -> Result<Gateway> {
    let settings = GatewaySettings {
        listener,
        client: accounts.client(accounts::GATEWAY),
        dial: Arc::new(streams::PodDial(node.network())),
        world: world.clone(),
        gateway: bootstrap::gateway_name(),
        controller_name: "fairway.dev/gateway".to_owned(),
        limits: Limits::default(),
    };
    Gateway::start(settings).context("start the gateway")
}

/// The operating system's user, as the platform calls it.
pub(crate) fn local_user() -> String {
    format!("local:{}", fairway_node::person())
}
