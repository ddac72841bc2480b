//! Releases: their content address, their name, the version that comes next, and how people may name one.

use fairway_api::v1alpha1::{Release, ReleaseSpec};

use crate::{Digest, digest_of};

/// The digest of a Release's content. A version is a name for the content, not part of it.
pub fn digest(spec: &ReleaseSpec) -> Digest {
    let mut spec = spec.clone();
    spec.version = None;
    digest_of(&spec)
}

/// The object name that follows from the content.
pub fn name(spec: &ReleaseSpec) -> String {
    format!("{}-{}", spec.component_name, digest(spec).short())
}

/// A semantic version, `v1.2.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64, pub u64, pub u64);

impl Version {
    /// Parses `v1.2.3` or `1.2.3`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts = text.split('.');
        let mut next = || {
            let part = parts.next()?;
            let plain = !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
            let canonical = plain && (part.len() == 1 || !part.starts_with('0'));
            canonical.then(|| part.parse().ok())?
        };
        let version = Self(next()?, next()?, next()?);
        parts.next().is_none().then_some(version)
    }

    /// The one after the highest of `taken`: the next patch, or `v0.1.0` where there is none.
    pub fn after(taken: impl IntoIterator<Item = Version>) -> Self {
        taken.into_iter().max().map_or(Self(0, 1, 0), |it| Self(it.0, it.1, it.2.saturating_add(1)))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why a word names no Release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOne {
    /// Nothing has that name.
    #[error("no release of {component} is called {word:?}; there are {known}")]
    None {
        /// The Component.
        component: String,
        /// What was asked for.
        word: String,
        /// What there is, newest first.
        known: String,
    },
    /// Several have.
    #[error("{word:?} means several releases of {component}: {known}; give more of it")]
    Several {
        /// The Component.
        component: String,
        /// What was asked for.
        word: String,
        /// Which it could be.
        known: String,
    },
}

/// The Release that a person means by a word: a version, a number, a commit, a digest or the object's name; commits
/// and digests may be cut to seven digits or more.
pub fn find<'a>(component: &str, word: &str, releases: &'a [Release]) -> Result<&'a Release, NotOne> {
    let mut of_component: Vec<&Release> = releases.iter().filter(|it| it.spec.component_name == component).collect();
    of_component.sort_by_key(|it| std::cmp::Reverse(number(it)));
    let exact: Vec<&Release> = of_component.iter().copied().filter(|it| is_called(it, word)).collect();
    let matching: Vec<&Release> = if exact.is_empty() {
        of_component.iter().copied().filter(|it| begins_with(it, word)).collect()
    } else {
        exact
    };
    match matching.as_slice() {
        [one] => Ok(one),
        [] => {
            let known = if of_component.is_empty() { "none yet".to_owned() } else { spoken(&of_component) };
            Err(NotOne::None { component: component.to_owned(), word: word.chars().take(80).collect(), known })
        }
        // The same commit built twice: the newest is meant only when all else is equal, so ask.
        several => {
            let known = spoken(several);
            Err(NotOne::Several { component: component.to_owned(), word: word.chars().take(80).collect(), known })
        }
    }
}

/// The version of a Release, or what stands for it while it has none.
pub fn version(release: &Release) -> String {
    release
        .status
        .as_ref()
        .and_then(|it| it.version.clone())
        .or_else(|| release.spec.version.clone())
        .unwrap_or_else(|| release.metadata.name.clone().unwrap_or_default())
}

/// The number of a Release, 0 while it has none.
pub fn number(release: &Release) -> i64 {
    release.status.as_ref().and_then(|it| it.number).unwrap_or(0)
}

fn is_called(release: &Release, word: &str) -> bool {
    let same_version = Version::parse(word).is_some_and(|it| Version::parse(&version(release)) == Some(it));
    let same_number = word.parse::<i64>().is_ok_and(|it| it > 0 && it == number(release));
    same_version
        || same_number
        || release.metadata.name.as_deref() == Some(word)
        || release.spec.source.commit.as_deref() == Some(word)
        || digest(&release.spec).as_str() == word
}

fn begins_with(release: &Release, word: &str) -> bool {
    let hex = word.strip_prefix("sha256:").unwrap_or(word);
    let long_enough = hex.len() >= 7 && hex.bytes().all(|it| it.is_ascii_hexdigit());
    let own = digest(&release.spec);
    let digests = std::iter::once(own.as_str()).chain(release.spec.images.iter().map(|it| it.digest.as_str()));
    let mut digests = digests.filter_map(|it| it.strip_prefix("sha256:"));
    let commit = release.spec.source.commit.as_deref().unwrap_or_default();
    long_enough && (commit.starts_with(hex) || digests.any(|it| it.starts_with(hex)))
}

fn spoken(releases: &[&Release]) -> String {
    let mut words: Vec<String> = releases.iter().take(10).map(|it| version(it)).collect();
    if releases.len() > 10 {
        words.push(format!("and {} more", releases.len() - 10));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests;
