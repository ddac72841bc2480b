//! The kubelet's part: makes the pods that the API gives to this node run, and says how they are.
//!
//! One watch of the node's pods, one worker task for each pod. A worker goes round: see, [`plan`], act, report. Everything
//! it decides is decided in pure code ([`plan`], [`status`], [`environment`], [`refuse`]); it does the rest.

mod address;
mod claims;
mod containers;
mod environment;
mod images;
mod past;
mod plan;
mod probes;
mod refuse;
mod register;
mod status;
mod stop;
mod usage;
mod volumes;
mod worker;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fairway_clock::World;
use fairway_controller::Events;
use fairway_outside::Outside;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::network::{NetworkSettings, PodNetwork};
use crate::runner::{
    Footprint, Found, LogLimit, LogOptions, LogStream, OpenRunner, PodState, ReadLog, RunPod, Runner, Volume, read_log,
};
use address::Addresses;
use claims::Claims;
use register::Register;
use usage::Usage;
use worker::{Target, Worker};

pub use past::{PastContainer, PastPod};

pub use images::{EnsureImage, FolderImages, HostImage, HostImages, HostMount, Image, Images, LayoutImages};

/// What a node is made of.
pub struct NodeSettings {
    /// The folder of everything that it keeps.
    pub state: PathBuf,
    /// The name of its Node object.
    pub name: String,
    /// The API.
    pub client: Client,
    /// Where images come from.
    pub images: Arc<dyn Images>,
    /// Images made of the machine's own files.
    pub host_images: HostImages,
    /// The program that becomes pod init: its `main` begins with [`crate::reexec`].
    pub program: PathBuf,
    /// Time and randomness.
    pub world: World,
    /// The network of Services.
    pub service_range: (Ipv4Addr, u8),
    /// The network of pods; the first address is the node's.
    pub pod_range: (Ipv4Addr, u8),
    /// Bounds of each container's log.
    pub log_limit: LogLimit,
    /// The way to hosts outside, for pods that may reach some.
    pub outside: Outside,
    /// What people are told to do about a host that their pods may not reach; without it, how to annotate the namespace.
    pub egress_advice: Option<String>,
    /// The bundle of certificate authorities that host images show.
    pub authorities: Option<PathBuf>,
}

impl NodeSettings {
    /// The usual networks and bounds.
    pub fn usual(
        state: PathBuf,
        name: &str,
        client: Client,
        images: Arc<dyn Images>,
        program: PathBuf,
        world: World,
    ) -> Self {
        Self {
            state,
            name: name.to_owned(),
            client,
            images,
            host_images: HostImages::default(),
            program,
            world,
            service_range: (Ipv4Addr::new(10, 96, 0, 0), 12),
            pod_range: (Ipv4Addr::new(10, 244, 0, 0), 16),
            log_limit: LogLimit::default(),
            outside: Outside::direct(),
            egress_advice: None,
            authorities: None,
        }
    }
}

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
    claims: Claims,
    usage: Arc<Usage>,
    registered: watch::Sender<bool>,
    /// Whether all pods of this node are known.
    listed: watch::Sender<bool>,
    stop: CancellationToken,
}

/// A pod that has a worker.
struct Known {
    namespace: String,
    name: String,
    containers: Vec<String>,
    /// The claims that it uses.
    claims: Vec<String>,
    target: watch::Sender<Target>,
    seen: watch::Receiver<PodState>,
}

impl Known {
    /// Whether the pod uses a claim and has not ended yet.
    fn uses(&self, claim: &str) -> bool {
        let is_over = match &*self.target.borrow() {
            Target::Run(pod) => {
                let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
                matches!(phase, Some("Succeeded" | "Failed"))
            }
            Target::Gone => false,
        };
        !is_over && self.claims.iter().any(|it| it == claim)
    }
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
        tasks.spawn(follow(Arc::clone(&shared), found));
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
        let container = which(pod, &known.containers, container.filter(|it| !it.is_empty()))?;
        let state = known.seen.borrow().clone();
        let run = if options.previous { state.previous(&container) } else { state.latest(&container) };
        let attempt = match run {
            Some(run) => run.attempt,
            None if options.previous => return Err(ReadLog::NoPrevious { container, pod: pod.to_owned() }),
            None => {
                let reason = "ContainerCreating".to_owned();
                return Err(ReadLog::NotStarted { container, pod: pod.to_owned(), reason });
            }
        };
        let seen = known.seen.clone();
        let name = container.clone();
        let over = move || {
            let state = seen.borrow();
            let run = state.containers.iter().find(|it| it.name == name && it.attempt == attempt);
            run.is_none_or(|it| it.finished.is_some()) || seen.has_changed().is_err()
        };
        Ok(read_log(self.shared.runner.state_folder(), uid, &container, attempt, options, over))
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

/// An error and what is behind it, in one line: this is where it leaves as text.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// The container that is meant.
fn which(pod: &str, containers: &[String], named: Option<&str>) -> Result<String, ReadLog> {
    let (pod, known) = (pod.to_owned(), containers.join(" "));
    match (named, containers) {
        (Some(name), _) if containers.iter().any(|it| it == name) => Ok(name.to_owned()),
        (Some(name), _) => Err(ReadLog::ContainerNotFound { container: name.to_owned(), pod, known }),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(ReadLog::WhichContainer { pod, known }),
    }
}

/// Follows the pods that are bound to this node, and gives each its worker.
async fn follow(shared: Arc<Shared>, found: Vec<Found>) {
    let mut found: HashMap<String, Found> = found
        .into_iter()
        .map(|it| match it {
            Found::Running(pod) => (pod.sandbox.uid.clone(), Found::Running(pod)),
            Found::Dead { uid, state } => (uid.clone(), Found::Dead { uid, state }),
        })
        .collect();
    let pods: Api<Pod> = Api::all(shared.settings.client.clone());
    let config = watcher::Config::default().fields(&format!("spec.nodeName={}", shared.settings.name));
    let mut events = watcher(pods, config).default_backoff().boxed();
    let mut workers = JoinSet::new();
    let mut listed = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listed.clear(),
            Ok(watcher::Event::InitApply(pod)) => {
                listed.extend(pod.uid());
                give(&shared, &mut workers, &mut found, pod);
            }
            Ok(watcher::Event::InitDone) => {
                drop_others(&shared, &mut found, &listed).await;
                shared.listed.send_replace(true);
            }
            Ok(watcher::Event::Apply(pod)) => give(&shared, &mut workers, &mut found, pod),
            Ok(watcher::Event::Delete(pod)) => gone(&shared, &pod.uid().unwrap_or_default()),
            Err(error) => tracing::debug!(error = %error, "the watch of pods is interrupted"),
        }
        while workers.try_join_next().is_some() {}
    }
}

fn gone(shared: &Shared, uid: &str) {
    if let Some(known) = shared.known().get(uid) {
        known.target.send_replace(Target::Gone);
    }
}

/// Tells a pod's worker what is wanted now; makes the worker if there is none.
fn give(shared: &Arc<Shared>, workers: &mut JoinSet<()>, found: &mut HashMap<String, Found>, pod: Pod) {
    let Some(uid) = pod.uid() else { return };
    let pod = Arc::new(pod);
    let mut known = shared.known();
    if let Some(known) = known.get(&uid) {
        known.target.send_replace(Target::Run(pod));
        return;
    }
    let (target, targets) = watch::channel(Target::Run(Arc::clone(&pod)));
    let (seen, seen_receiver) = watch::channel(PodState::default());
    let spec = pod.spec.clone().unwrap_or_default();
    let all = spec.init_containers.iter().flatten().chain(&spec.containers).map(|it| it.name.clone());
    known.insert(
        uid.clone(),
        Known {
            namespace: pod.namespace().unwrap_or_default(),
            name: pod.name_any(),
            containers: if spec.init_containers.as_ref().is_none_or(Vec::is_empty) {
                all.collect()
            } else {
                // The only container that is not for preparation needs no name.
                spec.containers.iter().map(|it| it.name.clone()).collect()
            },
            claims: claims::used_by(&pod).into_iter().map(|it| it.1).collect(),
            target,
            seen: seen_receiver,
        },
    );
    drop(known);
    let worker = Worker::new(Arc::clone(shared), uid.clone(), pod, targets, seen, found.remove(&uid));
    let shared = Arc::clone(shared);
    workers.spawn(async move {
        worker.run().await;
        shared.usage.forget(&uid);
        shared.known().remove(&uid);
    });
}

/// After a full list: what is not in it is gone, whether it has a worker or only a folder.
async fn drop_others(shared: &Arc<Shared>, found: &mut HashMap<String, Found>, listed: &BTreeSet<String>) {
    let strangers: Vec<String> = shared.known().keys().filter(|it| !listed.contains(*it)).cloned().collect();
    for uid in strangers {
        gone(shared, &uid);
    }
    for (uid, orphan) in found.drain() {
        drop(orphan);
        tracing::info!(pod.uid = uid, "a pod that the API does not know any more is removed");
        if let Err(error) = shared.runner.remove(&uid).await {
            tracing::warn!(pod.uid = uid, error = %error, "a pod could not be removed");
        }
    }
}
