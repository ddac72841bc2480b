//! Versions of Debian packages, and which of two is the later one (deb-version(7)).

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// `[epoch:]upstream[-revision]`. Equal are those that the order does not tell apart, however they are written.
#[derive(Debug, Clone)]
pub(super) struct Version {
    text: String,
    epoch: u32,
    /// Where the upstream part begins and ends.
    upstream: (usize, usize),
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the version of a Debian package")]
pub struct BadVersion(String);

impl Version {
    fn upstream(&self) -> &str {
        &self.text[self.upstream.0..self.upstream.1]
    }

    /// What stands behind the last hyphen; nothing where there is none.
    fn revision(&self) -> &str {
        self.text.get(self.upstream.1 + 1..).unwrap_or_default()
    }
}

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let bad = || BadVersion(text.chars().take(100).collect());
        let (epoch, start) = match text.find(':') {
            Some(colon) => (text[..colon].parse().map_err(|_| bad())?, colon + 1),
            None => (0, 0),
        };
        let end = text[start..].rfind('-').map_or(text.len(), |it| start + it);
        let is_known = |it: u8| it.is_ascii_alphanumeric() || b".+-~:".contains(&it);
        if text.len() > 256 || start == end || !text.bytes().all(is_known) {
            return Err(bad());
        }
        Ok(Self { text: text.to_owned(), epoch, upstream: (start, end) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_upstream = || compare(self.upstream(), other.upstream());
        self.epoch.cmp(&other.epoch).then_with(by_upstream).then_with(|| compare(self.revision(), other.revision()))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

/// By turns a stretch that is no number, compared sign by sign, and one that is, compared by its value.
fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        let (words_a, words_b) = (take(&mut a, false), take(&mut b, false));
        for index in 0..words_a.len().max(words_b.len()) {
            let order = weight(words_a.get(index)).cmp(&weight(words_b.get(index)));
            if order.is_ne() {
                return order;
            }
        }
        let (number_a, number_b) = (without_zeros(take(&mut a, true)), without_zeros(take(&mut b, true)));
        let order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// A tilde comes before the end, the end before letters, letters before everything else.
fn weight(sign: Option<&u8>) -> u16 {
    match sign {
        Some(b'~') => 0,
        None => 1,
        Some(it) if it.is_ascii_alphabetic() => u16::from(*it) + 2,
        Some(it) => u16::from(*it) + 300,
    }
}

fn take<'t>(text: &mut &'t [u8], digits: bool) -> &'t [u8] {
    let length = text.iter().take_while(|it| it.is_ascii_digit() == digits).count();
    let (taken, rest) = text.split_at(length);
    *text = rest;
    taken
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|it| **it == b'0').count();
    &digits[zeros..]
}
