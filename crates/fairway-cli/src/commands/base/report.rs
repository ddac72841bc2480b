//! What is said of bases.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use fairway_oci::base::Change;
use jiff::Timestamp;
use serde::Serialize;

use crate::failure::Exit;
use crate::output::Report;
use crate::text::{columns, span};

/// All bases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaseList {
    /// By name.
    pub items: Vec<BaseRow>,
}

/// One base.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseRow {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How many packages it is made of; nothing where it is not locked.
    pub packages: Option<usize>,
    /// From when its packages are.
    pub snapshot: Option<Timestamp>,
    /// What a Pod names; nothing where it is not built here.
    pub image: Option<String>,
    /// Bytes of its layers.
    pub size: Option<u64>,
}

/// A lock that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseResolved {
    /// The base.
    pub name: String,
    /// The file.
    pub lock: PathBuf,
    /// Packages for this machine.
    pub packages: usize,
    /// From when they are.
    pub snapshot: Timestamp,
    /// What is other than in the lock before.
    pub changes: Vec<Change>,
}

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseBuilt {
    /// The base.
    pub name: String,
    /// What a Pod names.
    pub image: String,
    /// Of its manifest.
    pub digest: String,
    /// Bytes of its layers.
    pub size: u64,
    /// Packages it is made of.
    pub packages: usize,
    /// How long it took, fetching included.
    #[serde(skip)]
    pub took: Duration,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseVerified {
    /// The base.
    pub name: String,
    /// Packages in the cache that are what the lock says.
    pub cached: usize,
    /// Packages that are not there, or are something else.
    pub missing: Vec<String>,
    /// The image in the store, all of whose content is right.
    pub digest: Option<String>,
    /// The image that was built once more to compare.
    pub rebuilt: Option<String>,
}

/// What Debian has newer ones of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaseChanges {
    /// The base.
    pub name: String,
    /// By package.
    pub changes: Vec<Change>,
}

/// `14.4 MB`.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn changes(changes: &[Change]) -> String {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let row = |it: &Change| vec![it.package.clone(), it.architecture.clone(), text(&it.from), text(&it.to)];
    columns(&["PACKAGE", "FOR", "FROM", "TO"], &changes.iter().map(row).collect::<Vec<_>>())
}

impl Report for BaseList {
    fn table(&self) -> String {
        let row = |it: &BaseRow| {
            let packages = it.packages.map(|it| it.to_string()).unwrap_or_default();
            let snapshot = it.snapshot.map(|it| it.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
            let size = it.size.map(megabytes).unwrap_or_default();
            vec![it.name.clone(), packages, snapshot, size, it.description.clone()]
        };
        columns(&["BASE", "PACKAGES", "FROM", "BUILT", "FOR"], &self.items.iter().map(row).collect::<Vec<_>>())
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|it| format!("base/{}", it.name)).collect()
    }
}

impl Report for BaseResolved {
    fn table(&self) -> String {
        let Self { name, lock, packages, snapshot, .. } = self;
        let mut text = format!("{name}: {packages} packages of {snapshot}, locked in {}\n", lock.display());
        if !self.changes.is_empty() {
            text.push_str(&changes(&self.changes));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![format!("base/{}", self.name)]
    }
}

impl Report for BaseBuilt {
    fn table(&self) -> String {
        let Self { name, image, packages, .. } = self;
        format!("{name}: {packages} packages, {}, in {}\n{image}\n", megabytes(self.size), span(self.took))
    }

    fn names(&self) -> Vec<String> {
        vec![self.image.clone()]
    }
}

impl BaseVerified {
    fn differs(&self) -> bool {
        self.rebuilt.is_some() && self.digest.is_some() && self.rebuilt != self.digest
    }
}

impl Report for BaseVerified {
    fn table(&self) -> String {
        let mut text = format!("{}: {} packages are in the cache, and right\n", self.name, self.cached);
        if !self.missing.is_empty() {
            let _ = writeln!(text, "not in the cache: {}", self.missing.join(", "));
        }
        let _ = match &self.digest {
            Some(digest) => writeln!(text, "the image store has {digest}, and all of it is right"),
            None => writeln!(text, "the image is not built here: platform base build {}", self.name),
        };
        if let Some(rebuilt) = &self.rebuilt {
            let verdict = if self.differs() { "it is ANOTHER" } else { "the same" };
            let _ = writeln!(text, "built once more it is {rebuilt}: {verdict}");
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![format!("base/{}", self.name)]
    }

    fn exit(&self) -> Exit {
        let whole = self.missing.is_empty() && self.digest.is_some() && !self.differs();
        if whole { Exit::Done } else { Exit::NotReady }
    }
}

impl Report for BaseChanges {
    fn table(&self) -> String {
        if self.changes.is_empty() {
            return format!("{}: Debian has nothing newer\n", self.name);
        }
        let text = changes(&self.changes);
        format!("{text}{}: platform base resolve {} takes them\n", self.name, self.name)
    }

    fn names(&self) -> Vec<String> {
        self.changes.iter().map(|it| format!("package/{}", it.package)).collect()
    }
}
