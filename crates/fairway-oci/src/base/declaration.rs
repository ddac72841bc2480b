//! What a base image is to be: `bases/<name>.toml`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::relation::is_name;
use crate::digest::Digest;

/// A base image, as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Declaration {
    /// What it is for, in one sentence.
    pub description: String,
    /// The release of Debian: `bookworm`.
    pub suite: String,
    /// The packages it is made of; what they depend on comes by itself.
    pub packages: Vec<String>,
    /// Packages that others depend on and that are left out nevertheless.
    #[serde(default)]
    pub without: BTreeSet<String>,
    /// Paths that are left out, with all that is below them. `*` at the end means every name that begins so.
    #[serde(default)]
    pub leave_out: Vec<String>,
    /// Who it runs as.
    #[serde(default)]
    pub user: User,
    /// The program and its fixed arguments; none where whoever uses it says.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// Variables.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Folders that its user may write to.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Links: where they are, and where they point to.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
}

/// Who an image runs as. The number is the same in all images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct User {
    /// The name of the user, and of his group.
    pub name: String,
    /// His own folder.
    pub home: String,
}

impl Default for User {
    fn default() -> Self {
        Self { name: "nonroot".to_owned(), home: "/home/nonroot".to_owned() }
    }
}

/// Why a declaration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadDeclaration {
    #[error("it is not TOML of the expected form")]
    Toml(#[source] toml::de::Error),
    #[error("{field} must not have {value:?}: {why}")]
    Value { field: &'static str, value: String, why: &'static str },
}

impl Declaration {
    /// Reads and checks a declaration.
    pub fn parse(text: &str) -> Result<Self, ReadDeclaration> {
        let declaration: Self = toml::from_str(text).map_err(ReadDeclaration::Toml)?;
        declaration.check()?;
        Ok(declaration)
    }

    fn check(&self) -> Result<(), ReadDeclaration> {
        let refuse = |field, value: &str, why| {
            Err(ReadDeclaration::Value { field, value: value.chars().take(100).collect(), why })
        };
        if !is_suite(&self.suite) {
            return refuse("suite", &self.suite, "it is not the name of a release of Debian");
        }
        if self.packages.is_empty() {
            return refuse("packages", "", "an image is made of something");
        }
        for name in self.packages.iter().chain(&self.without) {
            if !is_name(name) {
                return refuse("packages", name, "it is not the name of a package");
            }
        }
        if let Some(both) = self.packages.iter().find(|it| self.without.contains(*it)) {
            return refuse("without", both, "it is among the packages, too");
        }
        let is_user = |it: &str| it.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
        if self.user.name.is_empty() || self.user.name == "root" || !is_user(&self.user.name) {
            return refuse("user.name", &self.user.name, "it must be a plain name, and not root");
        }
        let folders = self.folders.iter().map(|it| ("folders", it)).chain([("user.home", &self.user.home)]);
        let links = self.links.keys().map(|it| ("links", it));
        let left_out = self.leave_out.iter().map(|it| ("leave-out", it));
        for (field, path) in folders.chain(links).chain(left_out) {
            if !is_path(path) {
                return refuse(field, path, "it must be an absolute path without .., . or colons");
            }
        }
        match self.links.values().find(|it| it.is_empty() || it.contains(['\0', '\n'])) {
            Some(target) => refuse("links", target, "a link points somewhere"),
            None => Ok(()),
        }
    }

    /// The digest of all it says, however it is written.
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).expect("a declaration is plain data"))
    }
}

fn is_suite(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_lowercase())
}

fn is_path(text: &str) -> bool {
    let plain = |it: &str| !it.is_empty() && it != "." && it != "..";
    text.len() <= 1024
        && !text.contains([':', '\n', '\0'])
        && text.strip_prefix('/').is_some_and(|it| it.split('/').all(plain))
}
