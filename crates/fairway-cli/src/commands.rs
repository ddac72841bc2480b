//! One module per command: its arguments, the function that does it, and what it reports.

pub mod up;

pub mod down;

pub mod whoami;

pub mod create_service;

pub mod template;

pub mod deploy;

pub mod promote;

pub mod rollback;

pub mod status;

pub mod why;

pub mod logs;

pub mod scale;

pub mod restart;

pub mod exec;

pub mod port_forward;

pub mod history;

pub mod open;

pub mod release;

pub mod db;

pub mod resource;

pub mod repo;

#[cfg(target_os = "linux")]
pub mod base;

pub mod git_credential;

pub mod pipeline;

pub mod ledger;

pub mod get;

pub mod delete;

pub mod kubeconfig;

pub mod doctor;

pub mod version;

use std::time::Duration;

use clap::Args;

use crate::delivering::Patience;
use crate::failure::Failure;
use crate::place::named;

pub use crate::delivering::Outcome;
pub use crate::hub::{Event, EventObject};
pub use crate::inside::Whose;

/// Which service a command is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Which {
    /// The service; without it that of the current folder's score.yaml
    #[arg(value_name = "SERVICE")]
    pub name: Option<String>,
    /// The service, spelled as an option
    #[arg(long = "service", value_name = "SERVICE")]
    pub service: Option<String>,
}

impl Which {
    /// A service by name.
    pub fn service(name: &str) -> Self {
        Self { name: Some(name.to_owned()), service: None }
    }

    pub(crate) fn named(&self) -> Result<Option<&str>, Failure> {
        named(self.name.as_deref(), self.service.as_deref())
    }
}

/// How long to wait for what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Wait {
    /// Return as soon as the wish is recorded
    #[arg(long, overrides_with = "wait")]
    pub no_wait: bool,
    /// Wait until it is carried out (the default)
    #[arg(long)]
    pub wait: bool,
    /// How long to wait, like 30s or 5m
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = crate::text::parse_span)]
    pub timeout: Duration,
}

impl Default for Wait {
    fn default() -> Self {
        Self { no_wait: false, wait: false, timeout: Duration::from_secs(300) }
    }
}

impl Wait {
    pub(crate) fn patience(&self) -> Patience {
        Patience { wait: !self.no_wait, timeout: self.timeout }
    }
}
