//! As root: lets a pod see the images as its own, whoever's they are on disk.
//!
//! Images are unpacked once, by root, and every pod runs as another user. An id-mapped mount shows root's files as the pod's
//! user's, so a container may read what its image keeps from others and write (a copy) where its image says: exactly as
//! without root, where the one who unpacks is the one who runs.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use rustix::process::{Signal, WaitOptions, kill_process, waitpid};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::failed::{Failed, Step as _};
use super::{folder, launch, raw};

/// The pod's user namespace, made ahead, and the images as it sees them.
pub(super) struct Mapped {
    namespace: OwnedFd,
    images: OwnedFd,
}

/// Makes both, still as root.
pub(super) fn prepare(user: u32) -> Result<Mapped, Failed> {
    let (mut ready, mut tell) = std::io::pipe().step(|| "make a pipe".into())?;
    let keeper = match raw::fork().step(|| "fork".into())? {
        raw::Fork::Child => {
            // Keeps the namespace until its parent has a handle of it.
            let made = launch::become_user(user).and_then(|()| launch::own_namespace());
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
    let namespace = File::open(format!("/proc/{}/ns/user", keeper.as_raw_nonzero()));
    let _dead = kill_process(keeper, Signal::KILL);
    let _reaped = waitpid(Some(keeper), WaitOptions::empty());
    if heard? != 1 || answer != [1] {
        return Err(std::io::Error::other("it was not made")).step(|| "make the pod's user namespace".into());
    }
    let namespace = OwnedFd::from(namespace.step(|| "open the pod's user namespace".into())?);
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let images = open_tree(CWD, folder::IMAGES, flags).step(|| "open the images".into())?;
    raw::map_mount(&images, &namespace).step(|| "map the images".into())?;
    Ok(Mapped { namespace, images })
}

impl Mapped {
    /// Enters the namespace. The process is the user already who made it.
    pub(super) fn enter(&self) -> Result<(), Failed> {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::User))
            .step(|| "enter the pod's user namespace".into())
    }

    /// Puts the images in their place, in the pod's own mount namespace.
    pub(super) fn attach(&self) -> Result<(), Failed> {
        move_mount(&self.images, "", CWD, Path::new(folder::IMAGES), MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .step(|| "mount the images".into())
    }
}

/// Every other namespace of a pod.
pub(super) const OTHERS: UnshareFlags = UnshareFlags::NEWNS
    .union(UnshareFlags::NEWPID)
    .union(UnshareFlags::NEWNET)
    .union(UnshareFlags::NEWIPC)
    .union(UnshareFlags::NEWUTS);
