//! A list of allowed destinations, as people write it: `index.crates.io:443, *.crates.io:443`.
//!
//! What cannot be read allows nothing and is told; the rest of the list holds. There is no way to write "everything".

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

/// Destinations of one list; what is beyond is told and allows nothing.
pub const MAX_DESTINATIONS: usize = 256;

/// An allowed list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    allowed: BTreeSet<Destination>,
    unreadable: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Destination {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Host {
    Is(String),
    /// Every name below this one, not itself.
    Below(String),
}

/// Why a text is no host name.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum InvalidHost {
    /// An address.
    #[error("an address cannot be allowed, only a name")]
    Address,
    /// A `*` somewhere else than as the whole first label.
    #[error("a * stands only before a name, as in *.example.com")]
    Star,
    /// A `*` over too much.
    #[error("a * needs a name of at least two labels behind it")]
    TooWide,
    /// Characters, lengths.
    #[error("it is not a host name")]
    Name,
    /// The cluster's own names.
    #[error("names of the cluster need no permission here")]
    Cluster,
}

impl Destinations {
    /// Reads a list, separated by commas or white space.
    pub fn parse(text: &str) -> Self {
        let mut it = Self::default();
        for word in text.split(|it: char| it == ',' || it.is_whitespace()).filter(|it| !it.is_empty()) {
            if it.allowed.len() + it.unreadable.len() >= MAX_DESTINATIONS {
                it.unreadable.push(format!("what is beyond {MAX_DESTINATIONS} entries"));
                break;
            }
            match Destination::parse(word) {
                Ok(destination) => drop(it.allowed.insert(destination)),
                Err(why) => it.unreadable.push(format!("{}: {why}", shown(word))),
            }
        }
        it
    }

    /// What could not be read, and why; nothing of it is allowed.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// How many it allows.
    pub fn len(&self) -> usize {
        self.allowed.len()
    }

    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty()
    }

    /// The ports of a host that are allowed; `host` is as [`host_name`] gives it.
    pub fn ports(&self, host: &str) -> BTreeSet<u16> {
        self.allowed.iter().filter(|it| it.host.covers(host)).map(|it| it.port).collect()
    }

    /// Whether a connection to this port of this host is allowed.
    pub fn has(&self, host: &str, port: u16) -> bool {
        self.allowed.iter().any(|it| it.port == port && it.host.covers(host))
    }
}

/// The list in its one spelling: sorted, each once. Reading it gives the same list.
impl fmt::Display for Destinations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, it) in self.allowed.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match &it.host {
                Host::Is(host) => write!(f, "{comma}{host}:{}", it.port)?,
                Host::Below(host) => write!(f, "{comma}*.{host}:{}", it.port)?,
            }
        }
        Ok(())
    }
}

/// One destination in its one spelling, or why it is none.
pub fn destination(text: &str) -> Result<String, String> {
    let one = Destination::parse(text)?;
    Ok(Destinations { allowed: [one].into(), unreadable: Vec::new() }.to_string())
}

impl Destination {
    fn parse(word: &str) -> Result<Self, String> {
        let (host, port) = word.rsplit_once(':').ok_or("it has no port, as in example.com:443")?;
        let port = port.parse().ok().filter(|it| *it != 0).ok_or("its port is not a number from 1 to 65535")?;
        Host::parse(host).map(|host| Self { host, port }).map_err(|it| it.to_string())
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, InvalidHost> {
        let Some(rest) = text.strip_prefix('*') else { return host_name(text).map(Self::Is) };
        let parent = match rest.strip_prefix('.') {
            Some(it) => host_name(it)?,
            None if rest.is_empty() => return Err(InvalidHost::TooWide),
            None => return Err(InvalidHost::Star),
        };
        if parent.contains('.') { Ok(Self::Below(parent)) } else { Err(InvalidHost::TooWide) }
    }

    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Is(host) => host == name,
            Self::Below(host) => name.strip_suffix(host).is_some_and(|it| it.len() > 1 && it.ends_with('.')),
        }
    }
}

/// A host name in its one spelling: lower case, without a dot at its end. Addresses are none, in whatever notation: a last
/// label that is a number would be read as one by some resolver.
pub fn host_name(text: &str) -> Result<String, InvalidHost> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.contains('*') {
        return Err(InvalidHost::Star);
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    if is_number(last) || last.starts_with("0x") || (name.contains([':', '[']) && !name.contains('/')) {
        return Err(InvalidHost::Address);
    }
    let is_label = |it: &str| {
        let bytes = it.as_bytes();
        let inner = bytes.iter().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'));
        inner && (1..=63).contains(&bytes.len()) && bytes[0] != b'-' && bytes[bytes.len() - 1] != b'-'
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(InvalidHost::Name);
    }
    if name == "cluster.local" || name.ends_with(".cluster.local") {
        return Err(InvalidHost::Cluster);
    }
    Ok(name)
}

/// A word from outside, cut and quoted.
fn shown(word: &str) -> String {
    let cut = word.floor_char_boundary(80);
    if cut < word.len() { format!("{:?}…", &word[..cut]) } else { format!("{word:?}") }
}

#[cfg(test)]
mod tests;
