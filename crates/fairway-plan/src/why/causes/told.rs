//! What is told where nothing is blamed: how a program ended and what it printed last, what a check said, what the
//! Delivery says.

use super::Found;
use crate::why::observations::{Container, End, Event, Instance, Observations, State};
use crate::why::{CauseKind, Evidence};

/// Lines of a program that ended.
const LINES: usize = 5;

pub(super) fn find(seen: &Observations) -> Found {
    let standing = &seen.standing;
    if standing.ready {
        let sentence = or(&standing.summary, "nothing is wrong");
        return Found { fixed_by: None, ..Found::new(CauseKind::Serving, sentence) };
    }
    exits(seen).or_else(|| not_ready(seen)).unwrap_or_else(|| {
        let kind = if standing.stalled { CauseKind::Refused } else { CauseKind::Underway };
        let sentence = or(&standing.summary, "it is on its way");
        let mut found = Found::new(kind, sentence).by(seen.failure()).by(denials(seen));
        if !standing.reason.is_empty() {
            let condition =
                Evidence::object(format!("Delivery {}", seen.service), format!("Ready: {}", standing.reason));
            found = found.by([condition]);
        }
        if standing.fixed_by.is_some() || kind == CauseKind::Underway {
            found.fixed_by.clone_from(&standing.fixed_by);
        }
        Found { next_step: standing.next_step.clone(), ..found }
    })
}

/// A program that ends: its last words are the evidence, and nobody else is blamed.
fn exits(seen: &Observations) -> Option<Found> {
    let ended = seen.failing().into_iter().find_map(|(instance, it)| Some((instance, it, it.end()?)));
    let words: Vec<Evidence> =
        seen.said().filter(|it| !it.text.trim().is_empty()).take(LINES).map(|it| it.evidence()).collect();
    let words = words.into_iter().rev();
    let found = match ended {
        Some((instance, container, end)) => {
            let sentence = format!("container {} {}{}", container.name, how(end), times(container.restarts));
            Found::new(CauseKind::Exits, sentence).by(words).by(state(instance, container))
        }
        None => {
            let failure = seen
                .standing
                .failure
                .as_ref()
                .filter(|it| it.contains("exited with code") || it.contains("ended by signal"))?;
            Found::new(CauseKind::Exits, failure.clone()).by(words).by(seen.failure())
        }
    };
    Some(found.by(denials(seen)).next(format!("platform logs {} --previous", seen.here())))
}

/// A program that runs and does not pass its check.
fn not_ready(seen: &Observations) -> Option<Found> {
    let runs = seen.failing().into_iter().find(|(_, it)| it.state == State::Running);
    let checked = seen.told("Unhealthy").next();
    if runs.is_none() && checked.is_none() {
        return None;
    }
    let sentence = match (&runs, checked) {
        (_, Some(event)) => format!("its check fails: {}", event.message),
        (Some((_, container)), None) => format!("container {} runs and is not ready yet", container.name),
        (None, None) => return None,
    };
    let words: Vec<Evidence> =
        seen.said().filter(|it| !it.text.trim().is_empty()).take(LINES).map(|it| it.evidence()).collect();
    Some(
        Found::new(CauseKind::NotReady, sentence)
            .by(checked.map(Event::evidence))
            .by(words.into_iter().rev())
            .by(denials(seen))
            .next(format!("platform logs {}", seen.here())),
    )
}

/// Connections that were denied meanwhile: worth knowing, and no proof.
fn denials(seen: &Observations) -> Vec<Evidence> {
    let denied = seen.told("EgressDenied").chain(seen.told("NetworkPolicyDenied"));
    denied.take(2).map(Event::evidence).collect()
}

fn or(text: &str, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text.to_owned() }
}

/// The state of a container, in words.
pub(super) fn state(instance: &Instance, container: &Container) -> Option<Evidence> {
    let said = match (&container.state, container.end()) {
        (State::Waiting { reason, message }, _) if reason != "CrashLoopBackOff" && !reason.is_empty() => {
            if message.is_empty() { format!("waits, {reason}") } else { format!("waits, {reason}: {message}") }
        }
        (_, Some(end)) => format!("{}{}", how(end), times(container.restarts)),
        (State::Running, None) => "runs and is not ready".to_owned(),
        _ => return None,
    };
    Some(Evidence::object(format!("Pod {}, container {}", instance.name, container.name), said))
}

fn how(end: &End) -> String {
    match end.reason.as_str() {
        "OOMKilled" => "used more memory than its limit and was killed".to_owned(),
        "" | "Error" | "Completed" => format!("exited with code {}", end.code),
        reason if end.message.is_empty() => format!("ended with code {} ({reason})", end.code),
        reason => format!("could not go on ({reason}: {})", end.message),
    }
}

fn times(restarts: i32) -> String {
    match restarts {
        0 => String::new(),
        1 => " (1 restart)".to_owned(),
        many => format!(" ({many} restarts)"),
    }
}

#[cfg(test)]
mod tests;
