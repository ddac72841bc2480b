//! Who may start steps when not all can: projects take turns, and within a project the older run goes first.

use std::collections::BTreeMap;

/// A run that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking<'a> {
    /// The run, by a name that no other has.
    pub run: &'a str,
    /// Its Project.
    pub project: &'a str,
    /// Its place in the order of time.
    pub since: i64,
    /// How many of its steps are under way.
    pub running: usize,
    /// How many more it could start now.
    pub startable: usize,
}

/// How many steps each run may start now, if `limit` steps may be under way at once.
pub fn places<'a>(limit: usize, runs: &[Asking<'a>]) -> BTreeMap<&'a str, usize> {
    let under_way: usize = runs.iter().map(|it| it.running).sum();
    let mut of_project: BTreeMap<&str, usize> = BTreeMap::new();
    for it in runs {
        *of_project.entry(it.project).or_default() += it.running;
    }
    let mut given: BTreeMap<&'a str, usize> = BTreeMap::new();
    for _ in under_way..limit {
        let waits = |it: &&Asking<'a>| it.startable > given.get(it.run).copied().unwrap_or(0);
        let order = |it: &&Asking<'a>| (of_project.get(it.project).copied().unwrap_or(0), it.since, it.run);
        let Some(next) = runs.iter().filter(waits).min_by_key(order) else { break };
        *given.entry(next.run).or_default() += 1;
        *of_project.entry(next.project).or_default() += 1;
    }
    given
}

#[cfg(test)]
mod tests;
