//! Which packages a base image is made of, to the byte: `bases/<name>.lock`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::declaration::Declaration;
use crate::digest::Digest;

/// The form of the file.
const VERSION: u32 = 1;

/// All packages of a base image, for each architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// The declaration it was made from.
    pub declaration: Digest,
    /// The indexes it was made from, by suite, and when each was made.
    pub indexes: BTreeMap<String, Timestamp>,
    /// By architecture, sorted by name.
    pub packages: BTreeMap<String, Vec<LockedPackage>>,
}

/// One package, to the byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedPackage {
    pub name: String,
    pub version: String,
    /// `all` where it is the same for every one.
    pub architecture: String,
    /// `debian`, `debian-security`: which mirrors have it.
    pub archive: String,
    /// Below the archive.
    pub path: String,
    pub size: u64,
    pub digest: Digest,
}

/// What differs between two locks, by package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub package: String,
    pub architecture: String,
    /// Nothing where it was not there.
    pub from: Option<String>,
    /// Nothing where it is no longer there.
    pub to: Option<String>,
}

/// Why a lock is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadLock {
    #[error("it is not TOML of the expected form")]
    Toml(#[source] toml::de::Error),
    #[error("it has version {0}, and {VERSION} is understood")]
    Version(u32),
    #[error("it was made from another declaration")]
    Stale,
    #[error("it has no packages for {0}")]
    NoArchitecture(String),
    #[error("the path {0:?} is not below an archive")]
    Path(String),
}

impl Lock {
    pub(super) fn new(
        declaration: &Declaration,
        indexes: BTreeMap<String, Timestamp>,
        packages: BTreeMap<String, Vec<LockedPackage>>,
    ) -> Self {
        Self { version: VERSION, declaration: declaration.digest(), indexes, packages }
    }

    /// Reads the lock of a declaration.
    pub fn parse(text: &str, declaration: &Declaration) -> Result<Self, ReadLock> {
        let lock: Self = toml::from_str(text).map_err(ReadLock::Toml)?;
        if lock.version != VERSION {
            return Err(ReadLock::Version(lock.version));
        }
        if lock.declaration != declaration.digest() {
            return Err(ReadLock::Stale);
        }
        let plain = |it: &str| {
            !it.is_empty() && it.split('/').all(|it| !matches!(it, "" | "." | "..")) && !it.contains(['?', '#', '%'])
        };
        match lock.packages.values().flatten().find(|it| !plain(&it.path) || !plain(&it.archive)) {
            Some(bad) => Err(ReadLock::Path(bad.path.chars().take(100).collect())),
            None => Ok(lock),
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut text = String::from("# Made by `platform base resolve`; not to be edited.\n");
        let _ = writeln!(text, "version = {}\ndeclaration = \"{}\"\n\n[indexes]", self.version, self.declaration);
        for (suite, date) in &self.indexes {
            let _ = writeln!(text, "{suite} = \"{date}\"");
        }
        text.push_str("\n[packages]\n");
        for (architecture, packages) in &self.packages {
            let _ = writeln!(text, "{architecture} = [");
            for it in packages {
                let _ = writeln!(
                    text,
                    "  {{ name = \"{}\", version = \"{}\", architecture = \"{}\", archive = \"{}\", size = {}, \
                     path = \"{}\", digest = \"{}\" }},",
                    it.name, it.version, it.architecture, it.archive, it.size, it.path, it.digest
                );
            }
            text.push_str("]\n");
        }
        text
    }

    /// The packages of an architecture.
    pub fn of(&self, architecture: &str) -> Result<&[LockedPackage], ReadLock> {
        let found = self.packages.get(architecture);
        found.map(Vec::as_slice).ok_or_else(|| ReadLock::NoArchitecture(architecture.to_owned()))
    }

    /// When the latest of its indexes was made.
    pub fn snapshot(&self) -> Timestamp {
        self.indexes.values().max().copied().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// What is other in a later one.
    pub fn changes(&self, later: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let versions = |lock: &Self| -> BTreeMap<(String, String), (String, Digest)> {
            let of = |(architecture, list): (&String, &Vec<LockedPackage>)| {
                let key = architecture.clone();
                let row =
                    move |it: &LockedPackage| ((it.name.clone(), key.clone()), (it.version.clone(), it.digest.clone()));
                list.iter().map(row).collect::<Vec<_>>()
            };
            lock.packages.iter().flat_map(of).collect()
        };
        let (old, new) = (versions(self), versions(later));
        let names: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for key in names {
            let (from, to) = (old.get(key), new.get(key));
            if from != to {
                let version = |it: Option<&(String, Digest)>| it.map(|it| it.0.clone());
                let (package, architecture) = key.clone();
                changes.push(Change { package, architecture, from: version(from), to: version(to) });
            }
        }
        changes
    }
}
