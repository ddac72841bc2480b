//! Which migrations are to be run here, and whether they may.
//!
//! A schema only ever goes forward. What serves while it changes, and what one wants to go back to afterwards, are
//! both older than the schema: they can live with it exactly if everything that came after them is compatible.

use fairway_api::v1alpha1::{AppliedMigration, Delivery, Migration, MigrationKind};

use super::files::number;

/// What is to be done before a Release can run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan<'a> {
    /// The schema is one that it can run on.
    Nothing,
    /// These are to be run, in this order.
    Run(Vec<&'a Migration>),
    /// It cannot run here.
    Refuse(Refusal),
}

/// Why a Release cannot run on a schema, nor the schema be brought to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A file is another one than the one that was run.
    #[error("migration {id} ran here as {was} and reads otherwise in this release; one that ran is never edited")]
    Edited {
        /// Which.
        id: String,
        /// What it was called.
        was: String,
    },
    /// One is to be run before another that has run already.
    #[error("migration {id} is missing here, and {later} after it has run already; give it a number after {later}")]
    Between {
        /// The one that did not run.
        id: String,
        /// The last that did.
        later: String,
    },
    /// One has run that the Release does not know, though it knows later ones.
    #[error("migration {id} ran here and is missing from this release, which has later ones; bring its file back")]
    Missing {
        /// Which.
        id: String,
    },
    /// The schema has gone on, to where the Release cannot follow.
    #[error(
        "the schema is at {schema}, and migration {id} is {kind}: this release was written for the schema before it"
    )]
    TooNew {
        /// What the schema is at.
        schema: String,
        /// The first that the Release cannot live with.
        id: String,
        /// What it declares.
        kind: &'static str,
    },
    /// What serves now could not live with it.
    #[error("migration {id} is {kind}: {serving}, which serves now, cannot run on the schema after it")]
    Breaking {
        /// Which.
        id: String,
        /// What it declares.
        kind: &'static str,
        /// The version that serves.
        serving: String,
    },
}

impl Refusal {
    /// What leads out of it, for a Component in an Environment: a sentence or a command.
    pub fn way_out(&self, component: &str, environment: &str) -> String {
        match self {
            Self::Edited { id, .. } => format!("restore migration {id} as it was, and put the change in a new one"),
            Self::Between { id, .. } => format!("rename migration {id} so that it comes last, and push again"),
            Self::Missing { id } => format!("restore migration {id} from history, and push again"),
            Self::TooNew { .. } => "repair forward: deliver a new release that runs on the schema there is".to_owned(),
            Self::Breaking { id, .. } => format!(
                "split it into a compatible migration now and a breaking one once no version needs what it removes; or accept that it is down until the new version is up: platform db migrate {component} --env={environment} --allow-breaking={id}"
            ),
        }
    }
}

/// Who serves while a schema changes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Now<'a> {
    /// The version that serves; nobody is harmed where none does.
    pub serving: Option<&'a str>,
    /// The id up to which somebody accepts that it breaks what serves.
    pub accepted: Option<&'a str>,
}

impl<'a> Now<'a> {
    /// Who serves where a Delivery is to deliver something, and what is accepted of it. Nobody is harmed by what the
    /// serving Release itself brings again.
    pub fn of(delivery: &'a Delivery) -> Self {
        let serving = delivery.status.as_ref().and_then(|it| it.current.as_ref());
        let serving = serving.filter(|it| it.release_name != delivery.spec.release_name);
        let accepted = delivery.spec.migrations.as_ref().and_then(|it| it.allow_breaking.as_deref());
        Self { serving: serving.map(|it| it.version.as_str()), accepted }
    }
}

/// What a try to run migrations is about: all that no other Release ran here. What of it ran in a try that failed half-way
/// is still of that try: it is known again by what it was started for.
pub fn batch<'a>(applied: &[AppliedMigration], wanted: &'a [Migration], release_name: &str) -> Vec<&'a Migration> {
    let ran_before = |it: &Migration| applied.iter().any(|done| done.id == it.id && done.release_name != release_name);
    wanted.iter().filter(|it| !ran_before(it)).collect()
}

/// Decides. `applied` is what has run here, in its order; `wanted` is what the Release brings, in its order.
pub fn plan<'a>(applied: &[AppliedMigration], wanted: &'a [Migration], now: Now<'_>) -> Plan<'a> {
    if let Some(refusal) = contradiction(applied, wanted) {
        return Plan::Refuse(refusal);
    }
    let pending: Vec<&Migration> = wanted.iter().filter(|it| !applied.iter().any(|done| done.id == it.id)).collect();
    if pending.is_empty() {
        return beyond(applied, wanted).map_or(Plan::Nothing, Plan::Refuse);
    }
    let accepted = now.accepted.map_or(0, number);
    let harmful = pending.iter().find(|it| it.kind != MigrationKind::Compatible && number(&it.id) > accepted);
    match (now.serving, harmful) {
        (Some(serving), Some(it)) => {
            Plan::Refuse(Refusal::Breaking { id: it.id.clone(), kind: it.kind.word(), serving: serving.to_owned() })
        }
        _ => Plan::Run(pending),
    }
}

/// What cannot be true at once of what ran and of what is wanted.
fn contradiction(applied: &[AppliedMigration], wanted: &[Migration]) -> Option<Refusal> {
    let last = wanted.iter().map(|it| number(&it.id)).max()?;
    for done in applied.iter().filter(|it| number(&it.id) <= last) {
        match wanted.iter().find(|it| it.id == done.id) {
            None => return Some(Refusal::Missing { id: done.id.clone() }),
            Some(it) if it.digest != done.digest => {
                return Some(Refusal::Edited { id: done.id.clone(), was: done.file() });
            }
            Some(_) => {}
        }
    }
    let later = applied.iter().max_by_key(|it| number(&it.id))?;
    let between =
        wanted.iter().find(|it| number(&it.id) < number(&later.id) && !applied.iter().any(|done| done.id == it.id))?;
    Some(Refusal::Between { id: between.id.clone(), later: later.id.clone() })
}

/// The first migration after all that the Release knows with which it cannot live.
fn beyond(applied: &[AppliedMigration], wanted: &[Migration]) -> Option<Refusal> {
    let last = wanted.iter().map(|it| number(&it.id)).max().unwrap_or(0);
    let harmful = applied.iter().find(|it| number(&it.id) > last && it.kind != MigrationKind::Compatible)?;
    let schema = applied.iter().max_by_key(|it| number(&it.id))?;
    Some(Refusal::TooNew { schema: schema.id.clone(), id: harmful.id.clone(), kind: harmful.kind.word() })
}

#[cfg(test)]
mod tests;
