//! Walking a folder that somebody hostile may be writing to at the same time: from descriptor to descriptor, never through a
//! link, and with bounds.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, chmod, chownat, fstat, openat, statat};
use rustix::io::Errno;

/// Folders in folders: each costs a descriptor while it is walked through.
const DEPTH: usize = 256;
/// As many files as fit into a volume are not too many, whatever its size.
const FEWEST_FILES: u64 = 4096;
const MOST_FILES: u64 = 2_000_000;
/// The size of the files that make a volume full by their number.
const SMALL_FILE: u64 = 4096;

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// Bytes on disk.
    pub(crate) bytes: u64,
    /// Files and folders.
    pub(crate) files: u64,
    /// Whether folders lie in each other deeper than is looked.
    pub(crate) is_too_deep: bool,
}

/// How much a folder may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

impl Allowance {
    /// What a volume of this size may hold. Files cost more than their bytes: their number is bounded too.
    pub(crate) fn of(bytes: u64) -> Self {
        Self { bytes, files: (bytes / SMALL_FILE).clamp(FEWEST_FILES, MOST_FILES) }
    }

    pub(crate) fn is_kept_by(self, usage: &Usage) -> bool {
        usage.bytes <= self.bytes && usage.files <= self.files && !usage.is_too_deep
    }
}

/// Counts what a folder holds, no further than to see that it is too much.
pub(crate) fn measure(folder: &Path, allowance: Allowance) -> io::Result<Usage> {
    let mut usage = Usage::default();
    let mut several_names = BTreeSet::new();
    let too_deep = walk(folder, &mut |_, _, stat| {
        usage.files += 1;
        let is_new = stat.st_nlink < 2 || is_folder(stat) || several_names.insert((stat.st_dev, stat.st_ino));
        if is_new {
            usage.bytes = usage.bytes.saturating_add(u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512));
        }
        if allowance.is_kept_by(&usage) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    usage.is_too_deep = too_deep;
    Ok(usage)
}

/// Gives a folder and all in it to a user and a group.
pub(crate) fn give(folder: &Path, user: u32, group: u32) -> io::Result<()> {
    let (uid, gid) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
    let mut failed = Ok(());
    let too_deep = walk(folder, &mut |parent, name, _| {
        failed = chownat(parent, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    if too_deep {
        return Err(all_too_deep());
    }
    chownat(CWD, folder, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

/// Gives a folder and all in it to a group that may read and write, and so with what will be made there. Its own group is
/// changed last: it says that all is done.
pub(crate) fn share(folder: &Path, group: u32) -> io::Result<()> {
    let gid = Some(Gid::from_raw(group));
    let mut failed = Ok(());
    let too_deep = walk(folder, &mut |parent, name, _| {
        failed = share_one(parent, name, gid);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    if too_deep {
        return Err(all_too_deep());
    }
    let top = openat(CWD, folder, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    share_open(&top, gid)?;
    Ok(())
}

fn share_one(parent: BorrowedFd<'_>, name: &CStr, group: Option<Gid>) -> Result<(), Errno> {
    // By its handle: a link that takes its place must not lead the change of rights elsewhere.
    match openat(parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => share_open(&file, group),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}

fn share_open(file: &OwnedFd, group: Option<Gid>) -> Result<(), Errno> {
    let stat = fstat(file)?;
    let more = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Mode::RWXG | Mode::SGID,
        FileType::RegularFile => Mode::RGRP | Mode::WGRP,
        _ => Mode::empty(),
    };
    chownat(file, c"", None, group, AtFlags::EMPTY_PATH)?;
    if more.is_empty() {
        return Ok(());
    }
    chmod(format!("/proc/self/fd/{}", file.as_raw_fd()), Mode::from_raw_mode(stat.st_mode) | more)
}

fn all_too_deep() -> io::Error {
    io::Error::other(format!("folders lie in each other more than {DEPTH} deep"))
}

/// Visits everything in a folder, a folder before what is in it. True if some of it lies too deep to be visited.
fn walk(folder: &Path, visit: &mut dyn FnMut(BorrowedFd<'_>, &CStr, &Stat) -> ControlFlow<()>) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut open = vec![Dir::new(openat(CWD, folder, flags, Mode::empty())?)?];
    let mut too_deep = false;
    while let Some(here) = open.last_mut() {
        let Some(entry) = here.read() else {
            open.pop();
            continue;
        };
        let Ok(entry) = entry else {
            // It was removed under our hands.
            open.pop();
            continue;
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let parent = here.fd()?;
        let Ok(stat) = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if visit(parent, name, &stat).is_break() {
            break;
        }
        if !is_folder(&stat) {
            continue;
        }
        match enter(parent, name) {
            Ok(Some(_)) if open.len() >= DEPTH => too_deep = true,
            Ok(Some(below)) => open.push(Dir::new(below)?),
            Ok(None) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(too_deep)
}

fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

/// Opens a folder, also one whose owner closed it to himself: nothing can be hidden in it. Nothing where it is gone.
fn enter(parent: BorrowedFd<'_>, name: &CStr) -> Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = match openat(parent, name, flags, Mode::empty()) {
        Ok(place) => place,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    let read = || openat(&place, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    match read() {
        Err(Errno::ACCESS) => {
            chmod(format!("/proc/self/fd/{}", place.as_raw_fd()), Mode::RWXU)?;
            read().map(Some)
        }
        Err(Errno::NOENT) => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests;
