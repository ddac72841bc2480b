//! What the command line asks of the platform itself: to be one, to say what this machine offers, to take the tour.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use fairway_cli::output::Format;
use fairway_cli::{PlatformHost, ServeOptions, TourOptions};
use fairway_node::machine::{self, UserMode};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::doctor;
use crate::platform::{Platform, Start};
use crate::tour;

/// This binary, as the command line sees it.
pub(crate) struct Host;

/// The host of this process.
pub(crate) fn host() -> Arc<dyn PlatformHost> {
    Arc::new(Host)
}

#[async_trait]
impl PlatformHost for Host {
    async fn serve(&self, options: ServeOptions) -> Result<()> {
        // Without root this process begins anew where the machine lends users to it.
        let refused = fairway_node::take_users();
        let filter = EnvFilter::try_from_env("FAIRWAY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
        let machine = machine::inspect();
        if machine.user_mode == UserMode::None {
            bail!("containers cannot run on this machine: {}; `platform doctor` says more", machine.user_reason);
        }
        if let Some(why) = refused {
            tracing::warn!("pods have one user, and no range of users: {why}");
        }
        raise_file_limit();
        let mut terminate = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("wait for SIGINT")?;
        let start = Start {
            home: options.home,
            api_port: options.api_port,
            gateway_port: options.gateway_port,
            keep_packages: options.keep_packages,
        };
        let platform = Platform::start(start).await?;
        tracing::info!("the platform is ready");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("the platform stops");
        platform.stop(false).await
    }

    fn machine(&self) -> Value {
        doctor::checks()
    }

    fn remove(&self, folder: &Path) -> std::io::Result<()> {
        fairway_node::remove(folder, &std::env::current_exe()?)
    }

    async fn tour(&self, options: TourOptions) -> Result<ExitCode> {
        tour::take(tour::Options { keep: options.keep, json: options.output == Format::Json }).await
    }
}

/// Every connection that is carried costs descriptors: as many as we may have.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
