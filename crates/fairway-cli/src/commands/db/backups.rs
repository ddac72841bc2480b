//! `db backups`: the dumps that are kept.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::WhichDatabase;
use super::backup::DUMPS;
use super::choose::find;
use crate::failure::Failure;
use crate::output::Report;
use crate::session::Session;
use crate::text::{ago, bytes, columns};

/// List the dumps of a database
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Dumps {
    /// Which database.
    #[command(flatten)]
    pub database: WhichDatabase,
}

/// The dumps of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backups {
    /// The resource.
    pub name: String,
    /// Where it is.
    pub environment: String,
    /// The newest first.
    pub items: Vec<BackupRow>,
    /// When it was asked.
    #[serde(skip)]
    pub asked: Timestamp,
}

/// One dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupRow {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub time: Timestamp,
    /// Its size.
    pub bytes: i64,
}

impl Report for Backups {
    fn table(&self) -> String {
        if self.items.is_empty() {
            let (name, environment) = (&self.name, &self.environment);
            return format!(
                "no dump of {name} in {environment} yet; one is made every night, and by platform db backup\n"
            );
        }
        let row = |it: &BackupRow| vec![it.name.clone(), ago(it.time, self.asked), bytes(it.bytes)];
        columns(&["DUMP", "AGE", "SIZE"], &self.items.iter().map(row).collect::<Vec<_>>())
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| it.name.clone()).collect()
    }
}

/// Lists them.
pub async fn backups(session: &Session, dumps: &Dumps) -> Result<Backups, Failure> {
    let database = find(session, &dumps.database, DUMPS).await?;
    let kept = database.object.status.as_ref().map(|it| it.backups.clone()).unwrap_or_default();
    let row = |it: fairway_api::v1alpha1::ResourceBackup| BackupRow { name: it.name, time: it.time.0, bytes: it.bytes };
    Ok(Backups {
        name: database.name(),
        environment: database.environment(),
        items: kept.into_iter().map(row).collect(),
        asked: session.world.clock.now(),
    })
}

#[cfg(test)]
mod tests;
