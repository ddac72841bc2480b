//! The bases that come with the program, and those of a folder.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::declaration::{Declaration, ReadDeclaration};
use super::lock::{Lock, LockedPackage, ReadLock};
use super::openpgp::{Keys, VerifyText};
use crate::{Digest, Platform, Reference, Target};

include!(concat!(env!("OUT_DIR"), "/bases.rs"));

/// What an image is made by: with other files of ours, or another layer, it is another image.
const RECIPE: &str = "1";

/// A base: what it is to be, and which bytes it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// `postgres-15`.
    pub name: String,
    /// What it is to be.
    pub declaration: Declaration,
    /// Which bytes it is made of; none before it was resolved.
    pub lock: Option<Lock>,
}

/// Why there is no such base.
#[derive(Debug, thiserror::Error)]
pub enum ReadBase {
    #[error("there is no base {name:?}; there are {}", known.join(", "))]
    Unknown { name: String, known: Vec<String> },
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the declaration of base {name}")]
    Declaration { name: String, source: ReadDeclaration },
    #[error("the lock of base {name}")]
    Lock { name: String, source: ReadLock },
    #[error("{0:?} is no name of a base: it must be lower-case letters, digits, dots and hyphens")]
    Name(String),
}

/// The names of the bases that come with the program, sorted.
pub fn names() -> Vec<&'static str> {
    BASES.iter().map(|it| it.0).collect()
}

/// The names of all bases: those that come with the program, and those that a folder declares. Sorted.
pub fn names_with(folder: &Path) -> Vec<String> {
    let mut all: BTreeSet<String> = names().into_iter().map(str::to_owned).collect();
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    all.extend(files.filter_map(|it| Some(it.file_name().to_str()?.strip_suffix(".toml")?.to_owned())));
    all.into_iter().collect()
}

/// The keys of the archive that come with the program.
pub(super) fn archive_keys() -> Result<Keys, VerifyText> {
    KEYS.iter().try_fold(Keys::default(), |keys, it| Ok(keys.and(Keys::parse(it)?)))
}

impl Base {
    /// A base that comes with the program.
    pub fn known(name: &str) -> Result<Self, ReadBase> {
        let unknown = || {
            let known = names().into_iter().map(str::to_owned).collect();
            ReadBase::Unknown { name: name.chars().take(100).collect(), known }
        };
        let (name, declaration, lock) = BASES.iter().find(|it| it.0 == name).ok_or_else(unknown)?;
        Self::parse(name, declaration, *lock)
    }

    /// A base by what a folder says of it, and by what comes with the program where the folder says nothing: a later lock,
    /// another declaration, or a base of its own.
    pub fn find(folder: &Path, name: &str) -> Result<Self, ReadBase> {
        if folder.join(format!("{name}.toml")).is_file() {
            return Self::read(folder, name);
        }
        let mut base = Self::known(name)?;
        let path = folder.join(format!("{name}.lock"));
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ReadBase::Read { path, source }),
            // With a newer program comes another declaration: what was locked for the old one counts no more.
            Ok(text) => match Lock::parse(&text, &base.declaration) {
                Err(ReadLock::Stale) => {}
                lock => base.lock = Some(lock.map_err(|source| ReadBase::Lock { name: name.to_owned(), source })?),
            },
        }
        Ok(base)
    }

    /// The base of a folder: `<name>.toml`, and `<name>.lock` where it is there and still fits.
    pub fn read(folder: &Path, name: &str) -> Result<Self, ReadBase> {
        if Reference::new(&format!("bases/{name}"), Target::Tag("x".to_owned())).is_err() || name.contains('/') {
            return Err(ReadBase::Name(name.chars().take(100).collect()));
        }
        let text = |ending: &str| {
            let path = folder.join(format!("{name}.{ending}"));
            fs::read_to_string(&path).map_err(|source| ReadBase::Read { path, source })
        };
        let lock = match text("lock") {
            Err(ReadBase::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
            other => Some(other?),
        };
        Self::parse(name, &text("toml")?, lock.as_deref())
    }

    /// A lock of another declaration is as good as none: it is made anew.
    fn parse(name: &str, declaration: &str, lock: Option<&str>) -> Result<Self, ReadBase> {
        let read = |source| ReadBase::Declaration { name: name.to_owned(), source };
        let declaration = Declaration::parse(declaration).map_err(read)?;
        let lock = match lock.map(|it| Lock::parse(it, &declaration)).transpose() {
            Err(ReadLock::Stale) => None,
            other => other.map_err(|source| ReadBase::Lock { name: name.to_owned(), source })?,
        };
        Ok(Self { name: name.to_owned(), declaration, lock })
    }

    /// What its image is made of, as CycloneDX; nothing where it is not locked for this machine.
    pub fn bill_of_materials(&self) -> Option<Vec<u8>> {
        let packages = self.lock.as_ref()?.of(&Platform::host().architecture).ok()?;
        Some(super::image::cyclone_dx(self, packages))
    }

    /// What tells its image for this machine from all others, without making it; nothing while it has no lock.
    pub fn identity(&self) -> Option<String> {
        let packages = self.lock.as_ref()?.of(&Platform::host().architecture).ok()?;
        Some(self.reference(packages).to_string())
    }

    /// What its image for this machine is called in a store: another name whenever it would be another image.
    pub(super) fn reference(&self, packages: &[LockedPackage]) -> Reference {
        let parts = (RECIPE, Platform::host().architecture, self.declaration.digest(), packages);
        let key = Digest::of(&serde_json::to_vec(&parts).expect("a lock is plain data"));
        Reference::new(&format!("bases/{}", self.name), Target::Tag(key.hex()[..16].to_owned()))
            .expect("the name was checked, and hexadecimal digits are a tag")
    }
}
