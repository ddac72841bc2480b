//! The whole ledger as JSON lines, to be kept and verified elsewhere.
//!
//! A record is `{"hash":"…","event":{…}}`, in exactly this form: the bytes of the event are what the hash covers. A
//! checkpoint follows the record it vouches for.

use std::io::{self, Write};

use rusqlite::Connection;

use crate::chain::{Hash, Sequence, hex};
use crate::query::{ReadLedger, checkpoints};

const BEFORE_HASH: &str = "{\"hash\":\"";
const BEFORE_EVENT: &str = "\",\"event\":";
const AFTER_EVENT: &str = "}";

/// Why an export is not whole.
#[derive(Debug, thiserror::Error)]
pub enum WriteExport {
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadLedger),
    /// The lines cannot be written.
    #[error("write the export")]
    Write(#[from] io::Error),
}

/// Writes everything, as of one moment, and returns how many records that is.
pub fn export(connection: &Connection, to: &mut dyn Write) -> Result<u64, WriteExport> {
    let moment = connection.unchecked_transaction().map_err(ReadLedger::Sqlite)?;
    let mut checkpoints = checkpoints(&moment)?.into_iter().peekable();
    let sql = "SELECT sequence, hash, body FROM ledger_events ORDER BY sequence";
    let mut statement = moment.prepare(sql).map_err(ReadLedger::Sqlite)?;
    let mut rows = statement.query([]).map_err(ReadLedger::Sqlite)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(ReadLedger::Sqlite)? {
        let sequence: Sequence = row.get::<_, i64>(0).map_err(ReadLedger::Sqlite)?.cast_unsigned();
        let hash = row.get_ref(1).and_then(|it| Ok(it.as_blob()?)).map_err(|_| ReadLedger::Decode(sequence))?;
        let body = row.get_ref(2).and_then(|it| Ok(it.as_str()?)).map_err(|_| ReadLedger::Decode(sequence))?;
        writeln!(to, "{BEFORE_HASH}{}{BEFORE_EVENT}{body}{AFTER_EVENT}", hex(hash))?;
        count += 1;
        while let Some(checkpoint) = checkpoints.next_if(|it| it.head.sequence <= sequence) {
            writeln!(to, "{checkpoint}")?;
        }
    }
    for checkpoint in checkpoints {
        writeln!(to, "{checkpoint}")?; // of a tail that is no longer there
    }
    to.flush()?;
    Ok(count)
}

/// The hash and the event's bytes of a line.
pub(crate) fn split(line: &str) -> Option<(Hash, &str)> {
    let rest = line.strip_prefix(BEFORE_HASH)?.strip_suffix(AFTER_EVENT)?;
    let (hash, rest) = rest.split_at_checked(64)?;
    Some((hash.parse().ok()?, rest.strip_prefix(BEFORE_EVENT)?))
}
