//! Dumps that are kept: what they are called, and the list of them that the jobs of a class write.

use fairway_api::v1alpha1::ResourceBackup;
use jiff::{Timestamp, tz::TimeZone};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// As many are told of.
pub const MAX_BACKUPS: usize = 100;
/// The longest name of a dump.
const MAX_NAME: usize = 120;

/// Why a dump was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Somebody asked for it.
    Asked,
    /// Another one was to be restored.
    Before,
    /// The Resource was to be removed.
    Removed,
}

/// What a dump is called.
pub fn backup_name(resource: &str, sort: Sort, at: Timestamp) -> String {
    let sort = match sort {
        Sort::Asked => "asked",
        Sort::Before => "before",
        Sort::Removed => "removed",
    };
    format!("{resource}-{}-{sort}.dump", at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ"))
}

/// Whether a text can be the name of a dump: it leads nowhere else, and a script may take it as a word.
pub fn may_be_backup(name: &str) -> bool {
    let good = |it: u8| it.is_ascii_alphanumeric() || b"._-".contains(&it);
    name.len() <= MAX_NAME && name.bytes().all(good) && name.bytes().next().is_some_and(|it| it.is_ascii_alphanumeric())
}

/// The dumps that a list names, the newest first. Each line has a name, bytes, and seconds since 1970; another is none.
pub fn listed(text: &str) -> Vec<ResourceBackup> {
    let mut found: Vec<ResourceBackup> = text.lines().filter_map(one).collect();
    found.sort_by(|a, b| (&b.time.0, &b.name).cmp(&(&a.time.0, &a.name)));
    found.truncate(MAX_BACKUPS);
    found
}

fn one(line: &str) -> Option<ResourceBackup> {
    let mut words = line.split(' ');
    let (name, bytes, seconds) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let time = Time(Timestamp::from_second(seconds).ok()?);
    let whole = words.next().is_none() && may_be_backup(name) && bytes >= 0;
    whole.then(|| ResourceBackup { name: name.to_owned(), bytes, time })
}

#[cfg(test)]
mod tests;
