//! `base`: list, resolve, build, verify and compare base images. They are files: no platform needs to run.

mod report;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use fairway_clock::World;
use fairway_oci::base::{Base, Lock, MakeBase, Progress as Step, ReadBase, Sources, find, names_with};
use fairway_oci::{Layout, Platform};

use crate::build::chain;
use crate::failure::Failure;
use crate::home::Home;
use crate::progress::Progress;

pub use report::{BaseBuilt, BaseChanges, BaseList, BaseResolved, BaseRow, BaseVerified};

/// Base images
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BaseCommand {
    /// List the base images, and whether they are built here
    List,
    /// Choose the packages of a base from what Debian has now, and write its lock
    Resolve(Which),
    /// Build a base image from its lock into the platform's image store
    Build(Which),
    /// Check cache and image against the lock
    Verify(Verify),
    /// Show which packages Debian has newer ones of
    Diff(Which),
    /// Print what a base image is made of, as CycloneDX
    Sbom(Which),
}

/// Which base.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Which {
    /// The base, like postgres-15
    #[arg(value_name = "BASE")]
    pub name: String,
    /// A folder with BASE.toml and BASE.lock; without it the platform's own, then those of the program
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// What to check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Verify {
    /// The base.
    #[command(flatten)]
    pub which: Which,
    /// Build it once more, elsewhere, and compare
    #[arg(long)]
    pub rebuild: bool,
}

/// What these commands work with.
pub struct Room<'a> {
    /// Where the image store is, and bases of the platform's own.
    pub home: &'a Home,
    /// What time it is.
    pub world: &'a World,
    /// Where progress goes.
    pub progress: &'a Arc<dyn Progress>,
}

impl Room<'_> {
    /// Where declarations and locks are looked for first, and new locks are written.
    fn folder(&self, which: &Which) -> PathBuf {
        which.folder.clone().unwrap_or_else(|| self.home.path("bases"))
    }

    fn base(&self, which: &Which) -> Result<Base, Failure> {
        let read = match &which.folder {
            Some(folder) => Base::read(folder, &which.name),
            None => Base::find(&self.home.path("bases"), &which.name),
        };
        read.map_err(|why| match why {
            ReadBase::Unknown { .. } | ReadBase::Name(_) => {
                Failure::not_found(why.to_string()).hint("platform base list")
            }
            other => Failure::failed(format!("cannot read the base: {}", chain(&other))),
        })
    }

    fn layout(&self) -> Result<Layout, Failure> {
        let opened = Layout::open(&self.home.path("images"));
        opened.map_err(|it| Failure::failed(format!("cannot open the image store: {}", chain(&it))))
    }

    fn sources() -> Result<Sources, Failure> {
        Sources::find(|name| std::env::var(name).ok()).map_err(|it| failed("find packages", "BASE", &it))
    }

    /// Tells each kind of step once, and how far it is only where a line can change.
    fn steps(&self) -> Arc<dyn Fn(Step) + Send + Sync> {
        let progress = Arc::clone(self.progress);
        Arc::new(move |step| match &step {
            Step::Fetching { package: 1, .. } | Step::Unpacking { package: 1, .. } => progress.step(&step.to_string()),
            Step::Fetching { .. } | Step::Unpacking { .. } => progress.detail(&step.to_string()),
            Step::Index { .. } | Step::Building => progress.step(&step.to_string()),
        })
    }

    async fn resolved(&self, base: &Base) -> Result<Lock, Failure> {
        let steps = self.steps();
        let resolved = Self::sources()?.resolve(base, self.world.clock.now(), &move |it| steps(it)).await;
        resolved.map_err(|it| failed("resolve the base", &base.name, &it))
    }
}

fn failed(doing: &str, name: &str, error: &MakeBase) -> Failure {
    let failure = Failure::failed(format!("cannot {doing}: {}", chain(error)));
    match error.next_step(name) {
        Some(next) => failure.hint(next),
        None => failure,
    }
}

/// Lists all bases.
pub fn list(room: &Room<'_>) -> Result<BaseList, Failure> {
    let layout = room.layout()?;
    let row = |name: String| {
        let base = room.base(&Which { name, folder: None })?;
        let locked = base.lock.as_ref().and_then(|it| Some((it.of(&Platform::host().architecture).ok()?, it)));
        // A base without a lock is made nowhere.
        let made = find(&layout, &base).ok().flatten();
        Ok(BaseRow {
            description: base.declaration.description.clone(),
            packages: locked.map(|it| it.0.len()),
            snapshot: locked.map(|it| it.1.snapshot()),
            image: made.as_ref().map(|it| it.reference.to_string()),
            size: made.map(|it| it.size),
            name: base.name,
        })
    };
    let items = names_with(&room.home.path("bases")).into_iter().map(row).collect::<Result<_, Failure>>()?;
    Ok(BaseList { items })
}

/// Makes the lock of a base.
pub async fn resolve(room: &Room<'_>, which: &Which) -> Result<BaseResolved, Failure> {
    let base = room.base(which)?;
    let lock = room.resolved(&base).await?;
    let folder = room.folder(which);
    let path = folder.join(format!("{}.lock", base.name));
    std::fs::create_dir_all(&folder).map_err(Failure::io(format!("make {}", folder.display())))?;
    std::fs::write(&path, lock.to_text()).map_err(Failure::io(format!("write {}", path.display())))?;
    let changes = base.lock.as_ref().map(|it| it.changes(&lock)).unwrap_or_default();
    let packages = lock.of(&Platform::host().architecture).map(<[_]>::len).unwrap_or_default();
    Ok(BaseResolved { name: base.name, lock: path, packages, snapshot: lock.snapshot(), changes })
}

/// Builds a base.
pub async fn build(room: &Room<'_>, which: &Which) -> Result<BaseBuilt, Failure> {
    let base = room.base(which)?;
    let start = room.world.clock.monotonic();
    let made = Room::sources()?.build(&room.layout()?, &base, room.steps()).await;
    let made = made.map_err(|it| failed("build the base", &base.name, &it))?;
    let took = room.world.clock.monotonic().saturating_sub(start);
    Ok(BaseBuilt {
        name: base.name,
        image: made.reference.to_string(),
        digest: made.descriptor.digest.to_string(),
        size: made.size,
        packages: made.packages,
        took,
    })
}

/// Checks a base.
pub async fn verify(room: &Room<'_>, it: &Verify) -> Result<BaseVerified, Failure> {
    let base = room.base(&it.which)?;
    let (sources, layout) = (Room::sources()?, room.layout()?);
    room.progress.step("checking packages and image");
    let check = sources.check(&layout, &base).await.map_err(|it| failed("verify the base", &base.name, &it))?;
    let mut rebuilt = None;
    if it.rebuild {
        let scratch = tempfile::tempdir_in(layout.root()).map_err(Failure::io("make a folder for the second image"))?;
        let beside = Layout::open(scratch.path());
        let beside = beside.map_err(|it| Failure::failed(format!("cannot build it once more: {}", chain(&it))))?;
        let made = sources.build(&beside, &base, room.steps()).await;
        rebuilt = Some(made.map_err(|it| failed("build the base", &base.name, &it))?.descriptor.digest.to_string());
    }
    let made = check.made.map(|it| it.descriptor.digest.to_string());
    Ok(BaseVerified { name: base.name, cached: check.cached, missing: check.missing, digest: made, rebuilt })
}

/// Compares a lock with what Debian has now.
pub async fn diff(room: &Room<'_>, which: &Which) -> Result<BaseChanges, Failure> {
    let base = room.base(which)?;
    let lock = base
        .lock
        .as_ref()
        .ok_or_else(|| failed("compare the base", &base.name, &MakeBase::NotLocked(base.name.clone())));
    let changes = lock?.changes(&room.resolved(&base).await?);
    Ok(BaseChanges { name: base.name, changes })
}

/// What a base is made of.
pub fn sbom(room: &Room<'_>, which: &Which) -> Result<String, Failure> {
    let base = room.base(which)?;
    let bill = base.bill_of_materials();
    let bill = bill.ok_or_else(|| failed("list the base", &base.name, &MakeBase::NotLocked(base.name.clone())))?;
    Ok(String::from_utf8_lossy(&bill).into_owned())
}
