//! Locking and building, from beginning to end.

mod choose;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fairway_outside::trust::ReadBundle;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::cache::{Cache, UseCache};
use super::image::{self, AssembleBase};
use super::known::{Base, archive_keys};
use super::lock::{LockedPackage, ReadLock};
use super::mirror::{AskMirrors, Mirrors, Wanted};
use super::openpgp::{Keys, VerifyText};
use super::packages::ReadPackages;
use super::release::ReadRelease;
use super::resolve::ResolvePackages;
use crate::{Descriptor, Layout, LayoutError, Platform, Reference, Target};

/// Packages that come at a time.
const AT_ONCE: usize = 4;

/// Where packages come from and where they are kept.
#[derive(Clone)]
pub struct Sources {
    /// Where they come from.
    pub mirrors: Mirrors,
    /// Where they are kept.
    pub cache: Cache,
    /// Who signs what packages there are.
    pub keys: Keys,
}

/// A base image in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// `bases/postgres-15@sha256:…`.
    pub reference: Reference,
    /// Of its manifest.
    pub descriptor: Descriptor,
    /// What it starts.
    pub entrypoint: Vec<String>,
    /// Bytes of its layers, as they are stored.
    pub size: u64,
    /// Packages that it is made of.
    pub packages: usize,
}

/// What is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The archive is asked what packages there are.
    Index { suite: String },
    /// Packages come.
    Fetching { package: usize, of: usize },
    /// They are taken apart.
    Unpacking { package: usize, of: usize },
    /// Their files become an image.
    Building,
}

/// Whether what a lock names is there and right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// Packages in the cache that are right.
    pub cached: usize,
    /// Packages that are not in the cache, or were changed there and are gone now.
    pub missing: Vec<String>,
    /// The image, if the store has it and all its content is right.
    pub made: Option<Made>,
}

/// Why there is no base image.
#[derive(Debug, thiserror::Error)]
pub enum MakeBase {
    #[error("find where packages are kept")]
    Cache(#[source] UseCache),
    #[error("read the certificate authorities")]
    Authorities(#[source] ReadBundle),
    #[error("read the keys of the archive")]
    Keys(#[source] VerifyText),
    #[error("fetch the index of {suite}")]
    Index { suite: String, source: AskMirrors },
    #[error("the index of {suite} is refused")]
    Release { suite: String, source: ReadRelease },
    #[error("fetch the packages of {suite}")]
    FetchList { suite: String, source: AskMirrors },
    #[error("read the packages of {suite}")]
    List { suite: String, source: ReadPackages },
    #[error("choose the packages for {architecture}")]
    Resolve { architecture: String, source: ResolvePackages },
    #[error("base {0} is not locked for its declaration")]
    NotLocked(String),
    #[error("the lock of base {name}")]
    Lock { name: String, source: ReadLock },
    #[error("fetch package {package}")]
    Fetch { package: String, source: AskMirrors },
    #[error("build base {name}")]
    Assemble { name: String, source: Box<AssembleBase> },
    #[error("keep base {name} in the image store")]
    Store { name: String, source: LayoutError },
    #[error("the work was ended")]
    Ended,
}

impl MakeBase {
    /// What to do about it.
    pub fn next_step(&self, name: &str) -> Option<String> {
        match self {
            Self::NotLocked(_) | Self::Lock { .. } | Self::Fetch { source: AskMirrors::Gone { .. }, .. } => {
                Some(format!("platform base resolve {name}"))
            }
            Self::Index { .. } | Self::FetchList { .. } | Self::Fetch { .. } => {
                Some("check the network, HTTPS_PROXY and FAIRWAY_DEBIAN_MIRRORS (docs/reference/bases.md)".to_owned())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { suite } => write!(f, "asking what packages {suite} has"),
            Self::Fetching { package, of } => write!(f, "fetching package {package} of {of}"),
            Self::Unpacking { package, of } => write!(f, "unpacking package {package} of {of}"),
            Self::Building => f.write_str("building the image"),
        }
    }
}

impl Sources {
    /// Those that the environment names.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MakeBase> {
        let cache = Cache::find(|name| variable(name).map(PathBuf::from)).map_err(MakeBase::Cache)?;
        let mirrors = Mirrors::find(&variable).map_err(MakeBase::Authorities)?;
        Ok(Self { mirrors, cache, keys: archive_keys().map_err(MakeBase::Keys)? })
    }

    /// A file of the cache, fetched if it is not there.
    async fn have(&self, wanted: Wanted<'_>, snapshot: Option<Timestamp>) -> Result<File, AskMirrors> {
        let keep = |source| AskMirrors::Keep { url: wanted.path.to_owned(), source };
        if let Some(file) = self.look(wanted).await.map_err(keep)? {
            return Ok(file);
        }
        self.mirrors.fetch(wanted, snapshot, &self.cache).await?;
        let gone = || UseCache::Read { path: self.cache.root().to_owned(), source: io::ErrorKind::NotFound.into() };
        self.look(wanted).await.and_then(|it| it.ok_or_else(gone)).map_err(keep)
    }

    /// Reading a whole file takes a moment: not on a thread that others wait for.
    async fn look(&self, wanted: Wanted<'_>) -> Result<Option<File>, UseCache> {
        let (cache, digest, size) = (self.cache.clone(), wanted.digest.clone(), wanted.size);
        let opened = tokio::task::spawn_blocking(move || cache.open(&digest, size)).await;
        opened.unwrap_or(Ok(None))
    }

    /// Fetches the packages of a base that the cache does not have.
    pub async fn fetch(&self, base: &Base, progress: &(dyn Fn(Progress) + Sync)) -> Result<(), MakeBase> {
        let lock = base.lock.as_ref().ok_or_else(|| MakeBase::NotLocked(base.name.clone()))?;
        let packages = packages_of(base)?;
        let (done, of) = (AtomicUsize::new(0), packages.len());
        let snapshot = Some(lock.snapshot());
        progress(Progress::Fetching { package: 1, of });
        let fetched = futures::stream::iter(packages.to_vec()).map(|package| {
            let done = &done;
            async move {
                self.fetch_package(&package, snapshot).await?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress(Progress::Fetching { package: (done + 1).min(of), of });
                Ok(())
            }
        });
        // In order: of several that fail, the same one is told every time.
        fetched.buffered(AT_ONCE).try_collect().await
    }

    async fn fetch_package(&self, package: &LockedPackage, snapshot: Option<Timestamp>) -> Result<(), MakeBase> {
        let LockedPackage { archive, path, digest, size, .. } = package;
        let had = self.have(Wanted { archive, path, digest, size: *size }, snapshot).await;
        had.map(drop).map_err(|source| MakeBase::Fetch { package: package.name.clone(), source })
    }

    /// The image of a base: out of the store, else made of its packages.
    pub async fn make(
        &self,
        layout: &Layout,
        base: &Base,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> Result<Made, MakeBase> {
        if let Some(made) = find(layout, base)? {
            return Ok(made);
        }
        self.build(layout, base, progress).await
    }

    /// The image of a base, made of its packages whether or not the store has it.
    pub async fn build(
        &self,
        layout: &Layout,
        base: &Base,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> Result<Made, MakeBase> {
        let step = Arc::clone(&progress);
        self.fetch(base, &move |it| step(it)).await?;
        let (layout, base, cache) = (layout.clone(), base.clone(), self.cache.clone());
        blocking(move || {
            let packages = packages_of(&base)?;
            let built = image::build(&layout, &base, packages, &cache, &*progress);
            let built = built.map_err(|it| MakeBase::Assemble { name: base.name.clone(), source: Box::new(it) })?;
            let store = |source| MakeBase::Store { name: base.name.clone(), source };
            layout.tag(&base.reference(packages), &built).map_err(store)?;
            made(&layout, &base, built, packages.len()).map_err(store)
        })
        .await
    }

    /// Looks whether all that the lock names is there and right, and the image with it.
    pub async fn check(&self, layout: &Layout, base: &Base) -> Result<Check, MakeBase> {
        let (layout, base, cache) = (layout.clone(), base.clone(), self.cache.clone());
        blocking(move || {
            let mut check = Check::default();
            for package in packages_of(&base)? {
                match cache.open(&package.digest, package.size).map_err(MakeBase::Cache)? {
                    Some(_) => check.cached += 1,
                    None => check.missing.push(package.name.clone()),
                }
            }
            check.made = find(&layout, &base)?;
            if let Some(made) = &check.made {
                let store = |source| MakeBase::Store { name: base.name.clone(), source };
                let (_, manifest) = layout.manifest(&made.descriptor, &Platform::host()).map_err(store)?;
                for part in manifest.layers.iter().chain([&manifest.config]) {
                    layout.check_blob(&part.digest).map_err(store)?;
                }
            }
            Ok(check)
        })
        .await
    }
}

/// The image of a base, if a store has it.
pub fn find(layout: &Layout, base: &Base) -> Result<Option<Made>, MakeBase> {
    let packages = packages_of(base)?;
    let store = |source| MakeBase::Store { name: base.name.clone(), source };
    match layout.resolve(&base.reference(packages)) {
        Ok(descriptor) => made(layout, base, descriptor, packages.len()).map(Some).map_err(store),
        Err(LayoutError::NoImage(_)) => Ok(None),
        Err(error) => Err(store(error)),
    }
}

fn made(layout: &Layout, base: &Base, descriptor: Descriptor, packages: usize) -> Result<Made, LayoutError> {
    let (_, manifest) = layout.manifest(&descriptor, &Platform::host())?;
    let size = manifest.layers.iter().map(|it| it.size).sum();
    let digest = Target::Digest(descriptor.digest.clone());
    let reference = Reference::new(base.reference(&[]).name(), digest).expect("it was a name before");
    Ok(Made { reference, descriptor, entrypoint: base.declaration.entrypoint.clone(), size, packages })
}

fn packages_of(base: &Base) -> Result<&[LockedPackage], MakeBase> {
    let lock = base.lock.as_ref().ok_or_else(|| MakeBase::NotLocked(base.name.clone()))?;
    let found = lock.of(&Platform::host().architecture);
    found.map_err(|source| MakeBase::Lock { name: base.name.clone(), source })
}

/// Waits for the disk and the processor on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MakeBase> + Send + 'static,
) -> Result<T, MakeBase> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(MakeBase::Ended))
}
