//! What the program that migrates says of its steps while it is at work: one JSON object a line, on its output.
//!
//! - `{"ran": "0002"}`: this migration ran, and what it did is committed.
//! - `{"failed": "0003", "why": "…"}`: this one did not, and none after it. Without `failed`, something else went wrong.
//!
//! Other lines are for people. What is said here counts only when the program failed: one that ends well did all.

use fairway_api::v1alpha1::Migration;
use serde::Deserialize;

use crate::why::Scrub;

/// So much of the end of what was printed is looked at; a cluster keeps no more of it.
const MOST_BYTES: usize = 16 << 10;
/// How many characters of a reason are kept.
const MOST_WHY: usize = 300;

/// What a program that failed said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said<'a> {
    /// What ran, of what it was started for: as many as the first of them.
    pub ran: &'a [&'a Migration],
    /// The one that failed.
    pub failed: Option<&'a Migration>,
    /// Why.
    pub why: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    ran: Option<String>,
    failed: Option<String>,
    why: Option<String>,
}

/// Reads what a program printed that was started for `steps` and failed. Whatever it prints, it can only say that the
/// first few of them ran, and never that all did.
///
/// Migrations run in order: where one is said to have run, those before it have. They may have run in a try before, and
/// nobody heard of it, or what was said of them is no longer kept.
pub fn said<'a>(text: &str, steps: &'a [&'a Migration]) -> Said<'a> {
    let from = text.ceil_char_boundary(text.len().saturating_sub(MOST_BYTES));
    let place = |id: Option<String>| id.and_then(|id| steps.iter().position(|it| it.id == id));
    let (mut ran, mut failed, mut why) = (0, None, None);
    for line in text[from..].lines().filter_map(parse) {
        ran = place(line.ran).map_or(ran, |it| ran.max(it + 1));
        failed = place(line.failed).or(failed);
        why = line.why.or(why);
    }
    let ran = ran.min(failed.unwrap_or(usize::MAX)).min(steps.len().saturating_sub(1));
    // One that was ended while it was at work said of those before it that they ran.
    let failed = failed.or((ran > 0).then_some(ran)).and_then(|it| steps.get(it)).copied();
    Said { ran: &steps[..ran], failed, why: why.map(|it| shown(&it)).filter(|it| !it.is_empty()) }
}

/// Whether a line is one of those that are meant for the platform.
pub fn is_step(line: &str) -> bool {
    parse(line).is_some_and(|it| it.ran.is_some() || it.failed.is_some() || it.why.is_some())
}

fn parse(line: &str) -> Option<Line> {
    let line = line.trim();
    line.starts_with('{').then(|| serde_json::from_str(line).ok()).flatten()
}

/// In one line, without passwords: a status is read by many.
fn shown(why: &str) -> String {
    let line = why.split_whitespace().collect::<Vec<_>>().join(" ");
    Scrub::default().line(&line).chars().take(MOST_WHY).collect()
}

#[cfg(test)]
mod tests;
