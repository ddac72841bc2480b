//! As root: a pod's range of users, and the images as they see them.
//!
//! Images are unpacked once, with the owners that their layers name, and every pod has other users. An id-mapped mount shows
//! the files of user 7 as those of the pod's user 7: a container may read and write (a copy of) just what its image says.
//! Without root the file system is not ours to map, and images are unpacked with the users of the one range that there is.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::failed::{Failed, Step as _};
use super::{folder, launch, ranges, raw};

/// The pod's user namespace, made ahead, and the images as it sees them.
pub(super) struct Mapped {
    namespace: OwnedFd,
    images: Option<OwnedFd>,
}

/// Makes both, still as who can be every user of the range. Images are left out where no container stands on one, and where
/// they are the pod's as they are.
pub(super) fn prepare(first: u32, with_images: bool) -> Result<Mapped, Failed> {
    let namespace = make_namespace(Some(first), |keeper| map_range(keeper, first))?;
    let map = || {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let images = open_tree(CWD, folder::IMAGES, flags).step(|| "open the images".into())?;
        raw::map_mount(&images, &namespace).step(|| "map the images".into())?;
        Ok(images)
    };
    let images = (with_images && first != ranges::SHARED).then(map).transpose()?;
    Ok(Mapped { namespace, images })
}

/// A user namespace that belongs to somebody, or to who we are, with the users that `map` gives to the process in it.
pub(super) fn make_namespace(
    owner: Option<u32>,
    map: impl FnOnce(Pid) -> Result<(), Failed>,
) -> Result<OwnedFd, Failed> {
    let (mut ready, mut tell) = std::io::pipe().step(|| "make a pipe".into())?;
    let keeper = match raw::fork().step(|| "fork".into())? {
        raw::Fork::Child => {
            // Keeps the namespace until its parent has a handle of it.
            let made = owner
                .map_or(Ok(()), launch::become_user)
                .and_then(|()| raw::unshare(UnshareFlags::NEWUSER).step(|| "make a user namespace".into()));
            let _gone = tell.write_all(&[u8::from(made.is_ok())]);
            loop {
                let _interrupted = rustix::thread::nanosleep(&rustix::thread::Timespec { tv_sec: 60, tv_nsec: 0 });
            }
        }
        raw::Fork::Parent(pid) => pid,
    };
    drop(tell);
    let mut answer = [0u8];
    let heard = ready.read(&mut answer).step(|| "hear of the namespace".into());
    let namespace = if answer == [1] { map(keeper).and_then(|()| open(keeper)).map(Some) } else { Ok(None) };
    let _dead = kill_process(keeper, Signal::KILL);
    let _reaped = waitpid(Some(keeper), WaitOptions::empty());
    heard?;
    let not_made = || Err(std::io::Error::other("it was not made")).step(|| "make a user namespace".into());
    namespace?.map_or_else(not_made, Ok)
}

/// Only who can be every user of a range may say who they are in a namespace.
fn map_range(keeper: Pid, first: u32) -> Result<(), Failed> {
    let place = format!("/proc/{}", keeper.as_raw_nonzero());
    let map = format!("0 {first} {}", ranges::USERS);
    fs::write(format!("{place}/gid_map"), &map).step(|| "map the pod's groups".into())?;
    fs::write(format!("{place}/uid_map"), &map).step(|| "map the pod's users".into())
}

fn open(keeper: Pid) -> Result<OwnedFd, Failed> {
    let namespace = File::open(format!("/proc/{}/ns/user", keeper.as_raw_nonzero()));
    Ok(namespace.step(|| "open the user namespace".into())?.into())
}

impl Mapped {
    /// Enters the namespace. The process is the user already whose it is.
    pub(super) fn enter(&self) -> Result<(), Failed> {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::User))
            .step(|| "enter the pod's user namespace".into())
    }

    /// Puts the images in their place, in the pod's own mount namespace.
    pub(super) fn attach(&self) -> Result<(), Failed> {
        let Some(images) = &self.images else { return Ok(()) };
        move_mount(images, "", CWD, Path::new(folder::IMAGES), MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .step(|| "mount the images".into())
    }
}

/// Every other namespace of a pod.
pub(super) const OTHERS: UnshareFlags = UnshareFlags::NEWNS
    .union(UnshareFlags::NEWPID)
    .union(UnshareFlags::NEWNET)
    .union(UnshareFlags::NEWIPC)
    .union(UnshareFlags::NEWUTS);
