//! `open`: the URL of a service, in a browser where there is one.

use std::process::Stdio;

use clap::Args;
use serde::Serialize;
use tokio::process::Command;

use super::Which;
use crate::failure::Failure;
use crate::output::Report;
use crate::place;
use crate::session::Session;

/// Open a service in the browser, or print its URL
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Open {
    /// Which service.
    #[command(flatten)]
    pub which: Which,
    /// The environment; without it the only one the service is delivered to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub env: Option<String>,
    /// Only print the URL
    #[arg(long)]
    pub print: bool,
}

/// Where a service answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opened {
    /// The URL.
    pub url: String,
}

impl Report for Opened {
    fn table(&self) -> String {
        format!("{}\n", self.url)
    }

    fn names(&self) -> Vec<String> {
        vec![self.url.clone()]
    }
}

/// Finds the URL, and opens it if somebody sits there.
pub async fn open(session: &Session, open: &Open) -> Result<Opened, Failure> {
    let project = session.project().await?;
    let component = place::component(session, open.which.named()?)?;
    let (place, delivery) = place::delivered_environment(session, &project, &component, open.env.as_deref()).await?;
    let environment = &place.environment;
    let url =
        delivery.status.and_then(|it| it.url).filter(|it| it.starts_with("http://") || it.starts_with("https://"));
    let url = url.ok_or_else(|| {
        Failure::not_ready(format!("{component} has no URL in {environment}"))
            .hint(format!("platform status {component} --env={environment}"))
    })?;
    let graphical = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|it| std::env::var_os(it).is_some());
    if session.interactive && !open.print && (graphical || cfg!(target_os = "macos")) {
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let mut command = Command::new(program);
        command.arg(&url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // The URL is printed anyway.
        let _ = command.spawn();
    }
    Ok(Opened { url })
}
