//! The chain: each record's hash covers its bytes and the hash before it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256, digest};

/// The place of a record, counted from 1.
pub type Sequence = u64;

/// What the first record's hash follows on. Changing the text makes another kind of ledger.
const GENESIS: &[u8] = b"hash-chained ledger, format 1";

/// A SHA-256 over a record and all records before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

/// Where a chain ends: the number of its last record and that record's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// 0 where there is no record.
    pub sequence: Sequence,
    /// Of the last record, or the genesis.
    pub hash: Hash,
}

impl Head {
    /// Of a chain without records.
    pub fn genesis() -> Self {
        Self { sequence: 0, hash: Hash::of(&[GENESIS]) }
    }

    /// The head once a record with these bytes follows.
    pub(crate) fn followed_by(&self, body: &[u8]) -> Self {
        let length = (body.len() as u64).to_be_bytes();
        Self { sequence: self.sequence + 1, hash: Hash::of(&[&self.hash.0, &length, body]) }
    }
}

impl Hash {
    fn of(parts: &[&[u8]]) -> Self {
        let digest = if let [one] = parts {
            digest(&SHA256, one)
        } else {
            let mut context = Context::new(&SHA256);
            for part in parts {
                context.update(part);
            }
            context.finish()
        };
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash that has these bytes, if they are as many as a hash has.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        unhex(text).and_then(|it| Self::from_bytes(&it)).ok_or(())
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|it| [it >> 4, it & 15]).map(|it| char::from(DIGITS[usize::from(it)])).collect()
}

/// The bytes of lower-case hexadecimal; nothing else is taken, so that one value has one spelling.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |it: u8| match it {
        b'0'..=b'9' => Some(it - b'0'),
        b'a'..=b'f' => Some(it - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}
