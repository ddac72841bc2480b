//! Locking: from the signed indexes of the archive to the packages of a base.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};

use jiff::Timestamp;
use lzma_rust2::XzReader;

use super::{MakeBase, Progress, Sources, blocking};
use crate::base::declaration::Declaration;
use crate::base::known::Base;
use crate::base::lock::{Lock, LockedPackage};
use crate::base::mirror::Wanted;
use crate::base::packages::{Package, Universe};
use crate::base::release::Release;
use crate::base::resolve::resolve;

/// What locks are made for.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
/// The part of the archive that is free software.
const COMPONENT: &str = "main";
/// No list of packages is longer, uncompressed.
const MOST_LIST: u64 = 512 << 20;
/// What a decoder of a list may use, in KiB.
const MOST_XZ_MEMORY: u32 = 96 << 10;

impl Sources {
    /// Chooses the packages of a base from what the archive has now.
    pub async fn resolve(
        &self,
        base: &Base,
        now: Timestamp,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Lock, MakeBase> {
        let mut releases = Vec::new();
        for (archive, suite) in suites(&base.declaration.suite) {
            progress(Progress::Index { suite: suite.clone() });
            let known = base.lock.as_ref().and_then(|it| it.indexes.get(&suite)).copied();
            let path = format!("dists/{suite}/InRelease");
            let message = self.mirrors.index(archive, &path).await;
            let message = message.map_err(|source| MakeBase::Index { suite: suite.clone(), source })?;
            let release = Release::read(&message, &self.keys, &suite, now, known);
            let release = release.map_err(|source| MakeBase::Release { suite: suite.clone(), source })?;
            releases.push((archive, suite, release));
        }
        let mut chosen = BTreeMap::new();
        for architecture in ARCHITECTURES {
            let lists = self.lists(&releases, architecture).await?;
            let declaration = base.declaration.clone();
            let packages = blocking(move || choose(lists, &declaration, architecture)).await?;
            chosen.insert(architecture.to_owned(), packages);
        }
        let indexes = releases.into_iter().map(|(_, suite, release)| (suite, release.date)).collect();
        Ok(Lock::new(&base.declaration, indexes, chosen))
    }

    /// The lists of packages of all suites, in the cache.
    async fn lists(
        &self,
        releases: &[(&'static str, String, Release)],
        architecture: &str,
    ) -> Result<Vec<List>, MakeBase> {
        let mut lists = Vec::new();
        for (archive, suite, release) in releases {
            let refused = |source| MakeBase::Release { suite: suite.clone(), source };
            let (file, place) = release.packages(COMPONENT, architecture).map_err(refused)?;
            let path = format!("dists/{suite}/{place}");
            let wanted = Wanted { archive, path: &path, digest: &file.digest, size: file.size };
            let opened = self.have(wanted, None).await;
            let file = opened.map_err(|source| MakeBase::FetchList { suite: suite.clone(), source })?;
            lists.push(List { archive, suite: suite.clone(), file });
        }
        Ok(lists)
    }
}

/// The archives and suites in which a release of Debian stands.
fn suites(release: &str) -> [(&'static str, String); 3] {
    [
        ("debian", release.to_owned()),
        ("debian", format!("{release}-updates")),
        ("debian-security", format!("{release}-security")),
    ]
}

/// A list of packages in the cache.
struct List {
    archive: &'static str,
    suite: String,
    file: File,
}

fn choose(lists: Vec<List>, declaration: &Declaration, architecture: &str) -> Result<Vec<LockedPackage>, MakeBase> {
    let mut universe = Universe::default();
    for List { archive, suite, file } in lists {
        let text = io::Read::take(XzReader::new_mem_limit(BufReader::new(file), true, MOST_XZ_MEMORY), MOST_LIST);
        let read = universe.read(BufReader::with_capacity(128 << 10, text), archive);
        read.map_err(|source| MakeBase::List { suite, source })?;
    }
    let chosen = resolve(&universe, &declaration.packages, &declaration.without);
    let chosen = chosen.map_err(|source| MakeBase::Resolve { architecture: architecture.to_owned(), source })?;
    Ok(chosen.into_values().map(locked).collect())
}

fn locked(package: &Package) -> LockedPackage {
    LockedPackage {
        name: package.name.clone(),
        version: package.version.to_string(),
        architecture: package.architecture.clone(),
        archive: package.archive.clone(),
        path: package.path.clone(),
        size: package.size,
        digest: package.digest.clone(),
    }
}
