//! What repositories and pipelines need of this machine, put together for the controllers.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fairway_controllers::{Bases, Hosting, Toolchains, WorkspaceError, Workspaces};
use fairway_git::{Commit, Forge, Host, RepositoryId};
use fairway_node::CopyLimits;

use super::bases::KnownBases;
use super::folder::Folder;
use super::packages::Packages;
use super::plane::{self, Plane};
use super::streams::NodeStreams;
use super::toolchains;

/// Steps that run at once on a machine whose processors cannot be counted.
const STEPS_AT_ONCE: NonZeroUsize = NonZeroUsize::new(2).expect("two is more than none");

/// How much a Project's cache may hold.
const CACHE: u64 = 20 << 30;

/// Puts it together.
pub(super) fn hosting(
    folder: &Folder,
    plane: &Plane,
    mut toolchains: Toolchains,
    packages: Option<Packages>,
) -> Hosting {
    let processors = std::thread::available_parallelism().unwrap_or(STEPS_AT_ONCE);
    let host = plane.repositories.clone();
    let bases: Arc<dyn Bases> = Arc::new(KnownBases::new(plane.images.clone(), folder.path("bases")));
    toolchains::in_bases(&mut toolchains, bases.as_ref());
    Hosting {
        forge: Arc::new(host.clone()),
        pushes: host.pushes(),
        workspaces: Arc::new(NodeWorkspaces { host, streams: plane.streams.clone(), packages }),
        logs: plane::run_logs(folder),
        images: plane.images.clone(),
        toolchains,
        bases,
        authorities: authorities(folder),
        // A step waits for the network as often as for a processor.
        steps_at_once: processors.max(STEPS_AT_ONCE),
        cache_bytes: CACHE,
    }
}

/// The authorities of this machine. What is too much for an object is left out.
fn authorities(folder: &Folder) -> Option<Arc<str>> {
    const MOST: usize = 900 << 10;
    let text = std::fs::read_to_string(super::outside::authorities(folder)?).ok()?;
    (text.len() <= MOST).then(|| text.into())
}

/// Claims of this machine's node, filled from its repositories.
struct NodeWorkspaces {
    host: Host,
    streams: NodeStreams,
    packages: Option<Packages>,
}

impl NodeWorkspaces {
    fn volume(&self, namespace: &str, claim: &str) -> Result<fairway_node::Volume, WorkspaceError> {
        let found = self.streams.node().and_then(|it| it.volume(namespace, claim));
        found.ok_or_else(|| WorkspaceError::NotBound(claim.to_owned()))
    }
}

#[async_trait]
impl Workspaces for NodeWorkspaces {
    async fn fill(
        &self,
        namespace: &str,
        claim: &str,
        repository: &RepositoryId,
        commit: &Commit,
    ) -> Result<(), WorkspaceError> {
        let disk = |doing: &'static str| move |source| WorkspaceError::Disk { doing: doing.to_owned(), source };
        let volume = Arc::new(self.volume(namespace, claim)?);
        let own = Arc::clone(&volume);
        let folder = blocking(move || own.fill()).await.map_err(disk("make room in the workspace"))?;
        let checked_out = self.host.checkout(repository, commit, &folder).await;
        checked_out.map_err(|source| WorkspaceError::Checkout { commit: commit.clone(), source })?;
        blocking(move || volume.filled()).await.map_err(disk("put the commit into the workspace"))
    }

    async fn open(&self, namespace: &str, claim: &str, path: &Path) -> Result<File, WorkspaceError> {
        let volume = self.volume(namespace, claim)?;
        let wanted = path.to_owned();
        let opened = blocking(move || volume.open(&wanted)).await;
        opened.map_err(|source| WorkspaceError::Disk {
            doing: format!("open {} in the workspace", path.display()),
            source,
        })
    }

    async fn holds_more_than(&self, namespace: &str, claim: &str, bytes: u64) -> Result<bool, WorkspaceError> {
        let Ok(volume) = self.volume(namespace, claim) else { return Ok(false) };
        let measured = blocking(move || volume.holds_more_than(bytes)).await;
        measured.map_err(|source| WorkspaceError::Disk { doing: format!("look into claim {claim}"), source })
    }

    async fn empty(&self, namespace: &str, claim: &str) -> Result<(), WorkspaceError> {
        let volume = Arc::new(self.volume(namespace, claim)?);
        let own = Arc::clone(&volume);
        let emptied = blocking(move || own.empty()).await;
        emptied.map_err(|source| WorkspaceError::Disk { doing: format!("empty claim {claim}"), source })?;
        // What was in it takes its time to go, and keeps nobody waiting.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = volume.discard() {
                tracing::warn!(%error, "what a cache held is not wholly removed");
            }
        });
        Ok(())
    }

    async fn copy(&self, namespace: &str, claim: &str, path: &Path, into: &Path) -> Result<(), WorkspaceError> {
        let volume = self.volume(namespace, claim)?;
        let (wanted, to) = (path.to_owned(), into.to_owned());
        let copied = blocking(move || volume.copy(&wanted, &to, IMAGE_LIMITS)).await;
        copied.map_err(|source| WorkspaceError::Disk {
            doing: format!("copy {} of the workspace", path.display()),
            source,
        })
    }

    fn keeps_packages(&self) -> bool {
        self.packages.is_some()
    }

    async fn give_packages(&self, namespace: &str, claim: &str, folders: &[String]) -> Result<(), WorkspaceError> {
        let Some(packages) = self.packages.clone() else { return Ok(()) };
        let (volume, folders) = (self.volume(namespace, claim)?, folders.to_vec());
        let given = blocking(move || packages.give(&volume, &folders)).await;
        given.map_err(|source| WorkspaceError::Disk { doing: "lay packages into the cache".to_owned(), source })
    }

    async fn take_packages(&self, namespace: &str, claim: &str, folders: &[String]) -> Result<(), WorkspaceError> {
        let Some(packages) = self.packages.clone() else { return Ok(()) };
        let (volume, folders) = (self.volume(namespace, claim)?, folders.to_vec());
        let taken = blocking(move || packages.take(&volume, &folders)).await;
        taken.map_err(|source| WorkspaceError::Disk { doing: "keep the packages of the cache".to_owned(), source })
    }
}

/// What is taken of a workspace to make an image of.
const IMAGE_LIMITS: CopyLimits = CopyLimits { entries: 100_000, bytes: 2 << 30, depth: 50 };

/// Waits for the disk on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|it| Err(std::io::Error::other(it)))
}
