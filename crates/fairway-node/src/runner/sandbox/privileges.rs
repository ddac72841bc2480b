//! Giving up rights, for good.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

use super::{range, seccomp};
use crate::runner::failed::{Failed, Step as _};
use crate::runner::protocol::Container;

/// More than the newest kernel has; it says which is the first that it does not know.
const CAPABILITIES: u32 = 63;
const OPEN_FILES: u64 = 65_536;

/// Limits, no capabilities in any set (but for what root keeps among the users of a range), no way to get new ones, and the
/// filter of system calls.
pub(super) fn give_up(spec: &Container) -> Result<(), Failed> {
    limit(spec)?;
    clear_ambient_capability_set().step(|| "clear ambient capabilities".into())?;
    let kept = range::kept(spec);
    let others = |it: &CapabilitySet| !kept.contains(*it);
    for capability in (0..CAPABILITIES).map(|it| CapabilitySet::from_bits_retain(1 << it)).filter(others) {
        if remove_capability_from_bounding_set(capability).is_err() {
            break;
        }
    }
    range::become_user(spec)?;
    set_no_new_privs(true).step(|| "refuse new privileges".into())?;
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })
        .step(|| "drop capabilities".into())?;
    seccomp::install().map_err(io::Error::other).step(|| "install the filter of system calls".into())
}

/// Limits that hold without cgroups too.
fn limit(spec: &Container) -> Result<(), Failed> {
    let hard = getrlimit(Resource::Nofile).maximum;
    set(Resource::Nofile, hard.map_or(OPEN_FILES, |it| it.min(OPEN_FILES)))?;
    set(Resource::Core, 0)?;
    match spec.limits.pids {
        // Counted in the container's own user namespace: a stop for fork bombs also where no cgroup can be written. Where one
        // can, that one is to stop them first, for it tells.
        Some(pids) => {
            let pids = if spec.cgroups.is_empty() { pids } else { pids + pids / 4 + 1 };
            set(Resource::Nproc, getrlimit(Resource::Nproc).maximum.map_or(pids, |it| it.min(pids)))
        }
        None => Ok(()),
    }
}

fn set(resource: Resource, value: u64) -> Result<(), Failed> {
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
        .step(|| format!("set the limit {resource:?}"))
}
