//! Whether a program needs a dynamic linker: nothing else of the format matters here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const PROGRAM_INTERPRETER: u32 = 3;

/// The dynamic linker that a 64-bit little-endian ELF file asks for; none for a static one, or for another format.
pub(super) fn interpreter(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let mut head = [0u8; 64];
    if file.read_exact(&mut head).is_err() || &head[..6] != b"\x7fELF\x02\x01" {
        return Ok(None);
    }
    let (table, size, count) = (u64_at(&head, 32), u16_at(&head, 54), u16_at(&head, 56));
    if size < 56 {
        return Ok(None);
    }
    for index in 0..u64::from(count) {
        let mut header = [0u8; 56];
        let at = SeekFrom::Start(table.saturating_add(index * u64::from(size)));
        if file.seek(at).is_err() || file.read_exact(&mut header).is_err() {
            return Ok(None);
        }
        if u32_at(&header, 0) == PROGRAM_INTERPRETER {
            let (offset, length) = (u64_at(&header, 8), u64_at(&header, 32).min(4096));
            if file.seek(SeekFrom::Start(offset)).is_err() {
                return Ok(None);
            }
            let mut name = Vec::new();
            (&mut file).take(length).read_to_end(&mut name)?;
            return Ok(Some(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned()));
        }
    }
    Ok(None)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |sum, it| sum << 8 | u32::from(*it))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |sum, it| sum << 8 | u64::from(*it))
}

#[cfg(test)]
mod tests;
