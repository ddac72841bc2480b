//! Content addresses: the SHA-256 of a value's canonical JSON.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

/// `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Digest(String);

impl Digest {
    /// The whole digest.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits: enough for a name.
    pub fn short(&self) -> &str {
        &self.0["sha256:".len()..][..10]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of bytes as they are.
pub(crate) fn digest_of_bytes(bytes: &[u8]) -> Digest {
    let hash = digest(&SHA256, bytes);
    let hex: String = hash.as_ref().iter().map(|it| format!("{it:02x}")).collect();
    Digest(format!("sha256:{hex}"))
}

/// The digest of a value. Keys are sorted at every level, so equal values have equal digests.
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> Digest {
    // Through a tree: maps of a tree are sorted, those of a struct are in field order.
    let tree = serde_json::to_value(value).unwrap_or_default();
    let bytes = serde_json::to_vec(&tree).unwrap_or_default();
    digest_of_bytes(&bytes)
}
