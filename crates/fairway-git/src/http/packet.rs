//! Git's lines: four hexadecimal digits of length, then what they count. Pure.

use crate::forge::{Commit, Update};

/// The longest line there is.
const LONGEST: usize = 65_520;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// What it holds.
    Data(&'a [u8]),
    /// A mark between parts: `0000` and its kin.
    Mark,
}

/// Takes the first line off; none where it is not all there yet.
pub(super) fn take(bytes: &[u8]) -> Result<Option<(Packet<'_>, &[u8])>, Malformed> {
    let Some((digits, rest)) = bytes.split_at_checked(4) else { return Ok(None) };
    let text = std::str::from_utf8(digits).ok().filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()));
    let length = text.and_then(|it| usize::from_str_radix(it, 16).ok());
    match length.ok_or(Malformed)? {
        0..=2 => Ok(Some((Packet::Mark, rest))),
        length @ 4..=LONGEST => Ok(rest.split_at_checked(length - 4).map(|(data, rest)| (Packet::Data(data), rest))),
        _ => Err(Malformed),
    }
}

/// What is not made of such lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A line.
pub(super) fn line(data: &[u8]) -> Vec<u8> {
    let mut line = format!("{:04x}", data.len() + 4).into_bytes();
    line.extend_from_slice(data);
    line
}

/// A line that git shows its user: as progress, or as the error that it ends with.
pub(super) fn message(band: u8, text: &str) -> Vec<u8> {
    let mut data = vec![band];
    data.extend_from_slice(&text.as_bytes()[..text.floor_char_boundary(900)]);
    data.push(b'\n');
    line(&data)
}

/// Progress.
pub(super) const PROGRESS: u8 = 2;
/// The error that ends everything.
pub(super) const FATAL: u8 = 3;

/// What a push asks for: `old new ref` up to the first mark. None where it is not all there yet.
pub(super) fn commands(mut bytes: &[u8]) -> Result<Option<Vec<Update>>, Malformed> {
    let mut updates = Vec::new();
    loop {
        let Some((packet, rest)) = take(bytes)? else { return Ok(None) };
        bytes = rest;
        let Packet::Data(data) = packet else { return Ok(Some(updates)) };
        let data = data.split(|it| *it == 0).next().unwrap_or_default();
        let text = std::str::from_utf8(data).map_err(|_| Malformed)?.trim_end_matches('\n');
        // A client that has not all history itself says so first.
        if text.starts_with("shallow ") {
            continue;
        }
        let mut parts = text.splitn(3, ' ');
        let (Some(from), Some(to), Some(reference)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Malformed);
        };
        let (from, to) = (Commit::parse(from).ok(), Commit::parse(to).ok());
        updates.push(Update { reference: reference.to_owned(), from, to });
    }
}

/// The refs that git says it moved.
pub(super) fn moved(report: &[u8]) -> Vec<String> {
    said(report, "ok ")
}

/// What git says of the refs that it did not move.
pub(super) fn refused(report: &[u8]) -> Vec<String> {
    said(report, "ng ")
}

/// What follows a word at the beginning of a line.
fn said(report: &[u8], word: &str) -> Vec<String> {
    let mut said = Vec::new();
    let mut rest = report;
    while let Ok(Some((packet, after))) = take(rest) {
        rest = after;
        let Packet::Data(data) = packet else { continue };
        let text = String::from_utf8_lossy(data);
        said.extend(text.trim_end().strip_prefix(word).map(str::to_owned));
    }
    said
}

#[cfg(test)]
mod tests;
