//! Migrations: how a Release changes the schema of a database, and whether it may. Pure.
//!
//! A migration is a file `migrations/NNNN_name.sql`. Its first line says what it means for the version that is serving
//! while it runs, and for the one that somebody may want to go back to:
//!
//! - `-- fairway: compatible`: the version before can live with it. One can go back, and the schema stays.
//! - `-- fairway: reversible`: the version before cannot, and a file `NNNN_name.down.sql` takes it back, by hand.
//! - `-- fairway: breaking`: the version before cannot, and nothing takes it back.
//!
//! [`files`] reads them, [`plan`] decides what is to be run here, [`job`] makes the Job that does it, [`older`] finds
//! another one that is still at work, and [`said`] reads what one says of its steps.

pub mod files;

pub mod plan;

pub mod job;

pub mod older;

pub mod said;

use fairway_api::v1alpha1::{ReleaseMigrations, ReleaseSpec};

/// The annotation of a score file with the command that brings a database to the schema of its version.
pub const COMMAND: &str = "fairway.dev/migrate";
/// The annotation with the name, in the score file, of the resource that is changed; needed only where there are several.
pub const RESOURCE: &str = "fairway.dev/migrate-resource";
/// The annotation that says how long all migrations of a Release may take together.
pub const WITHIN: &str = "fairway.dev/migrate-within";
/// How many seconds they may take where nothing is said.
pub const WITHIN_DEFAULT: u32 = 3600;

/// The schema that a Release was written for: the id of its last migration.
pub fn schema(release: &ReleaseSpec) -> Option<&str> {
    migrations(release)?.steps.last().map(|it| it.id.as_str())
}

/// What a Release brings, if it brings any.
pub fn migrations(release: &ReleaseSpec) -> Option<&ReleaseMigrations> {
    release.migrations.as_ref().filter(|it| !it.steps.is_empty())
}
