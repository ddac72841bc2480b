//! `db backup`: a dump of a database now.

use clap::Args;
use fairway_api::v1alpha1::TaskAction;
use serde::Serialize;

use super::WhichDatabase;
use super::choose::{Ability, find};
use super::task::{carry_out, took};
use crate::commands::Wait;
use crate::failure::Failure;
use crate::output::Report;
use crate::session::Session;
use crate::text::{bytes, span};

/// Make a dump of a database
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Backup {
    /// Which database.
    #[command(flatten)]
    pub database: WhichDatabase,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// A dump that was made, or is on its way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backed {
    /// The resource.
    pub name: String,
    /// Where it is.
    pub environment: String,
    /// The dump, by the name that it is restored by; none where nobody waited for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// Its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<i64>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The id of the event.
    pub cause: String,
}

impl Report for Backed {
    fn table(&self) -> String {
        let (name, environment) = (&self.name, &self.environment);
        let Some(backup) = &self.backup else {
            return format!("a dump of {name} in {environment} is being made; platform db backups shows it\n");
        };
        let size = self.bytes.map(|it| format!(", {}", bytes(it))).unwrap_or_default();
        let took = self.seconds.map(|it| format!(", in {}", span(std::time::Duration::from_secs_f64(it))));
        format!("kept {name} in {environment} as {backup}{size}{}\n", took.unwrap_or_default())
    }

    fn names(&self) -> Vec<String> {
        self.backup.iter().cloned().collect()
    }
}

/// What is needed for dumps.
pub(super) const DUMPS: Ability = Ability { what: "dumps", has: |class| class.dump.is_some() };

/// Makes a dump.
pub async fn backup(session: &Session, backup: &Backup) -> Result<Backed, Failure> {
    let database = find(session, &backup.database, DUMPS).await?;
    let done = carry_out(session, &database, TaskAction::Backup, None, &backup.wait).await?;
    let made = done.task.as_ref().map(|it| it.backup.clone());
    let size = done.backups.iter().find(|it| Some(&it.name) == made.as_ref()).map(|it| it.bytes);
    Ok(Backed {
        name: database.name(),
        environment: database.environment(),
        backup: made,
        bytes: size,
        seconds: done.task.as_ref().and_then(took),
        cause: done.cause,
    })
}
