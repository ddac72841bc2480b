//! Mirrors of archives: where files come from, believing nothing that they send.
//!
//! A file is asked for by its path at one mirror after the other, until one has it as it should be. Its length and digest
//! are known before, so nothing more is read than there may be, and a mirror that sends it too slowly is left.

mod http;

use std::collections::BTreeMap;

use bytes::Bytes;
use fairway_outside::trust::{Bundle, ReadBundle};
use fairway_outside::{Outside, proxies::Proxies};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cache::{Cache, UseCache};
use crate::digest::Digest;

pub use http::FetchFile;

use http::Client;

/// The variables that name mirrors, the archive that each is of, and those that are used where it names none.
const ARCHIVES: [(&str, &str, &[&str]); 2] = [
    (
        "FAIRWAY_DEBIAN_MIRRORS",
        "debian",
        &["https://deb.debian.org/debian", "https://snapshot.debian.org/archive/debian/{snapshot}"],
    ),
    (
        "FAIRWAY_DEBIAN_SECURITY_MIRRORS",
        "debian-security",
        &[
            "https://deb.debian.org/debian-security",
            "https://security.debian.org/debian-security",
            "https://snapshot.debian.org/archive/debian-security/{snapshot}",
        ],
    ),
];
/// What stands in a mirror's address for the time of a lock: archives of all that ever was are asked so.
const SNAPSHOT: &str = "{snapshot}";
/// No index is longer.
const MOST_INDEX: u64 = 4 << 20;

/// All mirrors, and the way to them.
#[derive(Clone)]
pub struct Mirrors {
    client: Client,
    by_archive: BTreeMap<String, Vec<String>>,
}

/// Why a file did not come.
#[derive(Debug, thiserror::Error)]
pub enum AskMirrors {
    #[error("no mirror of {0} is known")]
    NoMirror(String),
    #[error("fetch {url}")]
    Fetch { url: String, source: FetchFile },
    #[error("keep {url}")]
    Keep { url: String, source: UseCache },
    #[error("no mirror has {path} any more; asked were {}", asked.join(", "))]
    Gone { path: String, asked: Vec<String> },
}

/// A file that is known before it comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) archive: &'a str,
    pub(super) path: &'a str,
    pub(super) digest: &'a Digest,
    pub(super) size: u64,
}

impl Mirrors {
    /// The mirrors, proxies and authorities that the environment names. Mirrors may be anywhere: who runs this machine
    /// named them.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ReadBundle> {
        let by_archive = ARCHIVES.iter().map(|(name, archive, usual)| {
            let named = variable(name).unwrap_or_default();
            let named: Vec<String> = named.split([',', ' ']).filter(|it| !it.is_empty()).map(trimmed).collect();
            let urls = if named.is_empty() { usual.iter().map(|it| trimmed(it)).collect() } else { named };
            ((*archive).to_owned(), urls)
        });
        let by_archive = by_archive.collect();
        let authorities = Bundle::find(&variable).certificates()?;
        let outside = Outside::anywhere(Proxies::read(&variable));
        Ok(Self { client: Client::new(outside, &authorities), by_archive })
    }

    fn urls(&self, archive: &str, snapshot: Option<Timestamp>) -> Result<Vec<String>, AskMirrors> {
        let of_archive = self.by_archive.get(archive).ok_or_else(|| AskMirrors::NoMirror(archive.to_owned()))?;
        let at = |url: &String| match (url.contains(SNAPSHOT), snapshot) {
            (false, _) => Some(url.clone()),
            (true, Some(at)) => {
                let at = at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
                Some(url.replace(SNAPSHOT, &at))
            }
            // An index is asked for as it is now.
            (true, None) => None,
        };
        Ok(of_archive.iter().filter_map(at).collect())
    }

    /// Fetches an index, whose bytes are not known before.
    pub(super) async fn index(&self, archive: &str, path: &str) -> Result<Vec<u8>, AskMirrors> {
        let mut last = AskMirrors::NoMirror(archive.to_owned());
        for mirror in self.urls(archive, None)? {
            let url = format!("{mirror}/{path}");
            let mut bytes = Vec::new();
            let take = |part: &Bytes| {
                bytes.extend_from_slice(part);
                Ok(())
            };
            match self.client.get(&url, MOST_INDEX, false, take).await {
                Ok(()) => return Ok(bytes),
                Err(source) => last = AskMirrors::Fetch { url, source },
            }
        }
        Err(last)
    }

    /// Fetches a file into the cache, if it is not there.
    pub(super) async fn fetch(
        &self,
        wanted: Wanted<'_>,
        snapshot: Option<Timestamp>,
        cache: &Cache,
    ) -> Result<(), AskMirrors> {
        let mut last = None;
        let mut asked = Vec::new();
        for mirror in self.urls(wanted.archive, snapshot)? {
            let url = format!("{mirror}/{}", wanted.path);
            match self.fetch_from(&url, wanted, cache).await {
                Ok(()) => return Ok(()),
                Err(AskMirrors::Fetch { source: FetchFile::NotFound, .. }) => asked.push(mirror),
                // What went wrong at the first is what people can mend; the others are asked for its sake.
                Err(error) => last = last.or(Some(error)),
            }
        }
        let gone = || AskMirrors::Gone { path: wanted.path.to_owned(), asked };
        Err(last.unwrap_or_else(gone))
    }

    async fn fetch_from(&self, url: &str, wanted: Wanted<'_>, cache: &Cache) -> Result<(), AskMirrors> {
        let keep = |source| AskMirrors::Keep { url: url.to_owned(), source };
        let failed = |source| AskMirrors::Fetch { url: url.to_owned(), source };
        let mut incoming = cache.begin(wanted.digest).map_err(keep)?;
        let mut disk = None;
        let take = |part: &Bytes| {
            // Small writes to a local disk.
            incoming.write(part).map_err(|why| {
                disk = Some(why);
                FetchFile::Stopped
            })
        };
        let done = self.client.get(url, wanted.size, true, take).await;
        if let Some(why) = disk {
            return Err(keep(why));
        }
        done.map_err(failed)?;
        let length = incoming.length();
        let finished = incoming.finish(wanted.digest).map_err(keep)?;
        finished.map_err(|found| failed(FetchFile::WrongDigest { expected: wanted.digest.clone(), found, length }))
    }
}

fn trimmed(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
