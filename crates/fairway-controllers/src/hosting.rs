//! What the controllers are given to host repositories and to run pipelines.

mod logs;

mod toolchains;

pub(crate) mod bases;

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fairway_git::{Commit, Forge, ForgeError, Push, RepositoryId};
use fairway_oci::Layout;
use tokio::sync::broadcast;

pub use bases::{BaseError, BaseImage, Bases};
pub use logs::{LogWriter, RunLogs};
pub use toolchains::{Toolchain, Toolchains};

/// Everything that repositories and pipelines need of the machine.
pub struct Hosting {
    /// Where repositories are.
    pub forge: Arc<dyn Forge>,
    /// Hears of pushes; only a hint.
    pub pushes: broadcast::Receiver<Push>,
    /// The folders that steps work in.
    pub workspaces: Arc<dyn Workspaces>,
    /// Where the logs of steps are kept.
    pub logs: RunLogs,
    /// Where images are kept.
    pub images: Layout,
    /// What steps can be run with.
    pub toolchains: Toolchains,
    /// What images are built onto, and what Resources run.
    pub bases: Arc<dyn Bases>,
    /// The certificate authorities that steps in base images are to trust, in PEM form.
    pub authorities: Option<Arc<str>>,
    /// How many steps run at once, of all Projects together.
    pub steps_at_once: NonZeroUsize,
    /// How much a cache of a Project may hold.
    pub cache_bytes: u64,
}

impl Clone for Hosting {
    fn clone(&self) -> Self {
        Self {
            forge: Arc::clone(&self.forge),
            pushes: self.pushes.resubscribe(),
            workspaces: Arc::clone(&self.workspaces),
            logs: self.logs.clone(),
            images: self.images.clone(),
            toolchains: self.toolchains.clone(),
            bases: Arc::clone(&self.bases),
            authorities: self.authorities.clone(),
            steps_at_once: self.steps_at_once,
            cache_bytes: self.cache_bytes,
        }
    }
}

/// The folders behind claims, as the hub sees them.
#[async_trait]
pub trait Workspaces: Send + Sync + 'static {
    /// Puts the files of a commit into a claim, in the place of whatever was there.
    async fn fill(
        &self,
        namespace: &str,
        claim: &str,
        repository: &RepositoryId,
        commit: &Commit,
    ) -> Result<(), WorkspaceError>;

    /// Opens a plain file in a claim. No link on the way is followed.
    async fn open(&self, namespace: &str, claim: &str, path: &Path) -> Result<File, WorkspaceError>;

    /// Whether a claim holds more than so many bytes, or as many files as come to that; one that is not there does not.
    async fn holds_more_than(&self, namespace: &str, claim: &str, bytes: u64) -> Result<bool, WorkspaceError>;

    /// Takes out all that a claim holds. Nobody uses it meanwhile.
    async fn empty(&self, namespace: &str, claim: &str) -> Result<(), WorkspaceError>;

    /// Copies a folder of a claim into a new one. No link is followed; what leads out of the folder, and more than an image
    /// may hold, is an error.
    async fn copy(&self, namespace: &str, claim: &str, path: &Path, into: &Path) -> Result<(), WorkspaceError>;

    /// Whether packages are kept for projects to come.
    fn keeps_packages(&self) -> bool {
        false
    }

    /// Lays the packages that are kept into these folders of a cache that is empty. Nobody uses it meanwhile.
    async fn give_packages(&self, _namespace: &str, _claim: &str, _folders: &[String]) -> Result<(), WorkspaceError> {
        Ok(())
    }

    /// Keeps the packages that these folders of a cache hold.
    async fn take_packages(&self, _namespace: &str, _claim: &str, _folders: &[String]) -> Result<(), WorkspaceError> {
        Ok(())
    }
}

/// Why a workspace could not be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The claim has no folder yet.
    #[error("the claim {0} is not bound yet")]
    NotBound(String),
    /// The commit could not be read.
    #[error("check out {commit}")]
    Checkout {
        /// Which.
        commit: Commit,
        /// Why not.
        source: ForgeError,
    },
    /// The folder could not be read or written.
    #[error("{doing}")]
    Disk {
        /// What was being done.
        doing: String,
        /// Why not.
        source: io::Error,
    },
}
