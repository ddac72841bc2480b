//! Packets, and the numbers in them.

use super::VerifyText;

pub(super) const SIGNATURE: u8 = 2;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const PUBLIC_SUBKEY: u8 = 14;

/// One packet.
pub(super) struct Packet<'b> {
    pub(super) tag: u8,
    pub(super) body: &'b [u8],
}

/// One packet after the other; the first error is the last.
pub(super) struct Packets<'b> {
    rest: &'b [u8],
}

impl<'b> Packets<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    fn read(&mut self) -> Option<Packet<'b>> {
        let (head, rest) = self.rest.split_first()?;
        let (tag, length, rest) = match head {
            0xc0..=0xff => {
                let (length, rest) = length(rest)?;
                (head & 0x3f, length, rest)
            }
            0x80..=0xbf => {
                // Two bits say how long the length is; packets without one are not read.
                let bytes = [1, 2, 4].get(usize::from(head & 3)).copied()?;
                let (length, rest) = rest.split_at_checked(bytes)?;
                (head >> 2 & 0x0f, number(length)?, rest)
            }
            _ => return None,
        };
        let (body, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Packet { tag, body })
    }
}

impl<'b> Iterator for Packets<'b> {
    type Item = Result<Packet<'b>, VerifyText>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_none() {
            self.rest = &[];
        }
        Some(read.ok_or(VerifyText::BadPacket("a packet is broken")))
    }
}

/// A length of one, two or five bytes, as new packets and subpackets have it. Partial ones are not read.
pub(super) fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [it @ 0..=191, rest @ ..] => Some((usize::from(*it), rest)),
        [high @ 192..=223, low, rest @ ..] => Some((((usize::from(*high) - 192) << 8) + usize::from(*low) + 192, rest)),
        [255, a, b, c, d, rest @ ..] => Some((number(&[*a, *b, *c, *d])?, rest)),
        _ => None,
    }
}

/// A number that says its own length in bits.
pub(super) fn integer(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (bits, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(number(bits)?.div_ceil(8))
}

fn number(bytes: &[u8]) -> Option<usize> {
    let number = bytes.iter().fold(0_u64, |all, it| all << 8 | u64::from(*it));
    usize::try_from(number).ok()
}
