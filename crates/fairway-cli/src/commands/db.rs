//! `db`: the databases of a service: a shell, migrations, dumps and the way back to one.

mod choose;

mod shell;

mod migrate;

mod task;

mod backup;

mod backups;

mod restore;

use clap::Subcommand;

pub use backup::{Backed, Backup, backup};
pub use backups::{BackupRow, Backups, Dumps, backups};
pub use choose::WhichDatabase;
pub use migrate::{Migrate, Migrations, Step, migrate};
pub use restore::{Restore, Restored, restore};
pub use shell::{Shell, shell};

/// Databases of a service
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DbCommand {
    /// Speak with a database, with the rights of its service
    Shell(Shell),
    /// Show the migrations of a service, and run those that have not run
    Migrate(Migrate),
    /// Make a dump of a database now
    Backup(Backup),
    /// List the dumps of a database that are kept
    Backups(Dumps),
    /// Put a dump in the place of what a database holds; that is kept as a dump as well
    Restore(Restore),
}
