//! A signed statement of where the chain stood. Held elsewhere, it proves a cut tail and a rewritten chain.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::chain::{Head, hex, unhex};
use crate::signer::{PublicKey, Signer};

/// Where a chain stood, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The head it vouches for.
    pub head: Head,
    /// When, as the last event before it tells the time.
    pub time: String,
    /// Who signed.
    pub key: PublicKey,
    signature: Vec<u8>,
}

/// A text that is not a checkpoint.
#[derive(Debug, thiserror::Error)]
#[error("a checkpoint is one line of JSON with checkpoint and signature, as the ledger prints it")]
pub struct ReadCheckpoint;

/// One line of an export; the part under `checkpoint` is what is signed.
#[derive(Serialize, Deserialize)]
struct Line {
    checkpoint: Statement,
    signature: String,
}

/// In alphabetical order: the bytes of this are signed.
#[derive(Serialize, Deserialize)]
struct Statement {
    hash: String,
    key: String,
    sequence: u64,
    time: String,
}

impl Checkpoint {
    pub(crate) fn sign(head: Head, time: String, signer: &Signer) -> Self {
        let mut checkpoint = Self { head, time, key: signer.public_key(), signature: Vec::new() };
        checkpoint.signature = signer.sign(&checkpoint.message());
        checkpoint
    }

    /// Whether the key that it names has signed it.
    pub fn is_signed(&self) -> bool {
        self.key.verifies(&self.message(), &self.signature)
    }

    fn statement(&self) -> Statement {
        Statement {
            hash: self.head.hash.to_string(),
            key: self.key.to_string(),
            sequence: self.head.sequence,
            time: self.time.clone(),
        }
    }

    fn message(&self) -> Vec<u8> {
        serde_json::to_vec(&self.statement()).expect("strings and a number are always JSON")
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = Line { checkpoint: self.statement(), signature: hex(&self.signature) };
        f.write_str(&serde_json::to_string(&line).expect("strings and a number are always JSON"))
    }
}

impl FromStr for Checkpoint {
    type Err = ReadCheckpoint;

    fn from_str(text: &str) -> Result<Self, ReadCheckpoint> {
        let line: Line = serde_json::from_str(text).map_err(|_| ReadCheckpoint)?;
        let hash = line.checkpoint.hash.parse().map_err(|()| ReadCheckpoint)?;
        Ok(Self {
            head: Head { sequence: line.checkpoint.sequence, hash },
            time: line.checkpoint.time,
            key: line.checkpoint.key.parse().map_err(|_| ReadCheckpoint)?,
            signature: unhex(&line.signature).ok_or(ReadCheckpoint)?,
        })
    }
}
