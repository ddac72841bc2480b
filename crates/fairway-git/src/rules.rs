//! What may be pushed. Pure: from names, modes and sizes to what is wrong with them.
//!
//! A repository's files are checked out and built by others later, so nothing gets in that could surprise a checkout:
//! no path that leads out of it or into `.git`, no link out of it, no submodule.

mod paths;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use paths::{entry, link, path};

/// How much there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes that one push may send.
    pub push_bytes: u64,
    /// Bytes that a repository may take.
    pub repository_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Files in one commit.
    pub files: usize,
    /// Files that one push may change, over all its commits.
    pub changes: usize,
    /// Branches and tags that one push may change.
    pub updates: usize,
    /// Branches and tags of a repository.
    pub references: usize,
    /// Bytes that a checkout may write.
    pub checkout_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            push_bytes: 512 << 20,
            repository_bytes: 4 << 30,
            file_bytes: 100 << 20,
            files: 50_000,
            changes: 2_000_000,
            updates: 100,
            references: 5_000,
            checkout_bytes: 4 << 30,
        }
    }
}

/// A rule that is broken: where, how, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A path or a ref.
    pub place: String,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub help: String,
}

impl Violation {
    /// Of something that a user named: shown in quotes, so that nothing in it can pass for more than a name.
    pub(crate) fn new(place: &str, why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { place: quoted(place), why: why.into(), help: help.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.why, self.help)
    }
}

/// A name in quotes, escaped and cut.
fn quoted(name: &str) -> String {
    let end = name.floor_char_boundary(200);
    format!("{:?}{}", &name[..end], if end < name.len() { "…" } else { "" })
}

/// Bytes as people read them.
pub(crate) fn bytes(count: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if count >= 1 << shift {
            let tenths = (u128::from(count) * 10) >> shift;
            let fraction = if tenths % 10 == 0 { String::new() } else { format!(".{}", tenths % 10) };
            return format!("{}{fraction} {unit}", tenths / 10);
        }
    }
    format!("{count} bytes")
}

/// A branch or tag that somebody wants to move.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its full name.
    pub reference: &'a str,
    /// Whether it is to be removed.
    pub removed: bool,
    /// Whether commits that it has would be lost from it.
    pub rewritten: bool,
}

/// Whether a branch or tag may be moved so. `protected` is the branch that is never rewritten or removed.
pub fn update(wanted: &Wanted<'_>, protected: &str) -> Result<(), Violation> {
    let Wanted { reference: name, removed, rewritten } = *wanted;
    // What got in before a rule was made may always be removed.
    if !removed {
        reference(name)?;
    }
    if name.strip_prefix("refs/heads/") != Some(protected) {
        return Ok(());
    }
    if removed {
        return Err(Violation::new(
            name,
            "is protected: it cannot be removed",
            format!("to take back a change, push a commit that reverts it (git revert) to {protected}"),
        ));
    }
    if rewritten {
        return Err(Violation::new(
            name,
            "is protected: its history cannot be rewritten",
            format!(
                "fetch it, put your commits on top (git pull --rebase origin {protected}) and push without --force"
            ),
        ));
    }
    Ok(())
}

/// Whether something may be called so: branches and tags, of letters, digits and a few signs.
pub fn reference(name: &str) -> Result<(), Violation> {
    let refuse = |why: String| {
        Err(Violation::new(name, why, "choose another name, such as refs/heads/my-change or refs/tags/v1.0.0"))
    };
    let Some(short) = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")) else {
        return refuse("is neither a branch (refs/heads/…) nor a tag (refs/tags/…)".to_owned());
    };
    if name.len() > 200 {
        return refuse(format!("has {} bytes: 200 are allowed", name.len()));
    }
    let allowed =
        |it: char| it.is_ascii_alphanumeric() || "._-+@#=,/".contains(it) || (!it.is_ascii() && it.is_alphanumeric());
    if let Some(odd) = short.chars().find(|it| !allowed(*it)) {
        return refuse(format!("contains {odd:?}: use letters, digits and . _ - + @ # = , /"));
    }
    if short.len() == 40 && short.bytes().all(|it| it.is_ascii_hexdigit()) {
        return refuse("looks like a commit".to_owned());
    }
    if short == "HEAD" || short == "@" {
        return refuse("is a word of Git's own".to_owned());
    }
    for part in short.split('/') {
        if part.is_empty() || part.starts_with(['-', '.']) || part.ends_with('.') || part.contains("..") {
            return refuse(
                "has a part that is empty, begins with \"-\" or \".\", ends with \".\" or holds \"..\"".to_owned(),
            );
        }
        if std::path::Path::new(part).extension().is_some_and(|it| it.eq_ignore_ascii_case("lock")) {
            return refuse("has a part that ends with \".lock\"".to_owned());
        }
    }
    Ok(())
}

/// Whether a file may be so large.
pub fn file_size(path: &str, size: u64, limits: &Limits) -> Result<(), Violation> {
    if size <= limits.file_bytes {
        return Ok(());
    }
    Err(Violation::new(
        path,
        format!("has {}: a file may have {}", bytes(size), bytes(limits.file_bytes)),
        "keep large files out of the repository (in an image, or in a bucket); take it out of every commit that is pushed \
         (git rm, then git commit --amend or git rebase -i)",
    ))
}

/// Whether a commit may have so many files.
pub fn file_count(reference: &str, count: usize, limits: &Limits) -> Result<(), Violation> {
    if count <= limits.files {
        return Ok(());
    }
    Err(Violation::new(
        reference,
        format!("has more than {} files", limits.files),
        "keep what is generated out of the repository (.gitignore), or split it",
    ))
}

#[cfg(test)]
mod tests;
