//! Writing: events into somebody's transaction, the head in memory, a signature now and then.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::chain::{Hash, Head, Sequence};
use crate::checkpoint::Checkpoint;
use crate::event::{Event, time_to_text};
use crate::signer::Signer;

/// The columns that are looked up are read out of the body by SQLite itself, so that they cannot say anything else.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS ledger_events (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    body TEXT NOT NULL,
    id TEXT AS (body ->> '$.id') VIRTUAL,
    cause TEXT AS (body ->> '$.cause') VIRTUAL,
    time TEXT AS (body ->> '$.time') VIRTUAL,
    namespace TEXT AS (body ->> '$.objectnamespace') VIRTUAL,
    kind TEXT AS (body ->> '$.objectkind') VIRTUAL,
    name TEXT AS (body ->> '$.objectname') VIRTUAL
);
CREATE INDEX IF NOT EXISTS ledger_ids ON ledger_events (id);
CREATE INDEX IF NOT EXISTS ledger_causes ON ledger_events (cause) WHERE cause IS NOT NULL;
CREATE INDEX IF NOT EXISTS ledger_objects ON ledger_events (namespace, kind, name) WHERE kind IS NOT NULL;
CREATE TABLE IF NOT EXISTS ledger_checkpoints (sequence INTEGER PRIMARY KEY, line TEXT NOT NULL);
";

/// How a ledger is kept.
pub struct Settings {
    /// Signs checkpoints; without one there are none.
    pub signer: Option<Signer>,
    /// A checkpoint is made after so many events.
    pub checkpoint_every: u64,
}

/// Writes events at the end of the chain. There is one at a time for a ledger.
pub struct Appender {
    settings: Settings,
    settled: State,
    /// As it will be if the transaction commits.
    pending: Option<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    head: Head,
    /// The sequence of the newest checkpoint.
    signed: Sequence,
}

/// Why a ledger cannot be written to.
#[derive(Debug, thiserror::Error)]
pub enum PrepareLedger {
    /// SQLite cannot make or read its tables.
    #[error("prepare the ledger's tables")]
    Sqlite(#[from] rusqlite::Error),
    /// The last record is damaged.
    #[error("the ledger's last record {0} is damaged; verify the ledger and restore it from a backup")]
    ReadHead(Sequence),
}

/// Why events were not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendEvent {
    /// SQLite did not take them.
    #[error("append to the ledger")]
    Sqlite(#[from] rusqlite::Error),
    /// An event has no JSON form.
    #[error("write event {id} as JSON")]
    Encode {
        /// Which event.
        id: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl Appender {
    /// An appender that does not know its ledger yet: call [`prepare`](Self::prepare) first.
    pub fn new(settings: Settings) -> Self {
        Self { settings, settled: State { head: Head::genesis(), signed: 0 }, pending: None }
    }

    /// Makes the tables where they are missing and reads where the chain ends.
    pub fn prepare(&mut self, connection: &Connection) -> Result<(), PrepareLedger> {
        connection.execute_batch(TABLES)?;
        let head = read_head(connection)?;
        let signed: Option<i64> =
            connection.query_row("SELECT max(sequence) FROM ledger_checkpoints", [], |it| it.get(0))?;
        self.settled = State { head, signed: signed.map_or(0, i64::cast_unsigned) };
        self.pending = None;
        Ok(())
    }

    /// Where the chain ends, without what is not committed yet.
    pub fn head(&self) -> Head {
        self.settled.head
    }

    /// Writes events at the end of the chain, and a checkpoint when one is due. Call [`settled`](Self::settled) once
    /// the transaction has ended; after an error it must be rolled back.
    pub fn append(&mut self, transaction: &Transaction<'_>, events: &[Event]) -> Result<(), AppendEvent> {
        let mut state = self.pending.unwrap_or(self.settled);
        let mut insert =
            transaction.prepare_cached("INSERT INTO ledger_events (sequence, hash, body) VALUES (?1, ?2, ?3)")?;
        for event in events {
            let body = event.to_body(state.head.sequence + 1);
            let body = body.map_err(|source| AppendEvent::Encode { id: event.id.clone(), source })?;
            state.head = state.head.followed_by(&body);
            let text = std::str::from_utf8(&body).map_err(|it| rusqlite::Error::Utf8Error(0, it))?;
            insert.execute(params![state.head.sequence.cast_signed(), state.head.hash.as_bytes(), text])?;
        }
        self.pending = Some(state);
        if let Some(last) = events.last()
            && state.head.sequence - state.signed >= self.settings.checkpoint_every.max(1)
        {
            self.sign(transaction, time_to_text(last.time))?;
        }
        Ok(())
    }

    /// Signs the head as it is now, `time` being the caller's. None where there is no key, or nothing to sign.
    pub fn checkpoint(
        &mut self,
        transaction: &Transaction<'_>,
        time: jiff::Timestamp,
    ) -> Result<Option<Checkpoint>, AppendEvent> {
        self.sign(transaction, time_to_text(time))
    }

    /// Keeps or drops what was appended: whether the transaction was committed.
    pub fn settled(&mut self, committed: bool) {
        if let Some(pending) = self.pending.take()
            && committed
        {
            self.settled = pending;
        }
    }

    fn sign(&mut self, transaction: &Transaction<'_>, time: String) -> Result<Option<Checkpoint>, AppendEvent> {
        let mut state = self.pending.unwrap_or(self.settled);
        let Some(signer) = self.settings.signer.as_ref().filter(|_| state.head.sequence > 0) else { return Ok(None) };
        let checkpoint = Checkpoint::sign(state.head, time, signer);
        transaction
            .prepare_cached("INSERT OR REPLACE INTO ledger_checkpoints VALUES (?1, ?2)")?
            .execute(params![state.head.sequence.cast_signed(), checkpoint.to_string()])?;
        state.signed = state.head.sequence;
        self.pending = Some(state);
        Ok(Some(checkpoint))
    }
}

/// Where the chain in the tables ends.
pub(crate) fn read_head(connection: &Connection) -> Result<Head, PrepareLedger> {
    let last = "SELECT sequence, hash FROM ledger_events ORDER BY sequence DESC LIMIT 1";
    let last = connection.query_row(last, [], |it| Ok((it.get::<_, i64>(0)?, it.get::<_, Vec<u8>>(1)?))).optional()?;
    let Some((sequence, hash)) = last else { return Ok(Head::genesis()) };
    let sequence = sequence.cast_unsigned();
    let hash = Hash::from_bytes(&hash).ok_or(PrepareLedger::ReadHead(sequence))?;
    Ok(Head { sequence, hash })
}
