//! The short life between the node and pod init: become the pod's user, leave every namespace, fork, go.
//!
//! As root, and with users that the machine lends, the dedicated user is taken first; from there on the way is the same as
//! without root.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use rustix::process::{Gid, Uid, getegid, geteuid, set_dumpable_behavior};
use rustix::thread::UnshareFlags;

use super::failed::{Failed, Step as _};
use super::host_trees::HostTrees;
use super::idmap;
use super::protocol::Sandbox;
use super::{Owner, folder, init, ranges, raw, subids};

/// How a process knows that it is to be pod init: its own name.
pub(super) const NAME: &str = "fairway-pod-init";

/// The name of a process that only tries whether pods can be.
pub(super) const TRIAL: &str = "fairway-pod-trial";

/// Tries what [`run`] does up to the fork, with nothing to show for it; never comes back. In a state folder it tries whether its
/// file system can hold a range of users too. Standard output says `range`, or `one` and why there is no range.
pub(super) fn try_out(mut arguments: impl Iterator<Item = OsString>) -> ! {
    let tried: Result<String, Failed> = (|| {
        let mut verdict = "range\n".to_owned();
        match try_range(arguments.next().as_deref()) {
            Ok((first, mapped)) => {
                become_user(first)?;
                mapped.enter()?;
            }
            Err(why) => {
                verdict = format!("one {why}\n");
                if Owner::here().is_root() {
                    become_user(super::FIRST_POD_USER)?;
                }
                own_namespace()?;
            }
        }
        raw::unshare(idmap::OTHERS).step(|| "make the pod's namespaces".into())?;
        Ok(verdict)
    })();
    match tried {
        Ok(verdict) => {
            say(&verdict);
            raw::exit(0)
        }
        Err(failed) => {
            say(&failed.line());
            raw::exit(1)
        }
    }
}

/// A range of users, with its first, or why it cannot be had. Without root what the machine lends is taken first.
fn try_range(state: Option<&OsStr>) -> Result<(u32, idmap::Mapped), String> {
    if matches!(Owner::here(), Owner::Single { .. }) {
        subids::enter()?;
    }
    let first = match Owner::here() {
        Owner::Root => ranges::last(),
        Owner::Person { .. } => ranges::SHARED,
        _ => return Err("this is not root".to_owned()),
    };
    let in_folder = |state: &OsStr| {
        std::env::set_current_dir(state).step(|| "enter the state folder".into())?;
        if first == ranges::SHARED { give_away() } else { Ok(()) }
    };
    let ready = state.map_or(Ok(()), in_folder);
    let mapped = ready.and_then(|()| idmap::prepare(first, state.is_some())).map_err(|it| it.line())?;
    Ok((first, mapped))
}

/// Tries whether a file can be given to a pod: not every file system of a home knows users that are lent.
fn give_away() -> Result<(), Failed> {
    let path = Path::new(folder::IMAGES).join(".given");
    let given = fs::write(&path, "").and_then(|()| chown(&path, Some(ranges::SHARED), Some(ranges::SHARED)));
    let _absent = fs::remove_file(&path);
    given.step(|| "give a file to a user that is lent".into())
}

/// Runs launcher and pod init; never comes back. Standard output says `pid N`, then `ready` or `error …`.
pub(super) fn run(mut arguments: impl Iterator<Item = OsString>) -> ! {
    let (Some(state), Some(uid)) = (arguments.next(), arguments.next()) else {
        raw::exit(64);
    };
    let (state, uid) = (PathBuf::from(state), uid.to_string_lossy().into_owned());
    let code = match launch(&state, &uid) {
        Ok(code) => code,
        Err(failed) => {
            say(&format!("error {}\n", failed.line()));
            1
        }
    };
    raw::exit(code)
}

/// Tells the node something, as long as it listens.
pub(super) fn say(line: &str) {
    let _gone = rustix::io::write(std::io::stdout(), line.as_bytes());
}

fn launch(state: &Path, uid: &str) -> Result<i32, Failed> {
    raw::close_inherited().step(|| "close inherited descriptors".into())?;
    raw::default_signals();
    std::env::set_current_dir(state).step(|| format!("enter {}", state.display()))?;
    let sandbox = read_sandbox(uid)?;
    join(&sandbox.cgroups)?;
    let first = sandbox.host_user.filter(|_| sandbox.has_range);
    let mapped = first.map(|it| idmap::prepare(it, !sandbox.without_images)).transpose()?;
    let trees = HostTrees::open(&sandbox)?;
    if let Some(user) = sandbox.host_user {
        become_user(user)?;
    }
    match &mapped {
        Some(mapped) => mapped.enter()?,
        None => own_namespace()?,
    }
    raw::unshare(idmap::OTHERS).step(|| "make the pod's namespaces".into())?;
    match raw::fork().step(|| "fork pod init".into())? {
        raw::Fork::Parent(pid) => {
            say(&format!("pid {}\n", pid.as_raw_nonzero()));
            Ok(0)
        }
        raw::Fork::Child => init::run(sandbox, mapped, trees),
    }
}

fn read_sandbox(uid: &str) -> Result<Sandbox, Failed> {
    let path = folder::sandbox(uid);
    let bytes = fs::read(&path).step(|| format!("read {}", path.display()))?;
    serde_json::from_slice(&bytes).step(|| format!("understand {}", path.display()))
}

/// Enters cgroups. Also a container's first step.
pub(super) fn join(cgroups: &[PathBuf]) -> Result<(), Failed> {
    cgroups.iter().try_for_each(|path| fs::write(path, "0").step(|| format!("join cgroup {}", path.display())))
}

pub(super) fn become_user(user: u32) -> Result<(), Failed> {
    let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
    rustix::thread::set_thread_groups(&[]).step(|| "drop groups".into())?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).step(|| format!("become group {user}"))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).step(|| format!("become user {user}"))?;
    // A change of user hides /proc/self from oneself; the maps of the next step are written there.
    set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable).step(|| "own /proc/self again".into())
}

/// Makes a user namespace whose root is who we are now.
pub(super) fn own_namespace() -> Result<(), Failed> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    raw::unshare(UnshareFlags::NEWUSER).step(|| "make a user namespace".into())?;
    map_user(0, uid, 0, gid)
}

/// Maps one user and one group of the outer namespace to one in this new one.
pub(super) fn map_user(user: u32, outer_user: u32, group: u32, outer_group: u32) -> Result<(), Failed> {
    fs::write("/proc/self/setgroups", "deny").step(|| "deny setgroups".into())?;
    fs::write("/proc/self/gid_map", format!("{group} {outer_group} 1")).step(|| "map the group".into())?;
    fs::write("/proc/self/uid_map", format!("{user} {outer_user} 1")).step(|| "map the user".into())
}
