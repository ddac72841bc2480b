//! The folder that an image is unpacked into. Everything in it is reached by handles from its root, and no link is ever
//! followed, so no name can lead out of it.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::{Owners, Rejected};

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Permissions that a file may have. Setuid and setgid are not among them.
const FILE_BITS: u32 = 0o777;

/// Permissions that a folder may have: the sticky bit is for folders that everyone may write to.
const FOLDER_BITS: u32 = 0o1777;

/// Users of an image are numbered from 0 to this.
const LAST_OWNER: u32 = 0xffff;

/// A root folder.
pub(super) struct Tree {
    root: OwnedFd,
    path: PathBuf,
    owners: Owners,
}

/// How long one name may be, on every usual file system.
const MOST_NAME_BYTES: usize = 255;

impl Tree {
    pub(super) fn open(root: &Path, owners: Owners) -> io::Result<Self> {
        Ok(Self { root: rustix::fs::open(root, FOLDER, Mode::empty())?, path: root.to_owned(), owners })
    }

    /// Where it is, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder durable and readable for the users of containers.
    pub(super) fn finish(&self) -> io::Result<()> {
        rustix::fs::fchmod(&self.root, Mode::from_bits_truncate(0o755))?;
        self.begin(&self.root)?;
        Ok(rustix::fs::syncfs(&self.root)?)
    }

    /// Makes a folder, or changes the one that is there.
    pub(super) fn folder(&self, parts: &[&[u8]], mode: u32) -> Result<(), Rejected> {
        let (parent, name) = self.place(parts)?;
        if !is_folder(&parent, name)? {
            remove(&parent, name)?;
            self.make_folder(&parent, name)?;
        }
        let folder = rustix::fs::openat(&parent, name, FOLDER, Mode::empty()).map_err(write)?;
        let mode = Mode::from_bits_truncate((mode & FOLDER_BITS) | 0o700);
        rustix::fs::fchmod(&folder, mode).map_err(write)
    }

    /// Makes a file in the place of what is there. `size` bytes must come.
    pub(super) fn file(
        &self,
        parts: &[&[u8]],
        (mode, mtime, size): (u32, u64, u64),
        content: &mut impl Read,
    ) -> Result<(), Rejected> {
        let (parent, name) = self.place(parts)?;
        remove(&parent, name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, name, flags, Mode::RUSR | Mode::WUSR).map_err(write)?;
        let mut file = std::fs::File::from(file);
        let mut buffer = [0; 16 << 10];
        let mut written = 0;
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Rejected::BadArchive(error)),
            };
            io::Write::write_all(&mut file, &buffer[..count]).map_err(Rejected::Write)?;
            written += count as u64;
        }
        if written != size {
            return Err(Rejected::BadArchive(io::ErrorKind::UnexpectedEof.into()));
        }
        let mode = Mode::from_bits_truncate((mode & FILE_BITS) | 0o400);
        rustix::fs::fchmod(&file, mode).map_err(write)?;
        let time = Timespec { tv_sec: i64::try_from(mtime).unwrap_or(0), tv_nsec: 0 };
        rustix::fs::futimens(&file, &Timestamps { last_access: time, last_modification: time }).map_err(write)
    }

    /// Makes a symbolic link in the place of what is there.
    pub(super) fn link(&self, parts: &[&[u8]], target: &[u8]) -> Result<(), Rejected> {
        let (parent, name) = self.place(parts)?;
        remove(&parent, name)?;
        rustix::fs::symlinkat(OsStr::from_bytes(target), &parent, name).map_err(write)
    }

    /// Gives what has this name to its owner, where owners are kept. Who an image has no room for is the last that it has.
    pub(super) fn give(&self, parts: &[&[u8]], (user, group): (u32, u32)) -> Result<(), Rejected> {
        let first = match self.owners {
            Owners::Unpacker => return Ok(()),
            Owners::AsStored => 0,
            Owners::From(first) => first,
        };
        let (parent, name) = self.place(parts)?;
        let of = |id: u32| first.saturating_add(id.min(LAST_OWNER));
        let (user, group) = (Uid::from_raw(of(user)), Gid::from_raw(of(group)));
        rustix::fs::chownat(&parent, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW).map_err(write)
    }

    /// Gives a folder whose owner no layer names to the first user, as it is where users are not counted from another one.
    fn begin(&self, folder: &OwnedFd) -> Result<(), Errno> {
        let Owners::From(first) = self.owners else { return Ok(()) };
        rustix::fs::fchown(folder, Some(Uid::from_raw(first)), Some(Gid::from_raw(first)))
    }

    fn make_folder(&self, parent: &OwnedFd, name: &OsStr) -> Result<(), Rejected> {
        rustix::fs::mkdirat(parent, name, Mode::from_bits_truncate(0o755)).map_err(write)?;
        // The process' mask must not decide what an image looks like.
        let folder = rustix::fs::openat(parent, name, FOLDER, Mode::empty()).map_err(write)?;
        rustix::fs::fchmod(&folder, Mode::from_bits_truncate(0o755)).map_err(write)?;
        self.begin(&folder).map_err(write)
    }

    /// Gives a file of this tree a second name.
    pub(super) fn hard_link(&self, parts: &[&[u8]], target: &[&[u8]]) -> Result<(), Rejected> {
        let bad = || Rejected::BadHardLink { target: String::from_utf8_lossy(&target.join(&b'/')).into_owned() };
        let (source, old) = match self.reach(target, false) {
            Ok(Some(found)) => found,
            Ok(None) | Err(Rejected::ThroughLink | Rejected::BadPath) => return Err(bad()),
            Err(error) => return Err(error),
        };
        if kind_of(&source, old)? != Some(FileType::RegularFile) {
            return Err(bad());
        }
        let (parent, name) = self.place(parts)?;
        if target == parts {
            return Err(bad());
        }
        remove(&parent, name)?;
        rustix::fs::linkat(&source, old, &parent, name, AtFlags::empty()).map_err(|error| match error {
            // Removing what was in the way removed the file itself.
            Errno::NOENT => bad(),
            other => write(other),
        })
    }

    /// Removes what has this name, with all that is in it.
    pub(super) fn remove(&self, parts: &[&[u8]]) -> Result<(), Rejected> {
        match self.reach(parts, false)? {
            Some((parent, name)) => remove(&parent, name),
            None => Ok(()),
        }
    }

    /// Whether this is a folder; the root is one.
    pub(super) fn is_folder(&self, parts: &[&[u8]]) -> Result<bool, Rejected> {
        if parts.is_empty() {
            return Ok(true);
        }
        match self.reach(parts, false)? {
            Some((parent, name)) => is_folder(&parent, name),
            None => Ok(false),
        }
    }

    /// The names in a folder; none if it is not there.
    pub(super) fn names(&self, parts: &[&[u8]]) -> Result<Vec<Vec<u8>>, Rejected> {
        let mut with_any = parts.to_vec();
        with_any.push(b"any");
        match self.reach(&with_any, false)? {
            Some((folder, _)) => names(&folder),
            None => Ok(Vec::new()),
        }
    }

    fn place<'p>(&self, parts: &[&'p [u8]]) -> Result<(OwnedFd, &'p OsStr), Rejected> {
        self.reach(parts, true)?.ok_or(Rejected::BadPath)
    }

    /// The folder that a path lies in, and its last name. Folders that are missing are made, or nothing is found.
    fn reach<'p>(&self, parts: &[&'p [u8]], make: bool) -> Result<Option<(OwnedFd, &'p OsStr)>, Rejected> {
        let Some((last, folders)) = parts.split_last() else { return Err(Rejected::BadPath) };
        let mut folder = rustix::io::fcntl_dupfd_cloexec(&self.root, 0).map_err(write)?;
        for name in folders.iter().map(|it| OsStr::from_bytes(it)) {
            folder = match rustix::fs::openat(&folder, name, FOLDER, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT) if make => {
                    self.make_folder(&folder, name)?;
                    rustix::fs::openat(&folder, name, FOLDER, Mode::empty()).map_err(write)?
                }
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP | Errno::NOTDIR) => return Err(Rejected::ThroughLink),
                Err(error) => return Err(write(error)),
            };
        }
        Ok(Some((folder, OsStr::from_bytes(last))))
    }
}

fn kind_of(parent: &OwnedFd, name: &OsStr) -> Result<Option<FileType>, Rejected> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(write(error)),
    }
}

fn is_folder(parent: &OwnedFd, name: &OsStr) -> Result<bool, Rejected> {
    Ok(kind_of(parent, name)? == Some(FileType::Directory))
}

/// Paths are limited in depth, and so is this.
fn remove(parent: &OwnedFd, name: &OsStr) -> Result<(), Rejected> {
    match kind_of(parent, name)? {
        None => Ok(()),
        Some(FileType::Directory) => {
            let folder = rustix::fs::openat(parent, name, FOLDER, Mode::empty()).map_err(write)?;
            for inner in names(&folder)? {
                remove(&folder, OsStr::from_bytes(&inner))?;
            }
            rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(write)
        }
        Some(_) => rustix::fs::unlinkat(parent, name, AtFlags::empty()).map_err(write),
    }
}

fn names(folder: &OwnedFd) -> Result<Vec<Vec<u8>>, Rejected> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder).map_err(write)? {
        let name = entry.map_err(write)?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}

fn write(error: Errno) -> Rejected {
    match error {
        Errno::NAMETOOLONG => Rejected::PathTooLong { limit: MOST_NAME_BYTES },
        other => Rejected::Write(other.into()),
    }
}
