//! The spelling of every command.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

#[cfg(target_os = "linux")]
use crate::commands::base::BaseCommand;
use crate::commands::create_service::CreateService;
use crate::commands::db::DbCommand;
use crate::commands::delete::Delete;
use crate::commands::deploy::Deploy;
use crate::commands::down::Down;
use crate::commands::exec::Exec;
use crate::commands::get::Get;
use crate::commands::git_credential::GitCredential;
use crate::commands::history::History;
use crate::commands::kubeconfig::KubeconfigArgs;
use crate::commands::ledger::LedgerCommand;
use crate::commands::logs::Logs;
use crate::commands::open::Open;
use crate::commands::pipeline::PipelineCommand;
use crate::commands::port_forward::PortForward;
use crate::commands::promote::Promote;
use crate::commands::release::ReleaseCommand;
use crate::commands::repo::RepoCommand;
use crate::commands::resource::ResourceCommand;
use crate::commands::restart::Restart;
use crate::commands::rollback::Rollback;
use crate::commands::scale::Scale;
use crate::commands::status::Status;
use crate::commands::template::TemplateCommand;
use crate::commands::up::Up;
use crate::commands::why::Why;
use crate::output::Format;
use crate::session::SessionOptions;

/// The platform: from a folder to a running, reversible service
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "platform", version, propagate_version = false, max_term_width = 100)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Global {
    /// The project, where there are several
    #[arg(long, global = true, value_name = "PROJECT", env = "FAIRWAY_PROJECT", hide_env_values = true)]
    pub project: Option<String>,
    /// How results are printed
    #[arg(long, short = 'o', global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Another cluster than the platform on this machine
    #[arg(long, global = true, value_name = "FILE", env = "FAIRWAY_KUBECONFIG", hide_env_values = true)]
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Say more: the id that each write carries as its cause
    #[arg(long, short = 'v', global = true)]
    pub verbose: bool,
}

impl Global {
    /// How to reach the platform.
    pub fn session(&self) -> SessionOptions {
        SessionOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            project: self.project.clone().filter(|it| !it.is_empty()),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Start the platform on this machine
    Up(Up),
    /// Stop the platform on this machine
    Down(Down),
    /// Show the whole main job on a platform of its own, step by step
    Tour(Tour),
    /// Say what this machine offers, and what to do about the rest
    Doctor,
    /// Register a service
    CreateService(CreateService),
    /// Golden paths: what services are made from
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Build what is in the folder and deliver it
    Deploy(Deploy),
    /// Deliver to an environment what serves in the one before it
    Promote(Promote),
    /// Go back to a release that was delivered before
    Rollback(Rollback),
    /// Say how a service is doing, and why
    Status(Status),
    /// Say why a service is not as wanted, and what says so
    Why(Why),
    /// Show what a service prints
    Logs(Logs),
    /// Set how many instances run
    Scale(Scale),
    /// Restart every instance, one after the other
    Restart(Restart),
    /// Run a command in an instance of a service
    Exec(Exec),
    /// Let ports of this machine lead into an instance of a service
    PortForward(PortForward),
    /// Tell what happened, and why
    History(History),
    /// Open a service in the browser, or print its URL
    Open(Open),
    /// Releases of a service
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Databases of a service
    #[command(subcommand)]
    Db(DbCommand),
    /// Databases, caches and what else services need
    #[command(subcommand)]
    Resource(ResourceCommand),
    /// What happens to pushes: runs and their steps
    #[command(subcommand)]
    Pipeline(PipelineCommand),
    /// Repositories that the platform hosts
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Base images: what images are built onto, and what databases run
    #[cfg(target_os = "linux")]
    #[command(subcommand)]
    Base(BaseCommand),
    /// The record of everything that happened
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Say who the platform takes you for
    Whoami,
    /// Show objects: teams, projects, environments, templates, components, releases, deliveries, resources, resourceclasses, pipelineruns
    Get(Get),
    /// Remove an object, and what belongs to it
    Delete(Delete),
    /// Print what kubectl needs, or add it to its configuration
    Kubeconfig(KubeconfigArgs),
    /// Print the completions of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the version
    Version,
    /// Tell git who you are
    #[command(hide = true)]
    GitCredential(GitCredential),
    /// Access to environments (not there yet)
    #[command(hide = true)]
    Access(Later),
}

/// A tour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Tour {
    /// Leave the platform running at the end
    #[arg(long)]
    pub keep: bool,
}

/// Words of a command that is not there yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Later {
    /// Whatever it will take
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "WORDS")]
    pub words: Vec<String>,
}

/// The whole command line, for documentation and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests;
