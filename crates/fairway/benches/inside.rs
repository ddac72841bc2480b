//! The same requests without HTTPS: a plane in this process, on a real store with a ledger, called as controllers call
//! it. What the difference to the rows over HTTPS is, the wire and the second process cost.
#![allow(clippy::print_stdout, reason = "the rows are what it is for")]

#[path = "platform/report.rs"]
mod report;
#[path = "platform/server.rs"]
mod server;

use anyhow::Result;
use fairway_clock::{SystemClock, World};
use fairway_ledger::{Appender, Event, ObjectRef, Settings, Signer, new_id, types};
use fairway_store::{Entry, EventKind, Journal, JournalError, ObjectChange};
use fairway_testkit::{Setup, TestPlane};

#[tokio::main]
async fn main() -> Result<()> {
    let world = World::system();
    let keys = tempfile::tempdir()?;
    let signer = Signer::open(&keys.path().join("key"), world.entropy.as_ref())?;
    let settings = Settings { signer: Some(signer), checkpoint_every: 1000 };
    let journal = Box::new(EveryChange { appender: Appender::new(settings), world });
    let plane = TestPlane::with(Setup { guarded: true, journal, ..Setup::default() }).await?;
    server::all("in-process", &[plane.client()], &SystemClock::new()).await?;
    plane.stop().await;
    Ok(())
}

/// A ledger with one event for every change.
struct EveryChange {
    appender: Appender,
    world: World,
}

impl EveryChange {
    fn event(&self, change: &ObjectChange<'_>) -> Event {
        let key = &change.after.key;
        let (group, kind) = key.resource.split_once('/').unwrap_or_default();
        let time = self.world.clock.now();
        Event {
            id: new_id(time, self.world.entropy.as_ref()),
            source: "/apiserver".to_owned(),
            kind: match change.kind {
                EventKind::Created => types::OBJECT_CREATED,
                EventKind::Updated => types::OBJECT_UPDATED,
                EventKind::Deleted => types::OBJECT_DELETED,
            }
            .to_owned(),
            subject: Some(format!("{}/{}", key.namespace, key.name)),
            time,
            actor: "system:apiserver".to_owned(),
            cause: None,
            verb: "create".to_owned(),
            object: Some(ObjectRef {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace: key.namespace.to_string(),
                name: key.name.to_string(),
                uid: String::new(),
                revision: change.after.revision,
            }),
            data: serde_json::Value::Null,
        }
    }
}

impl Journal for EveryChange {
    fn prepare(&mut self, transaction: &rusqlite::Transaction<'_>) -> Result<(), JournalError> {
        self.appender.prepare(transaction).map_err(|it| JournalError(Box::new(it)))
    }

    fn record(&mut self, transaction: &rusqlite::Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), JournalError> {
        let events: Vec<Event> = entries.iter().flat_map(|it| &it.objects).map(|it| self.event(it)).collect();
        self.appender.append(transaction, &events).map_err(|it| JournalError(Box::new(it)))
    }

    fn settled(&mut self, committed: bool) {
        self.appender.settled(committed);
    }
}
