//! A ledger in memory, and events to put into it.

use fairway_clock::SeededEntropy;
use fairway_ledger::{Appender, Checkpoint, Event, ObjectRef, Report, Settings, Signer, Trust, types, verify};
use rusqlite::Connection;
use serde_json::json;

pub(crate) struct TestLedger {
    pub(crate) connection: Connection,
    pub(crate) appender: Appender,
}

pub(crate) fn signer(seed: u64) -> Signer {
    let folder = tempfile::tempdir().unwrap();
    Signer::open(&folder.path().join("key"), &SeededEntropy::new(seed)).unwrap()
}

impl TestLedger {
    pub(crate) fn new(checkpoint_every: u64) -> Self {
        Self::signed_by(Some(signer(1)), checkpoint_every)
    }

    pub(crate) fn signed_by(signer: Option<Signer>, checkpoint_every: u64) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        let mut appender = Appender::new(Settings { signer, checkpoint_every });
        appender.prepare(&connection).unwrap();
        Self { connection, appender }
    }

    pub(crate) fn with(count: u64, checkpoint_every: u64) -> Self {
        let mut ledger = Self::new(checkpoint_every);
        ledger.append(&(1..=count).map(event).collect::<Vec<_>>());
        ledger
    }

    pub(crate) fn append(&mut self, events: &[Event]) {
        let transaction = self.connection.transaction().unwrap();
        self.appender.append(&transaction, events).unwrap();
        transaction.commit().unwrap();
        self.appender.settled(true);
    }

    pub(crate) fn checkpoint(&mut self) -> Checkpoint {
        let transaction = self.connection.transaction().unwrap();
        let checkpoint = self.appender.checkpoint(&transaction, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
        transaction.commit().unwrap();
        self.appender.settled(true);
        checkpoint.unwrap()
    }

    pub(crate) fn verify(&self) -> Report {
        verify(&self.connection, &Trust::default()).unwrap()
    }

    pub(crate) fn export(&self) -> String {
        let mut text = Vec::new();
        fairway_ledger::export(&self.connection, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

/// The `number`th of many that all differ.
pub(crate) fn event(number: u64) -> Event {
    Event {
        id: format!("id-{number}"),
        source: "/apiserver".into(),
        kind: types::OBJECT_UPDATED.into(),
        subject: Some(format!("shop/components/c{number}")),
        time: jiff::Timestamp::from_second(1_700_000_000 + number.cast_signed()).unwrap(),
        actor: "local:1000".into(),
        cause: None,
        verb: "update".into(),
        object: Some(object("shop", "Component", &format!("c{number}"), number)),
        data: json!({ "number": number, "text": "grün ✓" }),
    }
}

pub(crate) fn object(namespace: &str, kind: &str, name: &str, revision: u64) -> ObjectRef {
    ObjectRef {
        group: "fairway.dev".into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: format!("uid-{name}"),
        revision,
    }
}
