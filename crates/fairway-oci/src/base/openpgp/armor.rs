//! The text form of packets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::VerifyText;

/// The packets of the one block of a kind. The checksum of the armour protects nobody and is passed over.
pub(super) fn decode(text: &str, kind: &str) -> Result<Vec<u8>, VerifyText> {
    const BROKEN: VerifyText = VerifyText::NotSigned("its armour is broken");
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some(begin.as_str()) {
        return Err(BROKEN);
    }
    // Headers such as `Version:`, up to the empty line.
    for line in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        if !line.contains(": ") {
            return Err(BROKEN);
        }
    }
    let mut base64 = String::new();
    let mut ended = false;
    for line in lines.by_ref() {
        match line {
            _ if line == end => {
                ended = true;
                break;
            }
            _ if line.starts_with('=') && line.len() == 5 => {}
            _ => base64.push_str(line),
        }
    }
    if !ended || lines.any(|it| !it.is_empty()) {
        return Err(VerifyText::NotSigned("something stands behind its signature, or its end is missing"));
    }
    STANDARD.decode(base64).map_err(|_| BROKEN)
}
