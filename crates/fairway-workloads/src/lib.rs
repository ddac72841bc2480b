//! kube-controller-manager's and kube-scheduler's part of a small cluster: Deployments make ReplicaSets, ReplicaSets
//! make Pods, Services get EndpointSlices, Pods get a node, namespaces get their ServiceAccount.
//!
//! Each controller observes through the API, plans in a pure function, and applies the plan. Useful without a node.

mod deployment;

mod replicaset;

mod endpoints;

mod scheduler;

mod accounts;

mod pod;

mod rights;

use std::sync::Arc;

use fairway_clock::World;
use fairway_controller::{Kit, Retry};
use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use rights::{Right, rights};

/// What the controllers need to be given.
pub struct Settings {
    /// The API, as whom each controller acts: see [`CONTROLLERS`].
    pub client_for: Arc<dyn Fn(&'static str) -> Client + Send + Sync>,
    /// Time and randomness.
    pub world: World,
    /// The certificate of the cluster's CA, published to every namespace.
    pub root_certificate: String,
}

/// The controllers, each of which acts under its own name.
pub const CONTROLLERS: &[&str] = &[
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "scheduler",
    "serviceaccount-controller",
];

/// The running controllers. Dropping it stops them.
pub struct Workloads {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Workloads {
    /// Starts every controller.
    pub fn start(settings: &Settings) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let kit = |name| Kit::new((settings.client_for)(name), settings.world.clone(), name);
        tasks.spawn(deployment::run(kit("deployment-controller"), stop.clone()));
        tasks.spawn(replicaset::run(kit("replicaset-controller"), stop.clone()));
        tasks.spawn(endpoints::run(kit("endpointslice-controller"), stop.clone()));
        tasks.spawn(scheduler::run(kit("scheduler"), stop.clone()));
        let accounts = accounts::run(kit("serviceaccount-controller"), settings.root_certificate.clone(), stop.clone());
        tasks.spawn(accounts);
        Self { stop, tasks }
    }

    /// Stops every controller and waits for the passes under way.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A pass that could not do what it set out to do.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("read {what}")]
    Read { what: &'static str, source: kube::Error },
    #[error("write {what}")]
    Write { what: &'static str, source: kube::Error },
}

impl Error {
    fn read(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Read { what, source }
    }

    fn write(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Write { what, source }
    }
}

impl fairway_controller::Failure for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } => "ReadFailed",
            Self::Write { .. } => "WriteFailed",
        }
    }

    fn retry(&self) -> Retry {
        Retry::Backoff
    }
}
