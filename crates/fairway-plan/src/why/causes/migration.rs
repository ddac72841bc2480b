//! A migration that failed: nothing of the new version ran.

use super::Found;
use crate::migration::said::is_step;
use crate::why::observations::Observations;
use crate::why::{CauseKind, Evidence, Witness};

/// Lines of it that are shown.
const SHOWN: usize = 3;

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let migration = seen.migration.as_ref().filter(|it| it.failed)?;
    let log = |text: &String| Evidence { kind: Witness::Log, place: migration.job.clone(), text: text.clone() };
    let printed = || migration.lines.iter().filter(|it| !it.trim().is_empty());
    let said: Vec<&String> = printed().filter(|it| !is_step(it)).collect();
    // A program that tells the platform of its steps tells it why one failed.
    let tells = printed().next_back().is_some_and(|it| is_step(it));
    let last = said.last().filter(|_| !tells).map(|it| it.trim());
    let last = last.or(Some(migration.message.trim())).filter(|it| !it.is_empty());
    let last = last.map(|it| format!(": {it}")).unwrap_or_default();
    let serving = seen.standing.serving.as_ref().map(|it| format!("; {it} goes on serving")).unwrap_or_default();
    let found = Found::new(CauseKind::FailedMigration, format!("a migration failed{last}{serving}"));
    Some(
        found
            .by(said.iter().rev().take(SHOWN).rev().map(|it| log(it)))
            .by([Evidence::object(&migration.job, &migration.message)])
            .next(format!("platform logs {} --migration", seen.here())),
    )
}

#[cfg(test)]
mod tests;
