//! Signs as GnuPG does, with a key of its own.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use crate::base::Keys;

pub(in crate::base) struct Signer {
    pair: Ed25519KeyPair,
}

impl Signer {
    pub(in crate::base) fn new() -> Self {
        let bytes = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { pair: Ed25519KeyPair::from_pkcs8(bytes.as_ref()).unwrap() }
    }

    fn key(&self) -> Vec<u8> {
        let point = [&[0x40], self.pair.public_key().as_ref()].concat();
        let head = [4, 0x60, 0, 0, 0, 22, 9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
        [&head[..], &number(&point)].concat()
    }

    pub(in crate::base) fn keys(&self) -> Keys {
        Keys::parse(&armored("PGP PUBLIC KEY BLOCK", &packet(6, &self.key()))).unwrap()
    }

    /// The text, clear-signed.
    pub(in crate::base) fn sign(&self, text: &str, at: Timestamp) -> String {
        let key = self.key();
        let length = u16::try_from(key.len()).unwrap().to_be_bytes();
        let fingerprint = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&[0x99][..], &length, &key].concat());
        let at = u32::try_from(at.as_second()).unwrap().to_be_bytes();
        let parts = [&[5, 2][..], &at, &[22, 33, 4], fingerprint.as_ref()].concat();
        let head = [&[4, 1, 22, 8][..], &u16::try_from(parts.len()).unwrap().to_be_bytes(), &parts].concat();
        let end = [&[4, 0xff][..], &u32::try_from(head.len()).unwrap().to_be_bytes()].concat();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let hash = digest::digest(&SHA256, &[lines.join("\r\n").as_bytes(), &head, &end].concat());
        let signature = self.pair.sign(hash.as_ref());
        let (r, s) = signature.as_ref().split_at(32);
        let body = [&head[..], &[0, 0], &hash.as_ref()[..2], &number(r), &number(s)].concat();
        let escaped: String =
            text.lines().map(|it| if it.starts_with('-') { format!("- {it}\n") } else { format!("{it}\n") }).collect();
        format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{escaped}{}",
            armored("PGP SIGNATURE", &packet(2, &body))
        )
    }
}

fn number(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|it| **it == 0).count();
    let bytes = &bytes[zeros..];
    let bits = bytes.len() * 8 - bytes.first().map_or(0, |it| it.leading_zeros() as usize);
    [&u16::try_from(bits).unwrap().to_be_bytes()[..], bytes].concat()
}

fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[0xc0 | tag, u8::try_from(body.len()).unwrap()][..], body].concat()
}

fn armored(kind: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n\n{}\n-----END {kind}-----\n", STANDARD.encode(bytes))
}
