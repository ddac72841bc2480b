//! Our own host: `<folder>/<project>/<component>.git`, each a bare repository that the real git keeps.
//!
//! A repository gets its name when all of it is on the disk, and loses it before anything of it is removed; what a
//! death in between leaves lies in `.new` and goes away at the next start.

mod create;

mod reflog;

mod content;

mod checkout;

pub(crate) mod hold;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fairway_clock::World;
use fairway_failpoints::Failpoints;
use tokio::sync::broadcast;

use crate::forge::{Commit, Entry, Facts, Forge, ForgeError, Initial, Push, Ref};
use crate::http::Traffic;
use crate::names::RepositoryId;
use crate::rules::Limits;
use crate::run::{Done, Git, Job, OLDEST, RunGit, is_new_enough};

/// The branch that a repository begins with, and the one that is protected.
pub const DEFAULT_BRANCH: &str = "main";
/// Hints that a slow listener may fall behind by. It then hears that it missed some, and compares refs.
const HINTS: usize = 256;
/// A question about a repository is answered by then.
const QUESTION: Duration = Duration::from_secs(60);

/// What a host is made of.
#[derive(Clone)]
pub struct HostSettings {
    /// Where the repositories are.
    pub folder: PathBuf,
    /// The program that is the hook: one whose `main` begins with [`crate::reexec`].
    pub program: PathBuf,
    /// The git program; a bare name is looked for in `PATH`.
    pub git: PathBuf,
    /// What [`Forge::url`] begins with, without `/` at its end.
    pub base_url: String,
    /// What may be pushed.
    pub limits: Limits,
    /// Time and randomness.
    pub world: World,
    /// Where a test makes it die.
    pub failpoints: Failpoints,
}

impl HostSettings {
    /// The usual: `git` from `PATH`, limits of a team's repository.
    pub fn usual(folder: PathBuf, program: PathBuf, base_url: String, world: World) -> Self {
        let (git, limits, failpoints) = (PathBuf::from("git"), Limits::default(), Failpoints::none());
        Self { folder, program, git, base_url, limits, world, failpoints }
    }
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum OpenHost {
    /// There is no git.
    #[error("git was not found; install git {}.{} or later (apt install git), or name it with PATH", OLDEST.0, OLDEST.1)]
    FindGit(#[source] RunGit),
    /// It is too old.
    #[error("{found:?} is too old to host repositories; install git {}.{} or later", OLDEST.0, OLDEST.1)]
    OldGit {
        /// What it says of itself.
        found: String,
    },
    /// The folder cannot be used.
    #[error("prepare the folder {folder} for repositories")]
    Prepare {
        /// Which.
        folder: String,
        /// Why.
        source: io::Error,
    },
}

/// Repositories in a folder. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
}

struct Shared {
    settings: HostSettings,
    git: Git,
    hints: broadcast::Sender<Push>,
    traffic: Traffic,
}

impl Host {
    /// Checks the git program and makes the folder ready; removes what a death left half made.
    pub async fn open(settings: HostSettings) -> Result<Self, OpenHost> {
        let git = Git::new(settings.git.clone(), &settings.folder.join(HOOKS), &settings.limits);
        let found = git.version().await.map_err(OpenHost::FindGit)?;
        if !is_new_enough(&found) {
            return Err(OpenHost::OldGit { found });
        }
        let (folder, program) = (settings.folder.clone(), settings.program.clone());
        let prepared = tokio::task::spawn_blocking(move || prepare(&folder, &program)).await;
        prepared
            .unwrap_or_else(|it| Err(io::Error::other(it)))
            .map_err(|source| OpenHost::Prepare { folder: settings.folder.display().to_string(), source })?;
        let (hints, _) = broadcast::channel(HINTS);
        Ok(Self { shared: Arc::new(Shared { settings, git, hints, traffic: Traffic::default() }) })
    }

    /// Hears of each push after it is durable. Only a hint: whoever was not listening compares refs.
    pub fn pushes(&self) -> broadcast::Receiver<Push> {
        self.shared.hints.subscribe()
    }

    /// Every repository there is, sorted.
    pub async fn list(&self) -> Result<Vec<RepositoryId>, ForgeError> {
        let folder = self.folder().to_owned();
        blocking("list the repositories", move || hold::list_all(&folder)).await
    }

    /// Packs a repository anew and drops what nobody can reach any more, if nobody pushes to it; says whether it did.
    pub async fn maintain(&self, id: &RepositoryId) -> Result<bool, ForgeError> {
        let path = self.existing(id)?;
        hold::maintain(&self.shared.git, &path).await.map_err(|source| failed(&path, source))
    }

    pub(crate) fn settings(&self) -> &HostSettings {
        &self.shared.settings
    }

    pub(crate) fn git(&self) -> &Git {
        &self.shared.git
    }

    pub(crate) fn hints(&self) -> &broadcast::Sender<Push> {
        &self.shared.hints
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.shared.traffic
    }

    fn folder(&self) -> &Path {
        &self.shared.settings.folder
    }

    /// Where a repository is, or would be.
    fn path(&self, id: &RepositoryId) -> PathBuf {
        self.folder().join(id.project.as_str()).join(format!("{}.git", id.component))
    }

    /// Where a repository is.
    pub(crate) fn existing(&self, id: &RepositoryId) -> Result<PathBuf, ForgeError> {
        let path = self.path(id);
        if path.is_dir() { Ok(path) } else { Err(ForgeError::NoRepository(id.clone())) }
    }

    /// Asks git something about a repository.
    async fn ask(&self, repository: &Path, arguments: &[&str], limit: usize) -> Result<Done, ForgeError> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let (environment, input, time) = (&[][..], &[][..], QUESTION);
        let job = Job { repository: Some(repository), arguments: &arguments, environment, input, limit, time };
        self.shared.git.run(job).await.map_err(|source| failed(repository, source))
    }
}

#[async_trait]
impl Forge for Host {
    async fn create(&self, id: &RepositoryId, initial: &Initial) -> Result<Commit, ForgeError> {
        create::create(self, id, initial).await
    }

    async fn delete(&self, id: &RepositoryId) -> Result<(), ForgeError> {
        create::delete(self, id).await
    }

    async fn refs(&self, id: &RepositoryId) -> Result<BTreeMap<String, Ref>, ForgeError> {
        reflog::refs(self, id).await
    }

    async fn read(
        &self,
        id: &RepositoryId,
        commit: &Commit,
        path: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, ForgeError> {
        content::read(self, id, commit, path, limit).await
    }

    async fn tree(&self, id: &RepositoryId, commit: &Commit, under: &str) -> Result<Vec<Entry>, ForgeError> {
        content::tree(self, id, commit, under).await
    }

    async fn contents(&self, id: &RepositoryId, entries: &[Entry]) -> Result<Vec<Vec<u8>>, ForgeError> {
        content::contents(self, id, entries).await
    }

    async fn facts(&self, id: &RepositoryId, commit: &Commit) -> Result<Facts, ForgeError> {
        content::facts(self, id, commit).await
    }

    async fn checkout(&self, id: &RepositoryId, commit: &Commit, into: &Path) -> Result<(), ForgeError> {
        checkout::checkout(self, id, commit, into).await
    }

    fn url(&self, id: &RepositoryId) -> String {
        format!("{}/{id}.git", self.shared.settings.base_url)
    }
}

pub(crate) use reflog::encode as encode_mover;

/// The folder of our hook. No project begins with a dot.
const HOOKS: &str = ".hooks";
/// The folder of what has no name yet, or no longer one.
const NEW: &str = ".new";

fn prepare(folder: &Path, program: &Path) -> io::Result<()> {
    let private = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    private(folder)?;
    match fs::remove_dir_all(folder.join(NEW)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private(&folder.join(NEW))?;
    private(&folder.join(HOOKS))?;
    let hook = folder.join(HOOKS).join("pre-receive");
    match fs::remove_file(&hook) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(program, &hook)?;
    hold::clean_all(folder)
}

/// Does something that waits for the disk on a thread that may.
async fn blocking<T: Send + 'static>(
    doing: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ForgeError> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|it| Err(io::Error::other(it)));
    done.map_err(|source| ForgeError::Disk { doing: doing.to_owned(), source })
}

fn failed(repository: &Path, source: RunGit) -> ForgeError {
    let name = repository.file_name().unwrap_or_default().to_string_lossy();
    ForgeError::Git { doing: format!("ask git about {name}"), source }
}

fn unexpected(doing: &str, answer: &[u8]) -> ForgeError {
    let answer = String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned();
    ForgeError::Unexpected { doing: doing.to_owned(), answer }
}
