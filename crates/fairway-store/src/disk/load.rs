//! Reading the log back, and checking that all of it is there.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;

use super::open::{OpenStore, read_error};
use super::row::{Row, labels_from_json};
use super::{Head, from_sql};
use crate::model::{Event, EventKind, Key, Stored};
use crate::state::State;

/// Reads the log from its beginning and checks that all of it is there.
pub(super) fn load(path: &Path, connection: &Connection) -> Result<(Head, State), OpenStore> {
    let read = |source| read_error(path, source);
    let damaged = |what: String| OpenStore::Damaged { path: path.to_owned(), what };
    let select = "SELECT revision, oldest, rows, sum, checksum FROM head";
    let (expected, checksum) = connection.query_row(select, [], head_from_sql).map_err(read)?;
    if expected.checksum() != checksum {
        return Err(damaged("its head does not match its checksum".into()));
    }
    let mut state = State::starting(expected.oldest);
    let mut found = Head { revision: expected.revision, oldest: expected.oldest, rows: 0, sum: 0 };
    let mut select = connection.prepare("SELECT * FROM revisions ORDER BY revision").map_err(read)?;
    let mut rows = select.query([]).map_err(read)?;
    while let Some(sql) = rows.next().map_err(read)? {
        let (row, checksum) = row_from_sql(sql).map_err(read)?;
        if row.checksum() != checksum {
            return Err(damaged(format!("revision {} does not match its checksum", row.revision)));
        }
        found.rows += 1;
        found.sum = found.sum.wrapping_add(checksum);
        replay(&mut state, &row).map_err(|what| damaged(format!("revision {} {what}", row.revision)))?;
    }
    if found != expected || state.revision > expected.revision {
        return Err(damaged(format!("it should hold {} revisions and holds {}", expected.rows, found.rows)));
    }
    state.revision = expected.revision;
    Ok((expected, state))
}

/// Does once more what the row tells.
fn replay(state: &mut State, row: &Row<'_>) -> Result<(), String> {
    let kind = row.event_kind().ok_or("has a kind that does not exist")?;
    let labels = labels_from_json(row.labels.as_deref()).map_err(|_| "has labels that cannot be read")?;
    let key = state.intern(&Key::new(&*row.resource, &*row.namespace, &*row.name));
    let before = state.get(&key).cloned();
    if row.revision <= state.oldest {
        // History begins later: what is left from before is an object that still was there then.
        let value = row.value.as_deref().ok_or("is a delete before the beginning of history")?;
        state.restore(Stored { key, revision: row.revision, value: Bytes::copy_from_slice(value), labels });
        return match before {
            None => Ok(()),
            Some(_) => Err("is the second of its object before the beginning of history".into()),
        };
    }
    if before.as_ref().map(|it| it.revision) != row.previous {
        return Err("does not follow the revision it replaced".into());
    }
    let object = match (kind, row.value.as_deref(), &before) {
        (EventKind::Deleted, None, Some(before)) => Stored { revision: row.revision, ..before.clone() },
        (EventKind::Created, Some(value), None) | (EventKind::Updated, Some(value), Some(_)) => {
            Stored { key, revision: row.revision, value: Bytes::copy_from_slice(value), labels }
        }
        _ => return Err("does not fit what was there before".into()),
    };
    state.apply(Arc::new(Event { kind, object, before }));
    Ok(())
}

fn head_from_sql(row: &rusqlite::Row<'_>) -> Result<(Head, u64), rusqlite::Error> {
    let number = |index| row.get(index).map(from_sql);
    Ok((Head { revision: number(0)?, oldest: number(1)?, rows: number(2)?, sum: number(3)? }, number(4)?))
}

fn row_from_sql<'a>(row: &'a rusqlite::Row<'_>) -> Result<(Row<'a>, u64), rusqlite::Error> {
    let text = |index| row.get_ref(index).and_then(|it| Ok(Cow::Borrowed(it.as_str()?)));
    let read = Row {
        revision: row.get(0).map(from_sql)?,
        kind: row.get(1)?,
        previous: row.get::<_, Option<i64>>(2)?.map(from_sql),
        resource: text(3)?,
        namespace: text(4)?,
        name: text(5)?,
        labels: row.get(6)?,
        value: row.get_ref(7)?.as_blob_or_null()?.map(Cow::Borrowed),
    };
    Ok((read, row.get(8).map(from_sql)?))
}
