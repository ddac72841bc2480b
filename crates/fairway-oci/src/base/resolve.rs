//! From the packages that are wanted to all that they need. Pure: the same lists give the same choice.
//!
//! What depends on something is asked no further once something chosen fits; else the first alternative that there is, is
//! chosen. Nothing is tried twice: where a choice leads nowhere, the declaration names the package it means. Recommended
//! packages are not taken, nor are those that every Debian system has (`Essential`): an image has what it says.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::packages::{Package, Universe};
use super::relation::{BadRelation, Group, Relation};

/// More than any base image is made of.
const MOST_CHOSEN: usize = 2_000;

/// Why there is no set of packages that fits together.
#[derive(Debug, thiserror::Error)]
pub enum ResolvePackages {
    #[error("the archive has no package {0:?}; a declaration names packages, not what they provide")]
    NoPackage(String),
    #[error("package {package} needs {needs}, and the archive has nothing that fits")]
    Missing { package: String, needs: String },
    #[error(
        "package {package} needs {needs}, which several packages provide: {}; the declaration must name one of them, or \
         go without it",
        providers.join(", ")
    )]
    SeveralProviders { package: String, needs: String, providers: Vec<String> },
    #[error("packages {package} and {other} cannot be together")]
    Conflict { package: String, other: String },
    #[error("package {package}")]
    Relation { package: String, source: BadRelation },
    #[error("the packages need more than {MOST_CHOSEN} others")]
    TooMany,
}

/// All packages that these need, themselves included, by name. Those that are left out count as there.
pub(super) fn resolve<'u>(
    universe: &'u Universe,
    wanted: &[String],
    without: &BTreeSet<String>,
) -> Result<BTreeMap<&'u str, &'u Package>, ResolvePackages> {
    let mut chosen = BTreeMap::new();
    for name in wanted {
        let package = universe.get(name).ok_or_else(|| ResolvePackages::NoPackage(name.clone()))?;
        chosen.insert(package.name.as_str(), package);
    }
    let mut open: VecDeque<&Package> = chosen.values().copied().collect();
    while let Some(package) = open.pop_front() {
        let bad = |source| ResolvePackages::Relation { package: package.name.clone(), source };
        for group in package.needs().map_err(bad)? {
            if group.iter().any(|it| without.contains(&it.name) || is_there(&chosen, it)) {
                continue;
            }
            let next = choose(universe, package, &group)?;
            if chosen.len() >= MOST_CHOSEN {
                return Err(ResolvePackages::TooMany);
            }
            chosen.insert(next.name.as_str(), next);
            open.push_back(next);
        }
    }
    check_conflicts(&chosen)?;
    Ok(chosen)
}

fn is_there(chosen: &BTreeMap<&str, &Package>, wanted: &Relation) -> bool {
    let own = chosen.get(wanted.name.as_str()).is_some_and(|it| wanted.fits(&it.version));
    own || chosen.values().any(|it| provides(it, wanted))
}

/// Whether a package stands for the one that is wanted.
fn provides(package: &Package, wanted: &Relation) -> bool {
    // What does not even hold the name need not be read.
    if !package.provides.contains(&wanted.name) {
        return false;
    }
    let provided = package.provides().unwrap_or_default();
    let version_of = |it: &Relation| it.versions.as_ref().map(|it| it.1.clone());
    provided.iter().any(|it| it.name == wanted.name && wanted.fits_provided(version_of(it).as_ref()))
}

fn choose<'u>(universe: &'u Universe, package: &Package, group: &Group) -> Result<&'u Package, ResolvePackages> {
    let needs = || group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
    for wanted in group {
        if let Some(found) = universe.get(&wanted.name).filter(|it| wanted.fits(&it.version)) {
            return Ok(found);
        }
        let providers: Vec<_> = universe.providers(&wanted.name).filter(|it| provides(it, wanted)).collect();
        match providers.as_slice() {
            [] => {}
            [only] => return Ok(only),
            several => {
                let providers = several.iter().map(|it| it.name.clone()).collect();
                let package = package.name.clone();
                return Err(ResolvePackages::SeveralProviders { package, needs: needs(), providers });
            }
        }
    }
    Err(ResolvePackages::Missing { package: package.name.clone(), needs: needs() })
}

fn check_conflicts(chosen: &BTreeMap<&str, &Package>) -> Result<(), ResolvePackages> {
    for package in chosen.values() {
        let bad = |source| ResolvePackages::Relation { package: package.name.clone(), source };
        for against in package.conflicts().map_err(bad)?.into_iter().flatten() {
            let own = chosen.get(against.name.as_str()).filter(|it| against.fits(&it.version)).copied();
            let other = own.or_else(|| chosen.values().copied().find(|it| provides(it, &against)));
            // A package that provides what it conflicts with means all others that do.
            if let Some(other) = other.filter(|it| it.name != package.name) {
                let (package, other) = (package.name.clone(), other.name.clone());
                return Err(ResolvePackages::Conflict { package, other });
            }
        }
    }
    Ok(())
}
