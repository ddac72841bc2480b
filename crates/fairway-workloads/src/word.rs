//! Short words that follow from content alone, for names and labels.

use aws_lc_rs::digest::{SHA256, digest};

/// The alphabet of generated names.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The word of these bytes.
pub(crate) fn of(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref()[..10]
        .iter()
        .map(|it| char::from(ALPHABET[usize::from(*it) % ALPHABET.len()]))
        .collect()
}
