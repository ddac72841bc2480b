//! kube-controller-manager's and kube-scheduler's part of a small cluster: Deployments make ReplicaSets, CronJobs make
//! Jobs, ReplicaSets, StatefulSets and Jobs make Pods, Services get EndpointSlices, Pods get a node, namespaces get their
//! ServiceAccount.
//!
//! Each controller observes through the API, plans in a pure function, and applies the plan. Useful without a node.

mod deployment;

mod replicaset;

mod statefulset;

mod job;

mod cronjob;

mod endpoints;

mod scheduler;

mod accounts;

mod pod;

mod word;

mod rights;

use std::sync::Arc;

use fairway_clock::World;
use fairway_controller::{Controllers, Kit, Retry};
use kube::Client;

pub use rights::rights;

/// What the controllers need to be given.
pub struct Settings {
    /// The API, as whom each controller acts: see [`rights`].
    pub client_for: Arc<dyn Fn(&'static str) -> Client + Send + Sync>,
    /// Time and randomness.
    pub world: World,
    /// The certificate of the cluster's CA, published to every namespace.
    pub root_certificate: String,
}

/// Starts every controller.
pub fn start(settings: &Settings) -> Controllers {
    let kit = |name| Kit::new((settings.client_for)(name), settings.world.clone(), name);
    let mut controllers = Controllers::default();
    controllers.spawn(|stop| deployment::run(kit("deployment-controller"), stop));
    controllers.spawn(|stop| replicaset::run(kit("replicaset-controller"), stop));
    controllers.spawn(|stop| statefulset::run(kit("statefulset-controller"), stop));
    controllers.spawn(|stop| job::run(kit("job-controller"), stop));
    controllers.spawn(|stop| job::orphans::run(kit("job-controller"), stop));
    controllers.spawn(|stop| cronjob::run(kit("cronjob-controller"), stop));
    controllers.spawn(|stop| endpoints::run(kit("endpointslice-controller"), stop));
    controllers.spawn(|stop| scheduler::run(kit("scheduler"), stop));
    let certificate = settings.root_certificate.clone();
    controllers.spawn(|stop| accounts::run(kit("serviceaccount-controller"), certificate, stop));
    controllers
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

impl Error {
    /// What the API said, where it was the API that refused.
    fn said(&self) -> String {
        match self {
            Self::Read { source: kube::Error::Api(status), .. }
            | Self::Write { source: kube::Error::Api(status), .. } => status.message.clone(),
            Self::Read { source, .. } | Self::Write { source, .. } => format!("{self}: {source}"),
        }
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
