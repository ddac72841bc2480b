//! One signature.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use jiff::{SignedDuration, Timestamp};

use super::packet::{integer, length};
use super::{Material, VerifyText, hex};

/// How far clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_hours(24);
/// The signature of a text, in which line ends do not count.
const OF_TEXT: u8 = 1;

/// A signature of version 4.
pub(super) struct Signature<'b> {
    algorithm: u8,
    hash: Hash,
    /// What of the packet itself is signed with the text.
    head: &'b [u8],
    created: Timestamp,
    /// A fingerprint, or the last eight bytes of one.
    issuer: Vec<u8>,
    numbers: &'b [u8],
}

#[derive(Debug, Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl<'b> Signature<'b> {
    pub(super) fn parse(body: &'b [u8]) -> Result<Self, VerifyText> {
        const SHORT: VerifyText = VerifyText::BadPacket("it ends early");
        let [version, kind, algorithm, hash, high, low, rest @ ..] = body else { return Err(SHORT) };
        if *version != 4 || *kind != OF_TEXT {
            return Err(VerifyText::BadPacket("it is not the signature of a text, or of an old version"));
        }
        let hash = match hash {
            8 => Hash::Sha256,
            9 => Hash::Sha384,
            10 => Hash::Sha512,
            _ => return Err(VerifyText::BadPacket("its hash is too weak or not known")),
        };
        let hashed = usize::from(u16::from_be_bytes([*high, *low]));
        let (subpackets, rest) = rest.split_at_checked(hashed).ok_or(SHORT)?;
        let (unhashed, rest) = rest.split_at_checked(2).ok_or(SHORT)?;
        let unhashed = usize::from(u16::from_be_bytes([unhashed[0], unhashed[1]]));
        let (unhashed, rest) = rest.split_at_checked(unhashed).ok_or(SHORT)?;
        let mut facts = Facts::default();
        facts.read(subpackets, true)?;
        facts.read(unhashed, false)?;
        Ok(Self {
            algorithm: *algorithm,
            hash,
            head: &body[..6 + hashed],
            created: facts.created.ok_or(VerifyText::BadPacket("it does not say when it was made"))?,
            issuer: facts.issuer.ok_or(VerifyText::BadPacket("it does not say by whom it was made"))?,
            // Two bytes of the hash come first, for those who like to guess.
            numbers: rest.get(2..).ok_or(SHORT)?,
        })
    }

    pub(super) fn is_by(&self, fingerprint: &[u8]) -> bool {
        self.issuer.len() >= 8 && fingerprint.ends_with(&self.issuer)
    }

    pub(super) fn issuer(&self) -> String {
        hex(&self.issuer)
    }

    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), VerifyText> {
        let latest = now.checked_add(SKEW).unwrap_or(Timestamp::MAX);
        if self.created > latest { Err(VerifyText::InFuture { at: self.created }) } else { Ok(()) }
    }

    /// Whether the owner of the key signed this text.
    pub(super) fn is_right(&self, key: &Material, text: &[u8]) -> Result<bool, VerifyText> {
        const SHORT: VerifyText = VerifyText::BadPacket("its numbers end early");
        let length = u32::try_from(self.head.len()).map_err(|_| SHORT)?;
        let signed = [text, self.head, &[4, 0xff], &length.to_be_bytes()].concat();
        let (first, rest) = integer(self.numbers).ok_or(SHORT)?;
        Ok(match key {
            Material::Rsa { modulus, exponent } if matches!(self.algorithm, 1 | 3) => {
                let Some(signature) = padded(first, modulus.len()) else { return Ok(false) };
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(self.hash.of_rsa(), &signed, &signature).is_ok()
            }
            Material::Ed25519(point) if self.algorithm == 22 => {
                let (second, _) = integer(rest).ok_or(SHORT)?;
                let (Some(r), Some(s)) = (padded(first, 32), padded(second, 32)) else { return Ok(false) };
                let digest = digest::digest(self.hash.algorithm(), &signed);
                UnparsedPublicKey::new(&ED25519, point).verify(digest.as_ref(), &[r, s].concat()).is_ok()
            }
            _ => return Err(VerifyText::BadPacket("it is of another kind than its key")),
        })
    }
}

/// What subpackets say.
#[derive(Default)]
struct Facts {
    created: Option<Timestamp>,
    issuer: Option<Vec<u8>>,
}

impl Facts {
    /// Only what is signed is believed; the issuer may stand outside, for the signature itself proves it.
    fn read(&mut self, mut bytes: &[u8], signed: bool) -> Result<(), VerifyText> {
        const BROKEN: VerifyText = VerifyText::BadPacket("a part of it is broken");
        while !bytes.is_empty() {
            let (length, rest) = length(bytes).ok_or(BROKEN)?;
            let (packet, rest) = rest.split_at_checked(length).ok_or(BROKEN)?;
            let (kind, value) = packet.split_first().ok_or(BROKEN)?;
            match (kind & 0x7f, value) {
                (2, [a, b, c, d]) if signed => {
                    let seconds = u32::from_be_bytes([*a, *b, *c, *d]);
                    self.created = Timestamp::from_second(i64::from(seconds)).ok();
                }
                (33, [4, fingerprint @ ..]) if fingerprint.len() == 20 => self.issuer = Some(fingerprint.to_vec()),
                (16, id) if id.len() == 8 => {
                    self.issuer.get_or_insert(id.to_vec());
                }
                // A notation, the signer's name, and where his key is, change nothing.
                (20 | 24 | 28, _) => {}
                _ if signed && kind & 0x80 != 0 => {
                    return Err(VerifyText::BadPacket("it demands something that is not understood"));
                }
                _ => {}
            }
            bytes = rest;
        }
        Ok(())
    }
}

impl Hash {
    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }

    fn of_rsa(self) -> &'static RsaParameters {
        match self {
            Self::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

/// With zeros before it, to a length.
fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let zeros = length.checked_sub(number.len())?;
    Some([vec![0; zeros], number.to_vec()].concat())
}
