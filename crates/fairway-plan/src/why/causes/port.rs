//! A program that listens, but not where it is called: on another port, or on an address that only itself can reach.

use super::Found;
use crate::why::facts::Line;
use crate::why::lines::listens;
use crate::why::observations::{Observations, State};
use crate::why::{CauseKind, Evidence};

pub(super) fn find(seen: &Observations) -> Option<Found> {
    let event = seen.told("Unhealthy").find(|it| it.message.contains("dial tcp ") && it.message.contains("refused"))?;
    let asked = port_of(&event.message)?;
    let listening: Vec<(Line<'_>, Option<&str>, u16)> = seen
        .said()
        .filter(|it| matches!(it.container.state, State::Running | State::Unknown))
        .filter_map(|it| listens(it.text).map(|(host, port)| (it, host, port)))
        .collect();
    let own = |host: Option<&str>| host.is_some_and(|it| it == "localhost" || it.starts_with("127."));
    let (line, sentence) = if let Some((line, host, _)) = listening.iter().find(|it| it.2 == asked) {
        let host = host.filter(|it| own(Some(it)))?;
        (
            line,
            format!(
                "the program listens on {host}:{asked}, which only itself can reach, and is called from outside; it must listen on 0.0.0.0:{asked}"
            ),
        )
    } else {
        let (line, _, port) = listening.first()?;
        (line, format!("the program listens on port {port}, and is called on port {asked}"))
    };
    let calls = seen.services.iter().find(|it| it.name == seen.service).map(|it| {
        let ports: Vec<String> = it.ports.iter().map(|(port, target)| format!("{port} to {target}")).collect();
        Evidence::object(format!("Service {}", it.name), format!("leads port {}", ports.join(", ")))
    });
    Some(
        Found::new(CauseKind::PortMismatch, sentence)
            .by([line.evidence(), event.evidence()])
            .by(calls)
            .mend("make the program, and targetPort and the checks in score.yaml, name the same port")
            .next(seen.deliver()),
    )
}

/// `8080` of `dial tcp 10.88.0.4:8080: Connection refused`.
fn port_of(message: &str) -> Option<u16> {
    let address = message.split("dial tcp ").nth(1)?.split(": ").next()?;
    address.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
