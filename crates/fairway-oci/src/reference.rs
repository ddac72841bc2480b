//! How an image is named: `name:tag` or `name@sha256:…`.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// A name in a store, strictly as the distribution specification has it. There are no defaults: no registry, no
/// `library/`, no `latest`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    name: String,
    target: Target,
}

/// What of a name is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A tag, which can be moved.
    Tag(String),
    /// One content for ever.
    Digest(Digest),
}

/// Why a text is not a reference.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum BadReference {
    #[error(
        "{0:?} is not an image name: it must be lower-case letters, digits and single separators (., _, -) between \
         slashes, 255 characters at most"
    )]
    Name(String),
    #[error("{0:?} is not a tag: it must be 1 to 128 letters, digits, _, . or -, and not begin with . or -")]
    Tag(String),
    #[error("{0:?} has no tag and no digest: write name:tag or name@sha256:…")]
    NoTarget(String),
    #[error("digest of an image name")]
    Digest(#[source] crate::digest::BadDigest),
}

impl Reference {
    /// The reference to a tag or digest of a name.
    pub fn new(name: &str, target: Target) -> Result<Self, BadReference> {
        if !is_name(name) {
            return Err(BadReference::Name(shown(name)));
        }
        match &target {
            Target::Tag(tag) if !is_tag(tag) => Err(BadReference::Tag(shown(tag))),
            _ => Ok(Self { name: name.to_owned(), target }),
        }
    }

    /// The name without tag or digest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What of the name is meant.
    pub fn target(&self) -> &Target {
        &self.target
    }
}

impl FromStr for Target {
    type Err = BadReference;

    /// A tag, or a digest: no tag has a colon.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        if text.contains(':') {
            return text.parse().map(Self::Digest).map_err(BadReference::Digest);
        }
        if is_tag(text) { Ok(Self::Tag(text.to_owned())) } else { Err(BadReference::Tag(shown(text))) }
    }
}

impl FromStr for Reference {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Self, BadReference> {
        if let Some((name, digest)) = text.split_once('@') {
            return Self::new(name, Target::Digest(digest.parse().map_err(BadReference::Digest)?));
        }
        // A colon before the last slash is a port.
        match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => Self::new(name, Target::Tag(tag.to_owned())),
            _ => Err(BadReference::NoTarget(shown(text))),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if matches!(self.target, Target::Tag(_)) { ':' } else { '@' };
        write!(f, "{}{separator}{}", self.name, self.target)
    }
}

/// Whether a text is a repository name. The first part may be a host with a port.
pub(crate) fn is_name(text: &str) -> bool {
    let (host, rest) = match text.split_once('/') {
        Some((host, rest)) if host.contains(':') => (Some(host), rest),
        _ => (None, text),
    };
    let is_port = |it: &str| !it.is_empty() && it.len() <= 5 && it.bytes().all(|b| b.is_ascii_digit());
    let is_host = host.is_none_or(|it| it.split_once(':').is_some_and(|(name, port)| is_part(name) && is_port(port)));
    text.len() <= 255 && is_host && rest.split('/').all(is_part)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_part(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separator = String::new();
    let mut after_plain = false;
    for byte in text.bytes() {
        if is_plain(byte) {
            let is_separator =
                matches!(separator.as_str(), "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
            if !is_separator || !after_plain && !separator.is_empty() {
                return false;
            }
            separator.clear();
            after_plain = true;
        } else if matches!(byte, b'.' | b'_' | b'-') {
            separator.push(char::from(byte));
        } else {
            return false;
        }
    }
    after_plain && separator.is_empty()
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    text.len() <= 128 && bytes.next().is_some_and(is_word) && bytes.all(|it| is_word(it) || matches!(it, b'.' | b'-'))
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}
