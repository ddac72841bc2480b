//! The signed index of a suite, `InRelease`: what other files it vouches for, and for how long.

#[cfg(test)]
mod tests;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use super::openpgp::{Keys, VerifyText};
use crate::digest::Digest;

/// How far the clocks of two machines may be apart.
const SKEW: SignedDuration = SignedDuration::from_hours(24);

/// What a suite's index says, believed only after its signature was checked.
#[derive(Debug, Clone)]
pub struct Release {
    /// When it was made.
    pub date: Timestamp,
    /// By which key it was signed.
    pub signed_by: String,
    by_hash: bool,
    files: Vec<File>,
}

/// A file that the index vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// Why an index is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadRelease {
    #[error("it is not signed as it must be")]
    Signature(#[source] VerifyText),
    #[error("it is the index of {found:?}, not of {expected}")]
    OtherSuite { expected: String, found: String },
    #[error("it was good until {until}: the mirror is out of date, or the clock of this machine is wrong")]
    Expired { until: Timestamp },
    #[error("it is from {date}, which is not yet: the clock of this machine is wrong, or the mirror's")]
    InFuture { date: Timestamp },
    #[error("it is from {date}, and a later one, from {known}, was seen before: the mirror goes backwards")]
    WentBack { date: Timestamp, known: Timestamp },
    #[error("its field {0} is missing or not understood")]
    Field(&'static str),
    #[error("it lists no {0}")]
    NoFile(String),
}

impl Release {
    /// Reads and checks the index of a suite. None older than `known` is taken.
    pub fn read(
        message: &[u8],
        keys: &Keys,
        suite: &str,
        now: Timestamp,
        known: Option<Timestamp>,
    ) -> Result<Self, ReadRelease> {
        let signed = keys.verify(message, now).map_err(ReadRelease::Signature)?;
        let field = |name: &str| signed.text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(": "));
        let found = field("Codename").unwrap_or_default();
        if found != suite {
            let found = found.chars().take(100).collect();
            return Err(ReadRelease::OtherSuite { expected: suite.to_owned(), found });
        }
        let date = field("Date").and_then(time).ok_or(ReadRelease::Field("Date"))?;
        if now.checked_add(SKEW).is_ok_and(|it| date > it) {
            return Err(ReadRelease::InFuture { date });
        }
        if let Some(until) = field("Valid-Until") {
            let until = time(until).ok_or(ReadRelease::Field("Valid-Until"))?;
            if until < now {
                return Err(ReadRelease::Expired { until });
            }
        }
        if let Some(known) = known.filter(|it| date < *it) {
            return Err(ReadRelease::WentBack { date, known });
        }
        let by_hash = field("Acquire-By-Hash") == Some("yes");
        Ok(Self { date, signed_by: signed.by, by_hash, files: files(&signed.text)? })
    }

    /// The list of a component's packages, and where it lies below the suite.
    pub(super) fn packages(&self, component: &str, architecture: &str) -> Result<(File, String), ReadRelease> {
        let path = format!("{component}/binary-{architecture}/Packages.xz");
        let file = self.files.iter().find(|it| it.path == path).ok_or(ReadRelease::NoFile(path.clone()))?;
        let folder = path.trim_end_matches("Packages.xz");
        // Under its hash it stays a while when the next one comes.
        let place = if self.by_hash { format!("{folder}by-hash/SHA256/{}", file.digest.hex()) } else { path.clone() };
        Ok((file.clone(), place))
    }
}

fn files(text: &str) -> Result<Vec<File>, ReadRelease> {
    let bad = ReadRelease::Field("SHA256");
    let list = text.lines().skip_while(|it| *it != "SHA256:").skip(1).take_while(|it| it.starts_with(' '));
    let file = |line: &str| {
        let mut words = line.split_whitespace();
        let digest = format!("sha256:{}", words.next()?).parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let path = words.next()?.to_owned();
        words.next().is_none().then_some(File { path, digest, size })
    };
    list.map(|it| file(it).ok_or(bad.clone())).collect()
}

/// `Fri, 20 Nov 2026 02:11:10 UTC`.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim().strip_suffix("UTC").map(|it| format!("{it}+0000"))?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
