//! Signatures of clear-signed texts (RFC 4880, section 7), as far as package archives use them: keys and signatures of
//! version 4, RSA and Ed25519, SHA-256 and longer.
//!
//! Trust is a list of keys, taken as it stands: certificates, expiry dates and webs of trust are not looked at. A key stops
//! being trusted when it is taken off the list. What is given back is the very text that was signed, and no byte around it.

mod armor;
mod clear;
mod packet;
mod signature;

#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use jiff::Timestamp;

use packet::Packets;
use signature::Signature;

/// Keys whose signatures count.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

/// A key, or a subkey.
#[derive(Debug, Clone)]
struct Key {
    fingerprint: Vec<u8>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ed25519(Vec<u8>),
}

/// A text that was signed by a key that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The text, without what it was wrapped in.
    pub text: String,
    /// The fingerprint of the key, in hexadecimal digits.
    pub by: String,
}

/// Why a text is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyText {
    #[error("it is not a text with a signature around it: {0}")]
    NotSigned(&'static str),
    #[error("its signature cannot be read: {0}")]
    BadPacket(&'static str),
    #[error("the text is not the one that was signed by {by}")]
    Altered {
        /// The key.
        by: String,
    },
    #[error("none of its signatures is by a key that is trusted; it is signed by {}", by.join(", "))]
    NotTrusted {
        /// The keys.
        by: Vec<String>,
    },
    #[error("it was signed at {at}, which is not yet: the clock of this machine or of its signer is wrong")]
    InFuture {
        /// When it says that it was signed.
        at: Timestamp,
    },
}

impl Keys {
    /// Reads keys from their armoured form.
    pub fn parse(armored: &str) -> Result<Self, VerifyText> {
        let bytes = armor::decode(armored, "PGP PUBLIC KEY BLOCK")?;
        let mut keys = Vec::new();
        for packet in Packets::new(&bytes) {
            let packet = packet?;
            if matches!(packet.tag, packet::PUBLIC_KEY | packet::PUBLIC_SUBKEY) {
                keys.extend(Key::parse(packet.body)?);
            }
        }
        if keys.is_empty() {
            return Err(VerifyText::BadPacket("there is no key that is understood"));
        }
        Ok(Self(keys))
    }

    /// These and those.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Checks a text: at least one of its signatures is by one of these keys, none of theirs is wrong, and none is from the
    /// future.
    pub fn verify(&self, message: &[u8], now: Timestamp) -> Result<Signed, VerifyText> {
        let clear = clear::parse(message)?;
        let (mut by, mut unknown) = (None, Vec::new());
        for packet in Packets::new(&clear.signatures) {
            let packet = packet?;
            if packet.tag != packet::SIGNATURE {
                return Err(VerifyText::BadPacket("something else stands between the signatures"));
            }
            let signature = Signature::parse(packet.body)?;
            let Some(key) = self.0.iter().find(|it| signature.is_by(&it.fingerprint)) else {
                unknown.push(signature.issuer());
                continue;
            };
            let fingerprint = hex(&key.fingerprint);
            if !signature.is_right(&key.material, clear.signed.as_bytes())? {
                return Err(VerifyText::Altered { by: fingerprint });
            }
            signature.check_time(now)?;
            by.get_or_insert(fingerprint);
        }
        let by = by.ok_or(VerifyText::NotTrusted { by: unknown })?;
        Ok(Signed { text: clear.text, by })
    }
}

impl Key {
    /// Nothing where the key is of a kind that is not understood: others may do.
    fn parse(body: &[u8]) -> Result<Option<Self>, VerifyText> {
        const SHORT: VerifyText = VerifyText::BadPacket("a key ends early");
        let [4, _, _, _, _, algorithm, rest @ ..] = body else { return Ok(None) };
        let material = match algorithm {
            1 | 3 => {
                let (modulus, rest) = packet::integer(rest).ok_or(SHORT)?;
                let (exponent, _) = packet::integer(rest).ok_or(SHORT)?;
                Material::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() }
            }
            22 => {
                let (length, rest) = rest.split_first().ok_or(SHORT)?;
                let (curve, rest) = rest.split_at_checked(usize::from(*length)).ok_or(SHORT)?;
                let (point, _) = packet::integer(rest).ok_or(SHORT)?;
                match point {
                    [0x40, point @ ..] if curve == ED25519 && point.len() == 32 => Material::Ed25519(point.to_vec()),
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let length = u16::try_from(body.len()).map_err(|_| VerifyText::BadPacket("a key is too long"))?;
        let hashed = [&[0x99], &length.to_be_bytes()[..], body].concat();
        let fingerprint = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &hashed).as_ref().to_vec();
        Ok(Some(Self { fingerprint, material }))
    }
}

/// The curve's name: 1.3.6.1.4.1.11591.15.1.
const ED25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02X}")).collect()
}
