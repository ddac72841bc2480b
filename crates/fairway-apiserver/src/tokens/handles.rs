//! Static tokens: long-lived secrets for the people of this machine, kept only as hashes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::{constant_time, digest};
use fairway_clock::World;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Identity;
use crate::pki::{KeepSecret, PrivateFolder};

const FILE: &str = "tokens.json";
/// What every static token starts with, so that it is told from others at a glance, also by secret scanners.
pub(crate) const PREFIX: &str = "tok_";

#[cfg(test)]
mod tests;

/// Static tokens, in memory and in their file.
pub struct StaticTokens {
    folder: PrivateFolder,
    world: World,
    entries: RwLock<BTreeMap<String, Entry>>,
}

/// What is known of a token; never the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// Part of the token, and its name for [`StaticTokens::revoke`].
    pub id: String,
    /// What it is for, in the words of who made it.
    pub purpose: String,
    /// Whom it stands for.
    pub user: String,
    /// The groups it gives, beside `system:authenticated`.
    pub groups: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is void.
    pub expires: Option<Timestamp>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    info: TokenInfo,
    /// SHA-256 of the secret part, in hexadecimal.
    hash: String,
}

/// Why the tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UseTokens {
    /// Their file cannot be read or written.
    #[error("keep the static tokens")]
    Keep(#[source] KeepSecret),
    /// The file is not what it should be.
    #[error("understand {file}; restore it, or remove it and make new tokens")]
    Understand {
        /// The file.
        file: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl StaticTokens {
    /// The tokens kept in a folder; none if there is no file yet.
    pub fn open(folder: &Path, world: World) -> Result<Self, UseTokens> {
        let folder = PrivateFolder::open(folder).map_err(UseTokens::Keep)?;
        let entries: Vec<Entry> = match folder.read(FILE).map_err(UseTokens::Keep)? {
            None => Vec::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|source| UseTokens::Understand { file: folder.file(FILE).display().to_string(), source })?,
        };
        let entries = entries.into_iter().map(|it| (it.info.id.clone(), it)).collect();
        Ok(Self { folder, world, entries: RwLock::new(entries) })
    }

    /// Makes a token that stands for a user. It is told once, here.
    pub fn create(
        &self,
        user: &str,
        groups: &[&str],
        purpose: &str,
        expires: Option<Timestamp>,
    ) -> Result<String, UseTokens> {
        let (id, secret) = (self.world.entropy.hex(6), self.world.entropy.hex(32));
        let info = TokenInfo {
            id: id.clone(),
            purpose: purpose.to_owned(),
            user: user.to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
            created: self.world.clock.now(),
            expires,
        };
        let hash = hex(&hashed(&secret));
        self.change(|entries| entries.insert(id.clone(), Entry { info, hash }).is_none())?;
        Ok(format!("{PREFIX}{id}_{secret}"))
    }

    /// All tokens, also those that are void by now.
    pub fn list(&self) -> Vec<TokenInfo> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).values().map(|it| it.info.clone()).collect()
    }

    /// Makes a token void, from now on and durably. Says whether there was one.
    pub fn revoke(&self, id: &str) -> Result<bool, UseTokens> {
        self.change(|entries| entries.remove(id).is_some())
    }

    /// Whom a token stands for.
    pub(crate) fn verify(&self, token: &str) -> Option<Identity> {
        let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(id)?;
        let hash = hex(&hashed(secret));
        constant_time::verify_slices_are_equal(hash.as_bytes(), entry.hash.as_bytes()).ok()?;
        let TokenInfo { user, groups, expires, .. } = &entry.info;
        if expires.is_some_and(|it| it <= self.world.clock.now()) || user.is_empty() {
            return None;
        }
        let mut groups = groups.clone();
        groups.push("system:authenticated".to_owned());
        let extra = [("authentication.kubernetes.io/credential-id".to_owned(), vec![format!("TOKEN={id}")])];
        Some(Identity { user: user.clone(), uid: None, groups, extra: extra.into(), impersonator: None })
    }

    /// Changes the tokens in the file first, then here: what is acknowledged is kept.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Entry>) -> bool) -> Result<bool, UseTokens> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = entries.clone();
        if !change(&mut changed) {
            return Ok(false);
        }
        let list: Vec<&Entry> = changed.values().collect();
        let text = serde_json::to_string_pretty(&list)
            .map_err(|source| UseTokens::Understand { file: FILE.to_owned(), source })?;
        self.folder.write(FILE, &text).map_err(UseTokens::Keep)?;
        *entries = changed;
        Ok(true)
    }
}

fn hashed(secret: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, secret.as_bytes())
}

fn hex(digest: &digest::Digest) -> String {
    digest.as_ref().iter().map(|it| format!("{it:02x}")).collect()
}
