//! The key pair that signs service account tokens: made once, kept private, published as a JSON Web Key.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};

use crate::pki::{KeepSecret, PrivateFolder};

const FILE: &str = "service-account.key";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Signs and checks, ES256 only.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pub(crate) signing: EncodingKey,
    pub(crate) checking: DecodingKey,
    /// The uncompressed point: 4, x, y.
    point: Vec<u8>,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum OpenKey {
    /// Its file cannot be read or written.
    #[error("keep the key of service account tokens")]
    Keep(#[source] KeepSecret),
    /// Its file holds something else.
    #[error("understand {file}; restore it, or remove it (every service account token becomes void)")]
    Understand {
        /// The file.
        file: String,
    },
    /// No key could be made.
    #[error("make a key for service account tokens")]
    Make,
}

impl SigningKey {
    /// The key in the folder, which is made if it is not there.
    pub(crate) fn open(folder: &PrivateFolder) -> Result<Self, OpenKey> {
        if let Some(text) = folder.read(FILE).map_err(OpenKey::Keep)? {
            let file = folder.file(FILE).display().to_string();
            return decoded(&text).and_then(|it| Self::of(&it)).ok_or(OpenKey::Understand { file });
        }
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| OpenKey::Make)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| OpenKey::Make)?;
        let key = Self::of(pkcs8.as_ref()).ok_or(OpenKey::Make)?;
        folder.write(FILE, &encoded(pkcs8.as_ref())).map_err(OpenKey::Keep)?;
        Ok(key)
    }

    fn of(pkcs8: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        let point = pair.public_key().as_ref().to_vec();
        let info = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).ok()?;
        let id = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, info.as_ref()));
        let (signing, checking) = (EncodingKey::from_ec_der(pkcs8), DecodingKey::from_ec_der(&point));
        Some(Self { id, signing, checking, point })
    }

    /// The key set by which others can check our tokens.
    pub(crate) fn public(&self) -> Value {
        let (x, y) = self.point[1..].split_at((self.point.len() - 1) / 2);
        json!({ "keys": [{
            "use": "sig", "kty": "EC", "kid": self.id, "crv": "P-256", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }] })
    }
}

fn encoded(pkcs8: &[u8]) -> String {
    let text = STANDARD.encode(pkcs8);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|it| std::str::from_utf8(it).ok()).collect();
    format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let inner = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let inner: String = inner.split_whitespace().collect();
    STANDARD.decode(inner).ok()
}

#[cfg(test)]
mod tests;
