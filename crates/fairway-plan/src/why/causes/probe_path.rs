//! A check that asks for a page that the program does not have: the program runs, and answers 404 to it.

use super::Found;
use crate::why::near::nearest;
use crate::why::observations::{Event, Observations, Probe, WorkloadContainer};
use crate::why::{CauseKind, Evidence};

/// Answers of a program that runs and does not have the page.
const NO_PAGE: [&str; 3] = ["404", "405", "410"];
/// Answers of one that lets nobody in without a login.
const NO_ENTRY: [&str; 2] = ["401", "403"];
/// Paths that programs have for their checks.
const USUAL: [&str; 8] = ["/healthz", "/health", "/ready", "/readyz", "/live", "/livez", "/status", "/ping"];

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let (event, code) = seen.told("Unhealthy").find_map(|it| Some((it, status(&it.message)?)))?;
    let is_missing = NO_PAGE.contains(&code);
    if !is_missing && !NO_ENTRY.contains(&code) {
        return None;
    }
    let (container, probe) = asked(seen, event)?;
    let path = probe.path.as_deref().unwrap_or("/");
    let kind = probe.kind.to_lowercase();
    let why = if is_missing { "has no such page" } else { "wants a login there" };
    let near = nearest(path, USUAL).filter(|_| is_missing).map(|it| format!("; {it} is meant?")).unwrap_or_default();
    let sentence = format!(
        "the {kind} check asks for {path} on port {}, and the program answers {code}: it {why}{near}",
        probe.port
    );
    let asks = Evidence::object(
        format!("Deployment {}", seen.service),
        format!("{kind} check of container {}: GET {path} on port {}", container.name, probe.port),
    );
    Some(
        Found::new(CauseKind::WrongProbePath, sentence)
            .by([event.evidence(), asks])
            .mend(format!("correct {kind}Probe.httpGet.path in score.yaml"))
            .next(seen.deliver()),
    )
}

/// What a program answered to a check that failed.
fn status(message: &str) -> Option<&str> {
    let said = message.split("HTTP probe failed with statuscode: ").nth(1)?;
    said.split_whitespace().next()
}

/// The check that an Event tells of.
fn asked<'a>(seen: &'a Observations, event: &Event) -> Option<(&'a WorkloadContainer, &'a Probe)> {
    let mut all = seen.workload.iter().flat_map(|it| it.probes.iter().map(move |probe| (it, probe)));
    all.find(|(_, it)| event.message.starts_with(it.kind) && it.path.is_some())
}

#[cfg(test)]
mod tests;
