//! Packages that pipelines fetched, kept in the user's cache for projects and platforms to come, where that is asked for.
//!
//! What is in it is trusted by every project of the platforms that use it, so only runs that release add to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fairway_node::{CopyLimits, Volume, copy_beneath};

/// What is kept of one folder. One that grew larger is begun anew.
const LIMITS: CopyLimits = CopyLimits { entries: 200_000, bytes: 4 << 30, depth: 30 };

/// The kept packages.
#[derive(Debug, Clone)]
pub(super) struct Packages {
    root: PathBuf,
}

impl Packages {
    /// Those below a user's cache.
    pub(super) fn new(cache: &Path) -> Self {
        Self { root: cache.join("steps") }
    }

    /// Lays what is kept into a volume that is empty.
    pub(super) fn give(&self, volume: &Volume, folders: &[String]) -> io::Result<()> {
        if !folders.iter().any(|it| self.has(it)) || fs::read_dir(volume.folder())?.next().is_some() {
            return Ok(());
        }
        self.lay(&volume.fill()?, folders)?;
        volume.filled()
    }

    fn has(&self, folder: &str) -> bool {
        self.root.join(folder).is_dir()
    }

    fn lay(&self, room: &Path, folders: &[String]) -> io::Result<()> {
        for folder in folders.iter().filter(|it| self.has(it)) {
            let into = room.join(folder);
            into.parent().map_or(Ok(()), fs::create_dir_all)?;
            if let Err(error) = copy_beneath(&self.root, Path::new(folder), &into, LIMITS) {
                tracing::warn!(%error, folder, "packages that are kept cannot be used");
                gone(&into)?;
                // What cannot be copied whatever happens is begun anew; a disk that is full says nothing about it.
                if error.kind() == io::ErrorKind::InvalidData {
                    gone(&self.root.join(folder))?;
                }
            }
        }
        Ok(())
    }

    /// Adds what these folders of a volume hold.
    pub(super) fn take(&self, volume: &Volume, folders: &[String]) -> io::Result<()> {
        self.add(volume.folder(), folders)
    }

    fn add(&self, cache: &Path, folders: &[String]) -> io::Result<()> {
        // Whoever wrote the volume may still do so: it is copied with care, and then moved.
        make_private(&self.root)?;
        // One platform of the user after the other; what one that was killed left is in the way of nobody.
        let lock = fs::File::create(self.root.join(".lock"))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
        let room = self.root.join(".taking");
        gone(&room)?;
        make_private(&room)?;
        let taken = folders.iter().filter(|it| cache.join(it).is_dir()).try_for_each(|it| {
            let copy = room.join("copy");
            copy_beneath(cache, Path::new(it), &copy, LIMITS)?;
            move_into(&copy, &self.root.join(it))?;
            fs::remove_dir_all(&copy)
        });
        fs::remove_dir_all(&room)?;
        taken
    }
}

/// Removes a folder with all in it, if it is there.
fn gone(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Moves every file to its place below another folder. Each is there whole or not at all; one of its name makes way.
fn move_into(from: &Path, to: &Path) -> io::Result<()> {
    make_private(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            move_into(&entry.path(), &place)?;
        } else {
            fs::rename(entry.path(), place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
