//! The packages that there are: what `Packages` files say of them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};

use super::relation::{BadRelation, Group, Relation, is_name};
use super::version::{BadVersion, Version};
use crate::digest::Digest;

/// The longest line of a list.
const MOST_LINE: u64 = 1 << 20;
/// More packages than any archive has.
const MOST_PACKAGES: usize = 500_000;

/// A package of an archive.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: Version,
    /// `all` where it is the same for every one.
    pub(super) architecture: String,
    /// `debian`, `debian-security`.
    pub(super) archive: String,
    /// Below the archive.
    pub(super) path: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// `Pre-Depends` and `Depends`, as written: only those of chosen packages are read.
    pub(super) depends: String,
    /// `Conflicts` and `Breaks`, as written.
    pub(super) conflicts: String,
    pub(super) provides: String,
}

impl Package {
    pub(super) fn needs(&self) -> Result<Vec<Group>, BadRelation> {
        Relation::groups(&self.depends)
    }

    pub(super) fn conflicts(&self) -> Result<Vec<Group>, BadRelation> {
        Relation::groups(&self.conflicts)
    }

    /// The names it stands for besides its own, with the version where one is said.
    pub(super) fn provides(&self) -> Result<Vec<Relation>, BadRelation> {
        Ok(Relation::groups(&self.provides)?.into_iter().flatten().collect())
    }
}

/// All packages of one architecture, the latest of each name.
#[derive(Debug, Default)]
pub(super) struct Universe {
    by_name: BTreeMap<String, Package>,
    providers: BTreeMap<String, Vec<String>>,
}

/// Why a list of packages is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadPackages {
    #[error("read the list")]
    Read(#[source] io::Error),
    #[error("package {package:?} has no field {field} that can be understood")]
    Field { package: String, field: &'static str },
    #[error("package {package}")]
    Version { package: String, source: BadVersion },
    #[error("what package {package} provides")]
    Provides { package: String, source: BadRelation },
    #[error("a line is longer than {MOST_LINE} bytes")]
    LongLine,
    #[error("there are more than {MOST_PACKAGES} packages")]
    TooMany,
}

impl Universe {
    pub(super) fn get(&self, name: &str) -> Option<&Package> {
        self.by_name.get(name)
    }

    /// Those that provide a name, sorted.
    pub(super) fn providers(&self, name: &str) -> impl Iterator<Item = &Package> {
        self.providers.get(name).into_iter().flatten().filter_map(|it| self.by_name.get(it))
    }

    /// Adds the list of an archive. Of two versions the later one stays.
    pub(super) fn read(&mut self, mut list: impl BufRead, archive: &str) -> Result<(), ReadPackages> {
        let mut fields = Fields::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = (&mut list).take(MOST_LINE).read_until(b'\n', &mut line).map_err(ReadPackages::Read)?;
            if count as u64 == MOST_LINE {
                return Err(ReadPackages::LongLine);
            }
            if line.trim_ascii().is_empty() {
                if let Some(package) = std::mem::take(&mut fields).package(archive)? {
                    self.add(package)?;
                }
                if count == 0 {
                    return Ok(());
                }
            } else if let Ok(line) = std::str::from_utf8(&line) {
                fields.take(line.trim_end());
            }
        }
    }

    fn add(&mut self, package: Package) -> Result<(), ReadPackages> {
        if self.by_name.get(&package.name).is_some_and(|it| it.version >= package.version) {
            return Ok(());
        }
        if self.by_name.len() >= MOST_PACKAGES {
            return Err(ReadPackages::TooMany);
        }
        let source = |source| ReadPackages::Provides { package: package.name.clone(), source };
        for provided in package.provides().map_err(source)? {
            let providers = self.providers.entry(provided.name).or_default();
            if let Err(place) = providers.binary_search(&package.name) {
                providers.insert(place, package.name.clone());
            }
        }
        self.by_name.insert(package.name.clone(), package);
        Ok(())
    }
}

/// The fields of one package, as they come.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

/// Those that are wanted; lines that go on from the line before belong to others.
const WANTED: [&str; 11] = [
    "Package",
    "Version",
    "Architecture",
    "Filename",
    "SHA256",
    "Size",
    "Pre-Depends",
    "Depends",
    "Conflicts",
    "Breaks",
    "Provides",
];

impl Fields {
    fn take(&mut self, line: &str) {
        let Some((name, value)) = line.split_once(':') else { return };
        if let Some(name) = WANTED.iter().find(|it| **it == name) {
            self.0.insert(name, value.trim().to_owned());
        }
    }

    fn package(mut self, archive: &str) -> Result<Option<Package>, ReadPackages> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let name = self.0.remove("Package").unwrap_or_default();
        let missing = |field| ReadPackages::Field { package: name.chars().take(100).collect(), field };
        if !is_name(&name) {
            return Err(missing("Package"));
        }
        let mut take = |field| self.0.remove(field).ok_or_else(|| missing(field));
        let version = take("Version")?;
        let version = version.parse().map_err(|source| ReadPackages::Version { package: name.clone(), source })?;
        let path = take("Filename")?;
        let is_plain = |it: &str| !it.is_empty() && it != "." && it != ".." && !it.starts_with('-');
        if !path.split('/').all(is_plain) || !path.bytes().all(|it| it.is_ascii_graphic() && !b"?#%\\".contains(&it)) {
            return Err(missing("Filename"));
        }
        let digest = format!("sha256:{}", take("SHA256")?).parse().map_err(|_| missing("SHA256"))?;
        let size = take("Size")?.parse().map_err(|_| missing("Size"))?;
        let architecture = take("Architecture")?;
        let mut both = |one, other| {
            let lists = [self.0.remove(one), self.0.remove(other)];
            lists.into_iter().flatten().collect::<Vec<_>>().join(", ")
        };
        let (depends, conflicts) = (both("Pre-Depends", "Depends"), both("Conflicts", "Breaks"));
        let provides = self.0.remove("Provides").unwrap_or_default();
        let archive = archive.to_owned();
        Ok(Some(Package { name, version, architecture, archive, path, digest, size, depends, conflicts, provides }))
    }
}
