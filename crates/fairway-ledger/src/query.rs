//! Reading: who did what, newest first.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use crate::append::{PrepareLedger, read_head};
use crate::chain::{Hash, Head, Sequence};
use crate::checkpoint::Checkpoint;
use crate::event::{Event, Record, time_to_text};

/// Events that are asked for; every part that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// About this object, and what followed from that.
    pub object: Option<ObjectFilter>,
    /// In a project: its namespace, and those that begin with its name and `--`.
    pub project: Option<String>,
    /// The event with this id, and what followed from it.
    pub cause: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Only what is before this place: the way to the next page.
    pub before: Option<Sequence>,
    /// No more than so many; 0: as many as there are.
    pub limit: usize,
}

/// One object, or all of a kind in a namespace.
#[derive(Debug, Clone, Default)]
pub struct ObjectFilter {
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its kind.
    pub kind: String,
    /// Its name; none: every object of the kind.
    pub name: Option<String>,
}

/// Why the ledger cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadLedger {
    /// SQLite cannot read it.
    #[error("read the ledger")]
    Sqlite(#[from] rusqlite::Error),
    /// A record is not what was written.
    #[error("record {0} of the ledger is damaged; verify the ledger")]
    Decode(Sequence),
}

/// A connection that only reads the ledger in this file, beside whoever writes it.
pub fn open_reader(path: &Path) -> Result<Connection, ReadLedger> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// The records that fit, newest first.
pub fn query(connection: &Connection, query: &Query) -> Result<Vec<Record>, ReadLedger> {
    let mut sql = String::new();
    let mut values = Vec::new();
    let mut hold = |sql: &mut String, text: &str, value: Sql| {
        values.push(value);
        sql.push_str(&text.replace('?', &format!("?{}", values.len())));
    };
    let mut roots = String::new();
    if let Some(object) = &query.object {
        hold(&mut roots, " AND namespace = ?", object.namespace.clone().into());
        hold(&mut roots, " AND kind = ?", object.kind.clone().into());
        if let Some(name) = &object.name {
            hold(&mut roots, " AND name = ?", name.clone().into());
        }
    }
    if let Some(cause) = &query.cause {
        hold(&mut roots, " AND id = ?", cause.clone().into());
    }
    if !roots.is_empty() {
        // A cause is an id, and ids are unique: UNION ends even where somebody made a circle of them.
        sql = format!(
            "WITH RECURSIVE story (id) AS (SELECT id FROM ledger_events WHERE TRUE{roots} UNION \
             SELECT it.id FROM ledger_events it JOIN story ON it.cause = story.id) "
        );
    }
    sql.push_str("SELECT sequence, hash, body FROM ledger_events WHERE TRUE");
    if !roots.is_empty() {
        sql.push_str(" AND id IN (SELECT id FROM story)");
    }
    if let Some(project) = &query.project {
        hold(&mut sql, " AND (namespace = ?", project.clone().into());
        // `.` follows `-`: everything that begins with `<project>--`.
        hold(&mut sql, " OR (namespace >= ?", format!("{project}--").into());
        hold(&mut sql, " AND namespace < ?)) AND kind IS NOT NULL", format!("{project}-.").into());
    }
    if let Some(since) = query.since {
        hold(&mut sql, " AND time >= ?", time_to_text(since).into());
    }
    if let Some(before) = query.before {
        hold(&mut sql, " AND sequence < ?", before.cast_signed().into());
    }
    sql.push_str(" ORDER BY sequence DESC");
    if query.limit > 0 {
        let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
        hold(&mut sql, " LIMIT ?", limit.into());
    }
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_and_then(rusqlite::params_from_iter(values), record)?;
    rows.collect()
}

/// The records after a place, oldest first, no more than `limit`: what follows the ledger's end asks again and again.
pub fn after(connection: &Connection, sequence: Sequence, limit: usize) -> Result<Vec<Record>, ReadLedger> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "SELECT sequence, hash, body FROM ledger_events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then([sequence.cast_signed(), limit], record)?;
    rows.collect()
}

/// The record of an event.
pub fn by_id(connection: &Connection, id: &str) -> Result<Option<Record>, ReadLedger> {
    let sql = "SELECT sequence, hash, body FROM ledger_events WHERE id = ?1 ORDER BY sequence LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row([id], |it| Ok(record(it))).optional()?.transpose()
}

/// Where the chain ends.
pub fn head(connection: &Connection) -> Result<Head, ReadLedger> {
    read_head(connection).map_err(|it| match it {
        PrepareLedger::Sqlite(it) => ReadLedger::Sqlite(it),
        PrepareLedger::ReadHead(it) => ReadLedger::Decode(it),
    })
}

/// The signed checkpoints, oldest first.
pub fn checkpoints(connection: &Connection) -> Result<Vec<Checkpoint>, ReadLedger> {
    let mut statement = connection.prepare_cached("SELECT sequence, line FROM ledger_checkpoints ORDER BY sequence")?;
    let rows = statement.query_and_then([], |it| {
        let sequence = it.get::<_, i64>(0)?.cast_unsigned();
        let line = it.get_ref(1)?.as_str().map_err(|_| ReadLedger::Decode(sequence))?;
        line.parse().map_err(|_| ReadLedger::Decode(sequence))
    })?;
    rows.collect()
}

fn record(row: &Row<'_>) -> Result<Record, ReadLedger> {
    let sequence = row.get::<_, i64>(0)?.cast_unsigned();
    let damaged = || ReadLedger::Decode(sequence);
    let hash = row.get_ref(1)?.as_blob().ok().and_then(Hash::from_bytes).ok_or_else(damaged)?;
    let body = row.get_ref(2)?.as_str().map_err(|_| damaged())?;
    let (written, event) = Event::from_body(body.as_bytes()).ok_or_else(damaged)?;
    if written != sequence {
        return Err(damaged());
    }
    Ok(Record { sequence, hash, event })
}
