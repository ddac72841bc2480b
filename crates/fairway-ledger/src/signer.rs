//! The key that signs checkpoints, and its public half.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use fairway_clock::Entropy;

use crate::chain::{hex, unhex};

/// Signs with a key that stands in a file only its owner can read.
pub struct Signer {
    key: Ed25519KeyPair,
}

/// What a signature is checked with: 32 bytes, written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum OpenSigner {
    /// The file cannot be read or made.
    #[error("cannot open the ledger's key {}", path.display())]
    OpenFile {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others can read it.
    #[error("the ledger's key {} can be read by others; run: chmod 600 on it", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("{} does not hold a ledger key (64 hexadecimal digits)", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
}

/// A text that is not a public key.
#[derive(Debug, thiserror::Error)]
#[error("a public key is 64 lower-case hexadecimal digits")]
pub struct ReadPublicKey;

impl Signer {
    /// The key in the file; a new one is made where there is no file.
    pub fn open(path: &Path, entropy: &dyn Entropy) -> Result<Self, OpenSigner> {
        let open = |source| OpenSigner::OpenFile { path: path.to_owned(), source };
        let made = private(OpenOptions::new().write(true).create_new(true)).open(path);
        match made {
            Ok(mut file) => {
                let mut seed = [0; 32];
                entropy.fill(&mut seed);
                file.write_all(format!("{}\n", hex(&seed)).as_bytes()).and_then(|()| file.sync_all()).map_err(open)?;
                Self::from_seed(path, &seed)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(open(error)),
        }
    }

    fn read(path: &Path) -> Result<Self, OpenSigner> {
        let open = |source| OpenSigner::OpenFile { path: path.to_owned(), source };
        if is_exposed(&fs::metadata(path).map_err(open)?) {
            return Err(OpenSigner::Exposed { path: path.to_owned() });
        }
        let text = fs::read(path).map_err(open)?;
        let seed = std::str::from_utf8(&text).ok().and_then(|it| unhex(it.trim_end()));
        Self::from_seed(path, &seed.unwrap_or_default())
    }

    fn from_seed(path: &Path, seed: &[u8]) -> Result<Self, OpenSigner> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed);
        key.map(|key| Self { key }).map_err(|_| OpenSigner::Malformed { path: path.to_owned() })
    }

    /// What its signatures are checked with.
    pub fn public_key(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.key.public_key().as_ref());
        PublicKey(key)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).as_ref().to_vec()
    }
}

impl PublicKey {
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl FromStr for PublicKey {
    type Err = ReadPublicKey;

    fn from_str(text: &str) -> Result<Self, ReadPublicKey> {
        unhex(text).and_then(|it| it.try_into().ok()).map(Self).ok_or(ReadPublicKey)
    }
}

/// A file that is made so can be read by its owner only; elsewhere than on Unix the folder decides.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(unix)]
fn is_exposed(file: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &fs::Metadata) -> bool {
    false
}
