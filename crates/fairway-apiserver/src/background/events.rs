//! Events are told for an hour.

use std::sync::Arc;
use std::time::Duration;

use fairway_store::{ListQuery, Range};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::note;
use crate::object;
use crate::pipeline::{self, Origin};
use crate::server::Shared;

const LIFE: SignedDuration = SignedDuration::from_hours(1);
/// How often the old ones are looked for.
const LOOK: Duration = Duration::from_secs(60);

/// Removes events an hour after they last happened, for ever.
pub(super) async fn expire(shared: Arc<Shared>) {
    loop {
        remove_old(&shared).await;
        tokio::time::sleep(LOOK).await;
    }
}

async fn remove_old(shared: &Arc<Shared>) {
    let Some(served) = shared.registry().by_kind("v1", "Event").cloned() else { return };
    let range = Range { resource: Arc::clone(&served.storage), namespace: None };
    let Ok(page) = shared.store.list(&ListQuery::all(range)) else { return };
    let Ok(before) = shared.world.clock.now().checked_sub(LIFE) else { return };
    for live in page.items.iter().filter(|it| last_seen(&object::parse(&it.value)).is_some_and(|it| it < before)) {
        let note = note(shared, &served, &live.key, "event-ttl", "delete");
        // One that changes meanwhile is not old.
        let _ = pipeline::commit_delete(shared, live, Origin { note }).await;
    }
}

fn last_seen(event: &Value) -> Option<Timestamp> {
    let times =
        ["/metadata/creationTimestamp", "/firstTimestamp", "/lastTimestamp", "/eventTime", "/series/lastObservedTime"];
    times.iter().filter_map(|it| event.pointer(it)?.as_str()?.parse::<Timestamp>().ok()).max()
}
