//! Copying a folder out of a volume, whatever somebody hostile makes of it meanwhile: no link is followed, nothing but
//! folders, plain files and links that stay inside is taken, and no more than so much.

use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, readlinkat, statat};

/// How much may be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyLimits {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Folders in one another.
    pub depth: usize,
}

/// Copies what is below a path of a folder into a new folder. Of the rights only whether the owner may execute is kept.
pub fn copy_beneath(folder: &Path, path: &Path, into: &Path, limits: CopyLimits) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = openat(CWD, folder, flags, Mode::empty())?;
    let from = open_folder(&top, path)?;
    let mut copy = Copy { left: limits, limits };
    copy.folder(&from, into, Path::new(""))
}

fn open_folder(above: impl AsFd, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat2(above, path, flags, Mode::empty(), beneath())?)
}

fn beneath() -> ResolveFlags {
    ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV
}

struct Copy {
    left: CopyLimits,
    limits: CopyLimits,
}

impl Copy {
    fn folder(&mut self, from: &OwnedFd, into: &Path, relative: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(into)?;
        if relative.components().count() > self.limits.depth {
            let most = self.limits.depth;
            return Err(refused(relative, &format!("lies in more than {most} folders")));
        }
        for entry in Dir::read_from(from)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(name) = name.to_str() else {
                return Err(refused(&relative.join(name.to_string_lossy().as_ref()), "has a name that is not UTF-8"));
            };
            self.entry(from, name, &into.join(name), &relative.join(name))?;
        }
        Ok(())
    }

    fn entry(&mut self, above: &OwnedFd, name: &str, into: &Path, relative: &Path) -> io::Result<()> {
        let most = self.limits.entries;
        let full = || refused(relative, &format!("is one more than the {most} files that are taken"));
        self.left.entries = self.left.entries.checked_sub(1).ok_or_else(full)?;
        let kind = FileType::from_raw_mode(statat(above, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
        match kind {
            FileType::Directory => self.folder(&open_folder(above, Path::new(name))?, into, relative),
            FileType::RegularFile => self.file(above, name, into, relative),
            FileType::Symlink => {
                let target = readlinkat(above, name, Vec::new())?;
                let target = target.to_str().ok().filter(|it| stays_inside(relative, Path::new(it)));
                let target = target.ok_or_else(|| refused(relative, "is a link that leads out of the folder"))?;
                symlink(target, into)
            }
            _ => Err(refused(relative, "is neither file, folder nor link")),
        }
    }

    fn file(&mut self, above: &OwnedFd, name: &str, into: &Path, relative: &Path) -> io::Result<()> {
        // A pipe that took the file's place must not keep us waiting.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat2(above, name, flags, Mode::empty(), beneath())?;
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(refused(relative, "is not a plain file any more"));
        }
        let mode = if stat.st_mode & 0o100 == 0 { 0o644 } else { 0o755 };
        let mut to = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(into)?;
        // What is larger is noticed by the one byte more.
        let copied = io::copy(&mut fs::File::from(file).take(self.left.bytes.saturating_add(1)), &mut to)?;
        let most = self.limits.bytes >> 20;
        let full = || refused(relative, &format!("is more than the {most} MiB that are taken"));
        self.left.bytes = self.left.bytes.checked_sub(copied).ok_or_else(full)?;
        Ok(())
    }
}

/// Whether a link at a place leads to somewhere in the same folder.
fn stays_inside(place: &Path, target: &Path) -> bool {
    let mut at: Vec<Component<'_>> = place.parent().into_iter().flat_map(Path::components).collect();
    for part in target.components() {
        match part {
            Component::Normal(_) => at.push(part),
            Component::CurDir => {}
            Component::ParentDir if !at.is_empty() => drop(at.pop()),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

fn refused(path: &Path, why: &str) -> io::Error {
    let shown: PathBuf = path.components().take(20).collect();
    io::Error::new(io::ErrorKind::InvalidData, format!("{} {why}", shown.display()))
}

#[cfg(test)]
mod tests;
