//! Where a test makes this platform fail or die: `FAIRWAY_FAILPOINTS`, which only builds for tests read.

use anyhow::{Context, Result};
use fairway_failpoints::Failpoints;

/// What is armed, of the points of all parts.
pub(super) fn armed() -> Result<Failpoints> {
    match std::env::var("FAIRWAY_FAILPOINTS") {
        Ok(text) if cfg!(debug_assertions) => parse(&text).context("read FAIRWAY_FAILPOINTS"),
        _ => Ok(Failpoints::none()),
    }
}

fn parse(text: &str) -> Result<Failpoints, fairway_failpoints::ParseFailpoints> {
    let known = [&fairway_store::FAILPOINTS[..], &fairway_git::FAILPOINTS, &fairway_controllers::FAILPOINTS].concat();
    Failpoints::parse(text, &known)
}

#[cfg(test)]
mod tests;
