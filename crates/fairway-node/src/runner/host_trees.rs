//! Files and folders of the machine that containers are given to read.
//!
//! As root a pod's user may have no right to walk to them (a toolchain in somebody's home), so they are opened while the
//! launcher is root still, and stand in the pod's own folder, in the pod's own mount namespace. They keep their owners: what
//! the machine hides from others stays hidden. With users that the machine lends it is the same; with one user they are reached
//! where they are.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, FileType, fstat};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use rustix::thread::UnshareFlags;

use super::failed::{Failed, Step as _};
use super::protocol::{Mount, Sandbox};
use super::{folder, ranges, raw};

/// Copies of the mounts, not attached anywhere yet.
pub(super) struct HostTrees(Vec<OwnedFd>);

impl HostTrees {
    /// Opens what the pod may read, still as who can reach it; nothing where the pod is nobody else.
    pub(super) fn open(sandbox: &Sandbox) -> Result<Self, Failed> {
        if sandbox.host_user.is_none() {
            return Ok(Self(Vec::new()));
        }
        if sandbox.host_user == Some(ranges::SHARED) && !sandbox.host_trees.is_empty() {
            // The machine's mounts are not ours to copy; a view of them is.
            raw::unshare(UnshareFlags::NEWNS).step(|| "make a view of the machine's mounts".into())?;
        }
        sandbox.host_trees.iter().map(|it| open(it)).collect::<Result<_, _>>().map(Self)
    }

    /// Puts them into the pod's folder, in the pod's own mount namespace.
    pub(super) fn attach(self, uid: &str) -> Result<(), Failed> {
        for (number, tree) in self.0.iter().enumerate() {
            let place = folder::host_tree(uid, number);
            let what = || format!("mount {}", place.display());
            let is_folder = FileType::from_raw_mode(fstat(tree).step(what)?.st_mode) == FileType::Directory;
            make(&place, is_folder).step(what)?;
            move_mount(tree, "", CWD, &place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).step(what)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<OwnedFd, Failed> {
    let what = || format!("open {}", path.display());
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let tree = open_tree(CWD, path, flags).step(what)?;
    raw::limit_mount(&tree, true).step(what)?;
    Ok(tree)
}

fn make(place: &Path, is_folder: bool) -> std::io::Result<()> {
    if is_folder {
        return fs::create_dir_all(place);
    }
    place.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::File::create(place).map(drop)
}

/// Lets mounts of the machine's files come from where the pod's user can reach them.
pub(super) fn rename(mounts: &mut [Mount], sandbox: &Sandbox) {
    for mount in mounts {
        if let Some(number) = sandbox.host_trees.iter().position(|it| *it == mount.source) {
            mount.source = folder::host_tree(&sandbox.uid, number);
        }
    }
}
