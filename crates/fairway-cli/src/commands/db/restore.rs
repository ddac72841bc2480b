//! `db restore`: a dump in the place of what a database holds, whole or not at all.

use clap::Args;
use fairway_api::v1alpha1::TaskAction;
use fairway_plan::resource::may_be_backup;
use serde::Serialize;

use super::WhichDatabase;
use super::choose::{Ability, find};
use super::task::{carry_out, took};
use crate::commands::Wait;
use crate::failure::Failure;
use crate::output::Report;
use crate::session::Session;
use crate::text::span;

/// Put a dump in the place of what a database holds
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Restore {
    /// Which database.
    #[command(flatten)]
    pub database: WhichDatabase,
    /// The dump, by its name in platform db backups
    #[arg(long, value_name = "DUMP")]
    pub from: String,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// How long to wait.
    #[command(flatten)]
    pub wait: Wait,
}

/// A dump that was restored, or is on its way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The resource.
    pub name: String,
    /// Where it is.
    pub environment: String,
    /// The dump.
    pub from: String,
    /// The dump of what was there before; none where nobody waited for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The id of the event.
    pub cause: String,
}

impl Report for Restored {
    fn table(&self) -> String {
        let Self { name, environment, from, .. } = self;
        let Some(before) = &self.before else {
            return format!("{name} in {environment} is being restored from {from}\n");
        };
        let took = self.seconds.map(|it| format!(", in {}", span(std::time::Duration::from_secs_f64(it))));
        let took = took.unwrap_or_default();
        format!(
            "{name} in {environment} holds what {from} has{took}\nwhat it held before is kept as {before}; connections \
             were ended, and services connect anew\n"
        )
    }

    fn names(&self) -> Vec<String> {
        vec![format!("resource.fairway.dev/{}", self.name)]
    }
}

/// Restores it.
pub async fn restore(session: &Session, restore: &Restore) -> Result<Restored, Failure> {
    let from = &restore.from;
    if !may_be_backup(from) {
        let shown: String = from.chars().take(60).collect();
        let what = format!("{shown:?} is not the name of a dump: letters, digits, \".\", \"-\" and \"_\" make one");
        return Err(Failure::usage(what).hint("platform db backups lists them"));
    }
    let ability = Ability { what: "way to restore a dump", has: |class| class.restore.is_some() };
    let database = find(session, &restore.database, ability).await?;
    let (name, environment) = (database.name(), database.environment());
    let question = format!("Put {from} in the place of what {name} in {environment} holds, and keep that as a dump?");
    session.confirm(restore.yes, &question)?;
    let listed = format!("platform db backups --resource={name} --env={environment}");
    let done = carry_out(session, &database, TaskAction::Restore, Some(from), &restore.wait).await;
    let done = done.map_err(|it| if it.hint.is_none() { it.hint(listed) } else { it })?;
    Ok(Restored {
        name,
        environment,
        from: from.clone(),
        before: done.task.as_ref().map(|it| it.backup.clone()),
        seconds: done.task.as_ref().and_then(took),
        cause: done.cause,
    })
}
