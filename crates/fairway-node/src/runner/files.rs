//! Files and folders that the runner makes: how they are named, made, remembered and given away.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::Path;

use super::{RunPod, ranges};

pub(super) fn prepare(path: &Path, source: io::Error) -> RunPod {
    RunPod::Prepare { path: path.to_owned(), source }
}

pub(super) fn make_folder(path: &Path) -> Result<(), RunPod> {
    fs::create_dir_all(path).map_err(|it| prepare(path, it))
}

/// Names of pods and containers become names of folders: they may not lead anywhere else.
pub(super) fn check_name(name: &str) -> Result<(), RunPod> {
    let good = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '.' | '_');
    if name.is_empty() || name.len() > 253 || name.starts_with('.') || !name.chars().all(good) {
        return Err(RunPod::Name { name: name.chars().take(64).collect() });
    }
    Ok(())
}

/// Reads what a file remembers; writes it if it remembers nothing yet.
pub(super) fn remember(path: &Path, value: &str) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(found) if !found.trim().is_empty() => Ok(found.trim().to_owned()),
        Ok(_) => fs::write(path, value).map(|()| value.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::write(path, value).map(|()| value.to_owned()),
        Err(error) => Err(error),
    }
}

/// Gives a tree to a user and group of the machine, but for what one has who keeps it.
pub(super) fn give_tree(path: &Path, (user, group): (u32, u32), kept: &dyn Fn(u32) -> bool) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if !kept(metadata.uid()) {
        lchown(path, Some(user), Some(group))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            give_tree(&entry?.path(), (user, group), kept)?;
        }
    }
    Ok(())
}

/// Who a pod's volumes are for, inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VolumeUsers {
    /// The owner of files that are written for it.
    pub(crate) user: u32,
    /// The group that may use them.
    pub(crate) group: Option<u32>,
}

/// Gives files that were written for a pod to its user, and lets its group read them.
pub(super) fn share_files(path: &Path, first: u32, who: VolumeUsers) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let (user, group) = (ranges::outside(first, who.user), ranges::outside(first, who.group.unwrap_or(0)));
    if (metadata.uid(), metadata.gid()) != (user, group) {
        lchown(path, Some(user), Some(group))?;
    }
    let read = if metadata.is_dir() { 0o050 } else { 0o040 };
    if who.group.is_some() && !metadata.is_symlink() && metadata.mode() & read != read {
        fs::set_permissions(path, fs::Permissions::from_mode(metadata.mode() & 0o7777 | read))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            share_files(&entry?.path(), first, who)?;
        }
    }
    Ok(())
}

/// Lets every user of a pod write into a folder; what they make there is the group's that they share, if they do.
pub(super) fn open_to_all(path: &Path, first: u32, who: VolumeUsers) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if ranges::holds(first, metadata.uid()) {
        return Ok(());
    }
    lchown(path, Some(first), Some(ranges::outside(first, who.group.unwrap_or(0))))?;
    fs::set_permissions(path, fs::Permissions::from_mode(if who.group.is_some() { 0o2777 } else { 0o777 }))
}

/// Lets everybody write into a folder.
pub(super) fn open_up(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o777 == 0o777 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o777))
}

#[cfg(test)]
mod tests;
