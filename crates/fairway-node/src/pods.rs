//! The kubelet's part: makes the pods that the API gives to this node run, and says how they are.
//!
//! One watch of the node's pods, one worker task for each pod. A worker goes round: see, [`plan`], act, report. Everything
//! it decides is decided in pure code ([`plan`], [`status`], [`environment`], [`refuse`]); it does the rest.

mod address;
mod attach;
mod claims;
mod containers;
mod environment;
mod follow;
mod images;
mod known;
mod past;
mod plan;
mod probes;
mod refuse;
mod register;
mod settings;
mod status;
mod stop;
mod usage;
mod volumes;
mod worker;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use fairway_controller::Events;
pub(crate) use fairway_controller::chain;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::network::{NetworkSettings, PodNetwork};
use crate::runner::{self, Footprint, Found, LogOptions, LogStream, OpenRunner, ReadLog, RunPod, Runner, Volume};
use address::Addresses;
use claims::Claims;
use known::Known;
use register::Register;
use usage::Usage;

pub use attach::AttachPod;
pub use past::{PastContainer, PastPod};

pub use settings::NodeSettings;

pub use images::{EnsureImage, FolderImages, HostImage, HostImages, HostMount, Image, Images, LayoutImages};

/// Why a node cannot start.
#[derive(Debug, Error)]
pub enum StartNode {
    /// Its folder.
    #[error("open the node's folder")]
    Open(#[from] OpenRunner),
    /// The pods that are there already.
    #[error("find the pods that are there already")]
    Find(#[from] RunPod),
}

/// What all workers share.
struct Shared {
    settings: NodeSettings,
    runner: Runner,
    network: PodNetwork,
    events: Events,
    addresses: Mutex<Addresses>,
    known: Mutex<HashMap<String, Known>>,
    /// The pods that run, by UID, as long as their workers hold them.
    live: Mutex<HashMap<String, Weak<runner::Pod>>>,
    claims: Claims,
    usage: Arc<Usage>,
    registered: watch::Sender<bool>,
    /// Whether all pods of this node are known.
    listed: watch::Sender<bool>,
    stop: CancellationToken,
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An image made of the machine's own files, if the reference names one.
    fn host_image(&self, reference: &str) -> Option<Result<Image, EnsureImage>> {
        self.settings.host_images.find(reference, self.runner.state_folder())
    }

    fn node_address(&self) -> IpAddr {
        self.network.settings().node_address
    }
}

/// A running node. Dropping it is like [`Node::stop`] that leaves the pods.
pub struct Node {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Node {
    /// Opens the folder, finds the pods in it, registers the node and begins to watch.
    pub async fn start(mut settings: NodeSettings) -> Result<Self, StartNode> {
        if let Some(bundle) = &settings.authorities {
            settings.host_images.trust(bundle);
        }
        let runner = Runner::open(&settings.state, &settings.program, settings.world.entropy.as_ref())?;
        let found = runner.find().await?;
        let mut addresses = Addresses::new(settings.pod_range.0, settings.pod_range.1);
        for pod in &found {
            if let Found::Running(pod) = pod {
                addresses.take(pod.sandbox.ip);
            }
        }
        let node_address = Ipv4Addr::from(u32::from(settings.pod_range.0) + 1);
        let mut network = NetworkSettings::usual(settings.world.clone());
        network.node_address = node_address.into();
        network.outside = settings.outside.clone();
        network.egress_advice = settings.egress_advice.as_deref().map(Into::into);
        let network = PodNetwork::start(settings.client.clone(), network);
        let events = Events::new(settings.client.clone(), "kubelet", settings.world.clone());
        let register = Register {
            client: settings.client.clone(),
            name: settings.name.clone(),
            address: node_address.into(),
            machine: crate::machine::inspect(),
            pod_cidr: format!("{}/{}", settings.pod_range.0, settings.pod_range.1),
            world: settings.world.clone(),
        };
        if register.machine.controllers.is_empty() {
            let why = register.machine.cgroups_reason.clone().unwrap_or_default();
            tracing::warn!(node.name = settings.name, "memory and processor limits are not enforced: {why}");
        }
        let shared = Arc::new(Shared {
            settings,
            runner,
            network,
            events,
            addresses: Mutex::new(addresses),
            known: Mutex::default(),
            live: Mutex::default(),
            claims: Claims::default(),
            usage: Arc::default(),
            registered: watch::Sender::new(false),
            listed: watch::Sender::new(false),
            stop: CancellationToken::new(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(register.run(shared.registered.clone()));
        tasks.spawn(claims::follow(Arc::clone(&shared)));
        tasks.spawn(usage::watch(Arc::clone(&shared.usage), shared.settings.world.clone()));
        tasks.spawn(follow::follow(Arc::clone(&shared), found));
        Ok(Self { shared, tasks })
    }

    /// The network of its pods.
    pub fn network(&self) -> PodNetwork {
        self.shared.network.clone()
    }

    /// Comes back when the API knows the node.
    pub async fn registered(&self) {
        let mut registered = self.shared.registered.subscribe();
        let _sender_lives_as_long_as_we = registered.wait_for(|it| *it).await;
    }

    /// The log of a container, named or the only one.
    pub fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        options: LogOptions,
    ) -> Result<LogStream, ReadLog> {
        let known = self.shared.known();
        let not_found = || ReadLog::PodNotFound { namespace: namespace.to_owned(), pod: pod.to_owned() };
        let (uid, known) =
            known.iter().find(|(_, it)| it.namespace == namespace && it.name == pod).ok_or_else(not_found)?;
        known.log(self.shared.runner.state_folder(), uid, container, options)
    }

    /// The folder of a claim, if it is bound.
    pub fn volume(&self, namespace: &str, claim: &str) -> Option<Volume> {
        self.shared.claims.get(namespace, claim).map(|it| it.volume)
    }

    /// The folder of a claim, as soon as it is bound. Of one that never will be, it never comes.
    pub async fn bound_volume(&self, namespace: &str, claim: &str) -> Volume {
        self.shared.claims.wait(namespace, claim).await.volume
    }

    /// What the containers of pods that are gone printed last: those of a namespace with these labels, newest first. A few
    /// are remembered, and the end of each log.
    pub async fn past(&self, namespace: &str, labels: BTreeMap<String, String>) -> Vec<PastPod> {
        let (state, namespace) = (self.shared.runner.state_folder().to_owned(), namespace.to_owned());
        let found = tokio::task::spawn_blocking(move || past::find(&state, &namespace, &labels)).await;
        found.unwrap_or_default()
    }

    /// What is there on this machine because of this node.
    pub fn footprint(&self) -> Footprint {
        self.shared.runner.footprint()
    }

    /// Stops. The pods go on and are found again, or end and leave nothing.
    pub async fn stop(mut self, leave_pods: bool) {
        self.shared.stop.cancel();
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        self.shared.network.stop().await;
        if leave_pods {
            return;
        }
        for found in self.shared.runner.find().await.unwrap_or_default() {
            let uid = match &found {
                Found::Running(pod) => pod.sandbox.uid.clone(),
                Found::Dead { uid, .. } => uid.clone(),
            };
            if let Err(error) = self.shared.runner.remove(&uid).await {
                tracing::warn!(pod.uid = uid, error = %error, "a pod could not be removed");
            }
        }
    }
}
