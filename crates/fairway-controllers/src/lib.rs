//! The controllers of `fairway.dev`: one module per kind, five steps per controller
//! (observe, validate, plan, apply, report). Reads in `observe` only, writes in `apply` and `report` only.

mod target;

mod team;

mod project;

mod environment;

mod component;

mod release;

mod delivery;

mod rights;

pub mod bootstrap;

use std::sync::Arc;

use fairway_clock::World;
use fairway_controller::{Failure, Kit, Retry};
use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use rights::{Right, rights};
pub use target::{Target, TargetBundle, TargetError, TargetReport};

/// What the controllers need to be given.
pub struct Settings {
    /// The API, as whom each controller acts: its own ServiceAccount.
    pub client_for: Arc<dyn Fn(&'static str) -> Client + Send + Sync>,
    /// Time and randomness.
    pub world: World,
    /// Where bundles go.
    pub target: Arc<dyn Target>,
    /// The port under which the gateway is reached, for URLs.
    pub gateway_port: u16,
}

/// What every pass gets.
struct Context {
    kit: Arc<Kit>,
    target: Arc<dyn Target>,
    gateway_port: u16,
}

/// The running controllers. Dropping it stops them.
pub struct Controllers {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Controllers {
    /// Starts every controller.
    pub fn start(settings: &Settings) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let context = |name| {
            Arc::new(Context {
                kit: Kit::new((settings.client_for)(name), settings.world.clone(), name),
                target: Arc::clone(&settings.target),
                gateway_port: settings.gateway_port,
            })
        };
        tasks.spawn(team::run(context(team::NAME), stop.clone()));
        tasks.spawn(project::run(context(project::NAME), stop.clone()));
        tasks.spawn(environment::run(context(environment::NAME), stop.clone()));
        tasks.spawn(component::run(context(component::NAME), stop.clone()));
        tasks.spawn(release::run(context(release::NAME), stop.clone()));
        tasks.spawn(delivery::run(context(delivery::NAME), stop.clone()));
        Self { stop, tasks }
    }

    /// Stops every controller and waits for the passes under way.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A pass that could not do what it set out to do. A user's mistake is not one: that is a status.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("read {what}")]
    Read { what: &'static str, source: kube::Error },
    #[error("write {what}")]
    Write { what: &'static str, source: kube::Error },
    #[error("{what} at the target")]
    Target { what: &'static str, source: TargetError },
}

impl Error {
    fn read(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Read { what, source }
    }

    fn write(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Write { what, source }
    }
}

impl Failure for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } => "ReadFailed",
            Self::Write { .. } => "ApplyFailed",
            Self::Target { source, .. } => source.reason(),
        }
    }

    fn retry(&self) -> Retry {
        Retry::Backoff
    }
}
