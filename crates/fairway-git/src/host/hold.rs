//! Who is at a repository: any number of pushes, or one that cleans up.
//!
//! The hold is a lock on a file that every git of a push has as its standard error. So it holds for as long as any of
//! them lives, also when the process that started them is long dead.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::RepositoryId;
use crate::run::{Git, RunGit};

/// Beside git's own files.
const LOCK: &str = "fairway.lock";

/// How a repository is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// With other pushes.
    Push,
    /// Alone.
    Upkeep,
}

/// Holds a repository; none where somebody holds it otherwise.
pub(crate) fn take(repository: &Path, hold: Hold) -> io::Result<Option<File>> {
    let path = repository.join(LOCK);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let taken = match hold {
        Hold::Push => file.try_lock_shared(),
        Hold::Upkeep => file.try_lock(),
    };
    match taken {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Cleans every repository of the folder where nobody is.
pub(crate) fn clean_all(folder: &Path) -> io::Result<()> {
    for project in folders(folder)? {
        for repository in folders(&project)? {
            // One that cannot be cleaned is looked at again by the next push that fails.
            if let Err(error) = clean(&repository) {
                tracing::warn!(repository = %repository.display(), %error, "a repository could not be cleaned");
            }
        }
    }
    Ok(())
}

/// Every repository of the folder, sorted.
pub(crate) fn list_all(folder: &Path) -> io::Result<Vec<RepositoryId>> {
    let mut found = Vec::new();
    for project in folders(folder)? {
        for repository in folders(&project)? {
            let component = name(&repository);
            let component = component.strip_suffix(".git").unwrap_or_default();
            // What is called otherwise is none of ours.
            found.extend(RepositoryId::parse(&name(&project), component).ok());
        }
    }
    found.sort();
    Ok(found)
}

/// Removes what a git that was killed leaves: objects that never got in, and locks that nobody holds. Does nothing where
/// a git is still at work.
pub(crate) fn clean(repository: &Path) -> io::Result<()> {
    match take(repository, Hold::Upkeep)? {
        Some(held) => clean_held(repository, &held),
        None => Ok(()),
    }
}

fn clean_held(repository: &Path, held: &File) -> io::Result<()> {
    held.set_len(0)?;
    for folder in folders(&repository.join("objects"))? {
        if name(&folder).starts_with("tmp_objdir-") {
            fs::remove_dir_all(&folder)?;
        }
    }
    for file in files(&repository.join("objects/pack"))? {
        if name(&file).starts_with("tmp_") || name(&file).starts_with(".tmp-") {
            fs::remove_file(&file)?;
        }
    }
    for file in files(repository)? {
        // Ours is one of them.
        if is_lock(&file) && name(&file) != LOCK {
            fs::remove_file(&file)?;
        }
    }
    remove_locks(&repository.join("refs"))
}

/// How many packs a repository has: every push makes one.
pub(crate) fn packs(repository: &Path) -> io::Result<usize> {
    let files = files(&repository.join("objects/pack"))?;
    Ok(files.iter().filter(|it| it.extension().is_some_and(|it| it == "pack")).count())
}

/// With more packs than this it is time to make one of them.
pub(crate) const MANY_PACKS: usize = 50;
/// Upkeep of a large repository.
const UPKEEP: Duration = Duration::from_secs(1800);

/// Runs git's own upkeep, if nobody pushes. What a branch that is gone had stays for two weeks: something may still be
/// about to look at it.
pub(crate) async fn maintain(git: &Git, repository: &Path) -> Result<bool, RunGit> {
    let what = || "gc".to_owned();
    let pipe = |source| RunGit::Pipe { what: what(), source };
    let Some(held) = take(repository, Hold::Upkeep).map_err(pipe)? else { return Ok(false) };
    clean_held(repository, &held).map_err(pipe)?;
    let mut command = git.command(Some(repository));
    command.args(["gc", "--quiet", "--prune=2.weeks.ago"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(held.try_clone().map_err(pipe)?);
    let mut running = Git::start(command)?;
    match tokio::time::timeout(UPKEEP, running.child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(true),
        Ok(Ok(_)) => {
            let complaint = fs::read_to_string(repository.join(LOCK)).unwrap_or_default();
            Err(RunGit::Failed { what: what(), complaint: complaint.chars().take(500).collect() })
        }
        Ok(Err(source)) => Err(pipe(source)),
        Err(_) => Err(RunGit::Timeout { what: what(), seconds: UPKEEP.as_secs() }),
    }
}

fn remove_locks(folder: &Path) -> io::Result<()> {
    for file in files(folder)?.iter().filter(|it| is_lock(it)) {
        fs::remove_file(file)?;
    }
    folders(folder)?.iter().try_for_each(|it| remove_locks(it))
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "lock")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn folders(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    list(folder, fs::FileType::is_dir)
}

fn files(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    list(folder, fs::FileType::is_file)
}

/// What is in a folder, of one sort; nothing where there is no folder. Names with a dot are ours or nobody's.
fn list(folder: &Path, wanted: impl Fn(&fs::FileType) -> bool) -> io::Result<Vec<std::path::PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if wanted(&entry.file_type()?) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
