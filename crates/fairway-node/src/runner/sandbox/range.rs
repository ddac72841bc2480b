//! With a range of users: a container's own user namespace has all of its pod's, and the container begins as one of them.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, fchown, openat};
use rustix::thread::{CapabilitySet, UnshareFlags};

use crate::runner::failed::{Failed, Step as _};
use crate::runner::protocol::Container;
use crate::runner::ranges::RIGHTS;
use crate::runner::{ranges, raw};

/// As long as a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes the container's user namespace, and waits until init has said which users it has.
pub(super) fn enter_namespace(init: &OwnedFd) -> Result<(), Failed> {
    raw::unshare(UnshareFlags::NEWUSER).step(|| "make the container's user namespace".into())?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let itself = openat(CWD, "/proc/self", flags, Mode::empty()).step(|| "open /proc/self".into())?;
    raw::hand_over(init, &itself).step(|| "ask for the container's users".into())?;
    let mut answer = [0u8];
    let heard = rustix::io::read(init, &mut answer).step(|| "hear of the container's users".into())?;
    if heard == 1 { Ok(()) } else { Err(io::Error::other("init is gone")).step(|| "map the container's users".into()) }
}

/// Init's part: says which users a container's namespace has. Nothing is said to one that fails before it asks.
pub(in crate::runner) fn map_users(spec: &Container, container: &OwnedFd, report: &OwnedFd) -> Result<(), Failed> {
    let patience = Timespec::try_from(PATIENCE).expect("seconds fit");
    let mut ready = [PollFd::new(container, PollFlags::IN), PollFd::new(report, PollFlags::IN)];
    poll(&mut ready, Some(&patience)).step(|| "wait for the container".into())?;
    if !ready[0].revents().contains(PollFlags::IN) {
        return Ok(());
    }
    let Some(itself) = raw::take_over(container) else { return Ok(()) };
    write(&itself, "gid_map", &map(high_group(spec))).step(|| "map the container's groups".into())?;
    write(&itself, "uid_map", &map(Some(spec.user).filter(|it| is_high(*it))))
        .step(|| "map the container's users".into())?;
    rustix::io::write(container, &[1]).step(|| "answer the container".into()).map(drop)
}

fn write(place: &OwnedFd, name: &str, map: &str) -> io::Result<()> {
    let file = openat(place, name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, map.as_bytes())?;
    Ok(())
}

/// Everybody is who they are in the pod; the last of the range is whoever has a greater number.
fn map(high: Option<u32>) -> String {
    let last = ranges::USERS - 1;
    match high {
        None => format!("0 0 {}\n", ranges::USERS),
        Some(high) => format!("0 0 {last}\n{high} {last} 1\n"),
    }
}

fn is_high(id: u32) -> bool {
    id >= ranges::USERS - 1
}

/// Of the groups with great numbers the range has room for one.
fn high_group(spec: &Container) -> Option<u32> {
    [spec.group].iter().chain(&spec.groups).copied().find(|it| is_high(*it))
}

/// Gives what the program prints into to its user, who may open it anew (`/dev/stdout`).
pub(super) fn give_stream(spec: &Container, stream: impl AsFd) {
    // What is neither pipe nor terminal stays as it is.
    let _stays = fchown(stream, Some(Uid::from_raw(spec.user)), Some(Gid::from_raw(spec.group)));
}

/// What the program keeps: only root has any rights, and no more than its specification says.
pub(super) fn kept(spec: &Container) -> CapabilitySet {
    if spec.has_range && spec.user == 0 {
        CapabilitySet::from_bits_truncate(spec.capabilities) & RIGHTS
    } else {
        CapabilitySet::empty()
    }
}

/// Becomes the container's user, with its groups.
pub(super) fn become_user(spec: &Container) -> Result<(), Failed> {
    if !spec.has_range {
        return Ok(());
    }
    let high = high_group(spec);
    let groups: Vec<Gid> =
        spec.groups.iter().filter(|it| !is_high(**it) || Some(**it) == high).map(|it| Gid::from_raw(*it)).collect();
    let (uid, gid) = (Uid::from_raw(spec.user), Gid::from_raw(spec.group));
    rustix::thread::set_thread_groups(&groups).step(|| "take the container's groups".into())?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).step(|| format!("become group {}", spec.group))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).step(|| format!("become user {}", spec.user))
}

#[cfg(test)]
mod tests;
