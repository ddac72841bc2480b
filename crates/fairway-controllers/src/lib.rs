//! The controllers of `fairway.dev`: one module per kind, five steps per controller
//! (observe, validate, plan, apply, report). Reads in `observe` only, writes in `apply` and `report` only.

mod target;

mod hosting;

mod last_words;

mod turns;

mod team;

mod project;

mod environment;

pub mod egress;

mod template;

mod component;

mod release;

mod delivery;

mod resource_class;

mod resource;

mod pipeline_run;

mod leaving;

mod rights;

mod failpoints;

pub mod bootstrap;

use std::sync::Arc;

use fairway_clock::World;
use fairway_controller::{Controllers, Failure, Kit, Retry};
use fairway_failpoints::Failpoints;
use fairway_git::ForgeError;
use kube::Client;

pub use failpoints::{BUNDLE_APPLIED, FAILPOINTS};
pub use hosting::{
    BaseError, BaseImage, Bases, Hosting, LogWriter, RunLogs, Toolchain, Toolchains, WorkspaceError, Workspaces,
};
pub use rights::rights;
pub use target::{Target, TargetBundle, TargetError, TargetReport, TargetView};

use turns::Turns;

/// What the controllers need to be given.
pub struct Settings {
    /// The API, as whom each controller acts: its own ServiceAccount.
    pub client_for: Arc<dyn Fn(&'static str) -> Client + Send + Sync>,
    /// Time and randomness.
    pub world: World,
    /// Where bundles go.
    pub target: Arc<dyn Target>,
    /// Repositories and pipelines; without it Components from Templates wait, and no pipeline runs.
    pub hosting: Option<Hosting>,
    /// The port under which the gateway is reached, for URLs.
    pub gateway_port: u16,
    /// Where a test makes them die.
    pub failpoints: Failpoints,
}

/// What every pass gets.
struct Context {
    kit: Arc<Kit>,
    target: Arc<dyn Target>,
    hosting: Option<Hosting>,
    turns: Turns,
    gateway_port: u16,
    failpoints: Failpoints,
}

/// Starts every controller.
pub fn start(settings: &Settings) -> Controllers {
    let context = |name| {
        Arc::new(Context {
            kit: Kit::new((settings.client_for)(name), settings.world.clone(), name),
            target: Arc::clone(&settings.target),
            hosting: settings.hosting.clone(),
            turns: Turns::default(),
            gateway_port: settings.gateway_port,
            failpoints: settings.failpoints.clone(),
        })
    };
    let mut controllers = Controllers::default();
    controllers.spawn(|stop| team::run(context(team::NAME), stop));
    controllers.spawn(|stop| project::run(context(project::NAME), stop));
    controllers.spawn(|stop| environment::run(context(environment::NAME), stop));
    controllers.spawn(|stop| template::run(context(template::NAME), stop));
    controllers.spawn(|stop| component::run(context(component::NAME), stop));
    controllers.spawn(|stop| release::run(context(release::NAME), stop));
    controllers.spawn(|stop| delivery::run(context(delivery::NAME), stop));
    controllers.spawn(|stop| resource_class::run(context(resource_class::NAME), stop));
    controllers.spawn(|stop| resource::run(context(resource::NAME), stop));
    if let Some(hosting) = &settings.hosting {
        let hosting = hosting.clone();
        controllers.spawn(|stop| pipeline_run::run(context(pipeline_run::NAME), hosting, stop));
    }
    controllers
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
    #[error("{what}")]
    Forge { what: &'static str, source: ForgeError },
    #[error("{what}")]
    Workspace { what: &'static str, source: WorkspaceError },
    #[error("{what}")]
    Disk { what: &'static str, source: std::io::Error },
    #[error("{0} did not answer")]
    Unreachable(&'static str),
}

impl Error {
    fn read(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Read { what, source }
    }

    fn write(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Write { what, source }
    }

    fn forge(what: &'static str) -> impl FnOnce(ForgeError) -> Self {
        move |source| Self::Forge { what, source }
    }

    fn disk(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Disk { what, source }
    }
}

impl Failure for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::Forge { .. } => "ReadFailed",
            Self::Write { .. } | Self::Workspace { .. } | Self::Disk { .. } | Self::Unreachable(_) => "ApplyFailed",
            Self::Target { source, .. } => source.reason(),
        }
    }

    fn retry(&self) -> Retry {
        Retry::Backoff
    }
}
