//! What people changed about a service and its environment, out of the ledger.

use std::collections::BTreeMap;

use fairway_plan::why::Change;

use crate::commands::history::sentence;
use crate::hub::{self, Event};
use crate::place::Place;
use crate::session::Session;

/// Events that are looked at.
const EVENTS: usize = 200;

/// Newest first. Nothing where the ledger may not be read.
pub(super) async fn of(session: &Session, place: &Place, component: &str) -> Vec<Change> {
    let query = [("project", place.project.to_string()), ("limit", EVENTS.to_string())];
    let events = hub::events(session, &query).await.unwrap_or_default();
    pick(&events, &place.namespace(), component)
}

fn pick(events: &[Event], namespace: &str, component: &str) -> Vec<Change> {
    let by_id: BTreeMap<&str, &Event> = events.iter().map(|it| (it.id.as_str(), it)).collect();
    let told = |event: &Event| {
        let object = event.object.as_ref()?;
        // In the namespace of the environment everything may matter; in that of the project what is of the component.
        let is_here = object.namespace == namespace || object.name == component;
        let root = root(event, &by_id);
        if !is_here || !is_change(event) || is_machine(&root.actor) {
            return None;
        }
        let what =
            if root.id == event.id { sentence(event) } else { format!("{}: {}", sentence(root), sentence(event)) };
        Some(Change {
            kind: object.kind.clone(),
            name: object.name.clone(),
            what,
            by: root.actor.clone(),
            when: event.time.parse().ok()?,
            event: event.id.clone(),
        })
    };
    events.iter().filter_map(told).collect()
}

/// Whether a wish changed, rather than what is said of it.
fn is_change(event: &Event) -> bool {
    let verb = event.kind.rsplit("fairway.").next().unwrap_or_default();
    let ours = event.object.as_ref().is_some_and(|it| it.group == fairway_api::GROUP);
    match verb {
        "object.created" | "object.deleted" => true,
        "object.updated" => !ours || event.data["changed"].is_object() || event.data["deleting"] == true,
        _ => false,
    }
}

/// The event that led to this one, as far as it is known.
fn root<'a>(event: &'a Event, by_id: &BTreeMap<&str, &'a Event>) -> &'a Event {
    let mut at = event;
    // Ids come from the ledger; a loop in them must not become one here.
    for _ in 0..8 {
        match at.cause.as_deref().and_then(|it| by_id.get(it)) {
            Some(before) if before.id != at.id => at = before,
            _ => break,
        }
    }
    at
}

fn is_machine(actor: &str) -> bool {
    actor.starts_with("system:")
}

#[cfg(test)]
mod tests;
