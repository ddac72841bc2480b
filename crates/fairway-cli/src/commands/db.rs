//! `db`: the databases of a service.

mod migrate;

use clap::Subcommand;

pub use migrate::{Migrate, Migrations, Step, migrate};

/// Databases of a service
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DbCommand {
    /// Show the migrations of a service, and run those that have not run
    Migrate(Migrate),
}
