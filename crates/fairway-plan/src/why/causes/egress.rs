//! A connection that is not allowed: an Event about a failing pod says so, and its program says that it could not connect.

use super::{Found, PLATFORM_TEAM};
use crate::why::lines::{between, says};
use crate::why::observations::{Event, Observations};
use crate::why::{CauseKind, Witness};

/// How programs say that they could not reach somebody.
pub(super) const UNREACHED: [&str; 16] = [
    "name or service not known",
    "failed to lookup address",
    "could not resolve",
    "failed to resolve",
    "could not translate host name",
    "name resolution",
    "no such host",
    "enotfound",
    "eai_again",
    "connection refused",
    "connection reset",
    "econnrefused",
    "econnreset",
    "timed out",
    "connection closed",
    "unreachable",
];

pub(super) fn find(seen: &Observations) -> Option<Found> {
    seen.told("EgressDenied").find_map(|it| outside(seen, it)).or_else(|| inside(seen))
}

/// A host outside that is not on the list.
fn outside(seen: &Observations, event: &Event) -> Option<Found> {
    let host = between(&event.message, "connection to ", " closed: ")
        .or_else(|| event.message.split(" is not answered: ").next().filter(|it| !it.contains(' ')))?;
    let name = host.split(':').next().unwrap_or(host);
    let line =
        seen.said().find(|it| it.text.contains(name)).or_else(|| seen.said().find(|it| says(it.text, &UNREACHED)))?;
    let sentence = format!(
        "{} may not reach {host}: it is not among the addresses that {} allows",
        seen.service, seen.environment
    );
    Some(
        Found::new(CauseKind::EgressDenied, sentence)
            .by([event.evidence(), line.evidence()])
            .fixed_by(PLATFORM_TEAM)
            .next("kubectl edit configmap egress --namespace=fairway-system")
            .about("ConfigMap", "egress"),
    )
}

/// A pod that a NetworkPolicy does not let out, or not in.
fn inside(seen: &Observations) -> Option<Found> {
    let event = seen.told("NetworkPolicyDenied").find(|it| {
        between(&it.message, " from ", " ").is_some_and(|caller| caller.ends_with(&format!("/{}", it.name)))
    })?;
    let line = seen.said().find(|it| says(it.text, &UNREACHED))?;
    let service = between(&event.message, "(Service ", " ");
    let pod = || between(&event.message, " to ", " ").and_then(|it| it.rsplit('/').next());
    let target = service.or_else(pod).unwrap_or("another pod");
    let policy = between(&event.message, "closed by NetworkPolicy ", ",");
    let by = policy.map(|it| format!(": NetworkPolicy {it} does not let it")).unwrap_or_default();
    let found = Found::new(CauseKind::EgressDenied, format!("{} may not reach {target}{by}", seen.service))
        .by([event.evidence(), line.evidence()])
        .next(format!("kubectl describe networkpolicy --namespace={}", seen.namespace));
    debug_assert!(found.evidence.iter().any(|it| it.kind == Witness::Event));
    Some(match policy {
        Some(policy) => found.about("NetworkPolicy", policy),
        None => found.fixed_by("whoever runs what it calls"),
    })
}

#[cfg(test)]
mod tests;
