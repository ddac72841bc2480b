//! Checking a ledger offline: nothing but its records, public keys, and checkpoints kept elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read};

use rusqlite::{Connection, ErrorCode};

use crate::chain::{Hash, Head, Sequence};
use crate::checkpoint::Checkpoint;
use crate::event::Event;
use crate::export;
use crate::query::ReadLedger;
use crate::signer::PublicKey;

/// A line of an export that is longer is not one of ours.
const LINE_LIMIT: u64 = 16 << 20;

/// What is believed without the ledger.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Who may sign checkpoints. Empty: whoever signed them, which proves only that they are whole.
    pub keys: Vec<PublicKey>,
    /// Checkpoints that were kept elsewhere: only they prove that a tail is missing, or that all of it was rewritten.
    pub checkpoints: Vec<Checkpoint>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where the good part of the chain ends.
    pub head: Head,
    /// Checkpoints that hold.
    pub checkpoints: u64,
    /// The first thing that is wrong, if anything is.
    pub bad: Option<Bad>,
}

/// The first record that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Its place.
    pub sequence: Sequence,
    /// What is wrong with it.
    pub fault: Fault,
}

/// How a ledger can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its bytes or its hash were changed.
    Changed,
    /// It is not there; another record stands in its place.
    Missing {
        /// Which one does, where that can be told.
        found: Option<Sequence>,
    },
    /// It and everything after it was cut off: a checkpoint knows of more.
    Cut {
        /// As far as the checkpoint knows.
        known: Sequence,
    },
    /// The chain is whole and is not the one that was signed: it was rewritten here or since the last good checkpoint.
    Forked {
        /// The last record that a good checkpoint vouches for; 0 if none does.
        good: Sequence,
    },
    /// Its checkpoint is not signed by a key that is trusted, or cannot be read.
    Unsigned,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequence = self.sequence;
        match &self.fault {
            Fault::Changed => write!(f, "record {sequence} was changed after it was written"),
            Fault::Missing { found: Some(found) } => {
                write!(f, "record {sequence} is missing: record {found} stands in its place")
            }
            Fault::Missing { found: None } => write!(f, "record {sequence} is missing"),
            Fault::Cut { known } => {
                write!(f, "the ledger ends before record {sequence}, and a checkpoint vouches for {known} records")
            }
            Fault::Forked { good } => {
                write!(
                    f,
                    "record {sequence} is not the one that was signed: the chain was rewritten after record {good}"
                )
            }
            Fault::Unsigned => write!(f, "the checkpoint at record {sequence} is not signed by a trusted key"),
        }
    }
}

/// Walks the chain and stops at the first thing that is wrong.
struct Verifier<'a> {
    keys: &'a [PublicKey],
    /// Those that lie ahead, by the record they vouch for.
    ahead: BTreeMap<Sequence, Vec<Checkpoint>>,
    report: Report,
    /// The record of the last good checkpoint.
    good: Sequence,
}

impl<'a> Verifier<'a> {
    fn new(trust: &'a Trust) -> Self {
        let report = Report { head: Head::genesis(), checkpoints: 0, bad: None };
        let mut verifier = Self { keys: &trust.keys, ahead: BTreeMap::new(), report, good: 0 };
        trust.checkpoints.iter().for_each(|it| verifier.expect(it.clone()));
        verifier
    }

    /// Takes note of a checkpoint whose record is still to come.
    fn expect(&mut self, checkpoint: Checkpoint) {
        self.ahead.entry(checkpoint.head.sequence).or_default().push(checkpoint);
    }

    fn bad(&mut self, sequence: Sequence, fault: Fault) -> bool {
        self.report.bad.get_or_insert(Bad { sequence, fault });
        false
    }

    /// The next record; whether to go on.
    fn record(&mut self, row: Option<Sequence>, hash: Option<Hash>, body: &[u8]) -> bool {
        let next = self.report.head.followed_by(body);
        let placed = row.is_none_or(|it| it == next.sequence);
        if !placed || hash != Some(next.hash) {
            let found = row.filter(|_| !placed).or_else(|| Event::from_body(body).map(|it| it.0));
            let fault = match found {
                Some(found) if found != next.sequence => Fault::Missing { found: Some(found) },
                _ => Fault::Changed,
            };
            return self.bad(next.sequence, fault);
        }
        self.report.head = next;
        while let Some(entry) = self.ahead.first_entry().filter(|it| *it.key() <= next.sequence) {
            if !entry.remove().iter().all(|it| self.checkpoint(it)) {
                return false;
            }
        }
        true
    }

    /// A checkpoint of the record that was last read.
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> bool {
        let sequence = checkpoint.head.sequence;
        if !self.trusts(checkpoint) {
            return self.bad(sequence, Fault::Unsigned);
        }
        if checkpoint.head != self.report.head {
            return self.bad(sequence, Fault::Forked { good: self.good });
        }
        self.good = sequence;
        self.report.checkpoints += 1;
        true
    }

    fn trusts(&self, checkpoint: &Checkpoint) -> bool {
        (self.keys.is_empty() || self.keys.contains(&checkpoint.key)) && checkpoint.is_signed()
    }

    fn finish(mut self) -> Report {
        if self.report.bad.is_none()
            && let Some((known, checkpoints)) = self.ahead.pop_last()
        {
            let end = self.report.head.sequence;
            let signed = checkpoints.iter().any(|it| self.trusts(it));
            let (sequence, fault) = if signed { (end + 1, Fault::Cut { known }) } else { (known, Fault::Unsigned) };
            self.bad(sequence, fault);
        }
        self.report
    }
}

/// Checks the ledger in a database, as of one moment.
pub fn verify(connection: &Connection, trust: &Trust) -> Result<Report, ReadLedger> {
    let moment = connection.unchecked_transaction()?;
    let mut verifier = Verifier::new(trust);
    let mut unreadable = None;
    let mut statement = moment.prepare("SELECT sequence, line FROM ledger_checkpoints ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let sequence = row.get::<_, i64>(0)?.cast_unsigned();
        let line: Option<Checkpoint> = row.get_ref(1)?.as_str().ok().and_then(|it| it.parse().ok());
        match line.filter(|it| it.head.sequence == sequence) {
            Some(checkpoint) => verifier.expect(checkpoint),
            None => unreadable = unreadable.or(Some(sequence)),
        }
    }
    let mut statement = moment.prepare("SELECT sequence, hash, body FROM ledger_events ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
                let sequence = verifier.report.head.sequence + 1;
                verifier.bad(sequence, Fault::Changed);
                break;
            }
            Err(error) => return Err(error.into()),
        };
        let sequence = row.get::<_, i64>(0)?.cast_unsigned();
        let hash = row.get_ref(1)?.as_blob().ok().and_then(Hash::from_bytes);
        // A body that is no longer text cannot be read, whatever its bytes are.
        let body = row.get_ref(2)?.as_str().unwrap_or_default().as_bytes();
        if !verifier.record(Some(sequence), hash, body) {
            break;
        }
        if unreadable == Some(sequence) {
            verifier.bad(sequence, Fault::Unsigned);
            break;
        }
    }
    if let Some(sequence) = unreadable {
        verifier.bad(sequence, Fault::Unsigned);
    }
    Ok(verifier.finish())
}

/// Checks an export, line by line.
pub fn verify_export(mut lines: &mut dyn BufRead, trust: &Trust) -> io::Result<Report> {
    let mut verifier = Verifier::new(trust);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut lines).take(LINE_LIMIT).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if text.is_empty() {
            continue;
        }
        let text = std::str::from_utf8(text).unwrap_or_default();
        let good = if let Some((hash, body)) = export::split(text) {
            verifier.record(None, Some(hash), body.as_bytes())
        } else if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            match checkpoint.head.sequence {
                sequence if sequence > verifier.report.head.sequence => {
                    verifier.expect(checkpoint);
                    true
                }
                _ => verifier.checkpoint(&checkpoint),
            }
        } else if text.starts_with("{\"checkpoint\"") {
            let sequence = verifier.report.head.sequence;
            verifier.bad(sequence, Fault::Unsigned)
        } else {
            let sequence = verifier.report.head.sequence + 1;
            verifier.bad(sequence, Fault::Changed)
        };
        if !good {
            break;
        }
    }
    Ok(verifier.finish())
}
