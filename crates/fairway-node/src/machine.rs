//! What this machine offers to a node, and what to do about the rest.

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::runner::{Generation, Owner};

/// Facts for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Which users containers can have.
    pub user_mode: UserMode,
    /// Why it is not a better one, and what to change.
    pub user_reason: String,
    /// `v1`, `v2` or `none`.
    pub cgroups: String,
    /// Which limits can be set.
    pub controllers: Vec<String>,
    /// Why limits cannot be set, if they cannot.
    pub cgroups_reason: Option<String>,
    /// The kernel's release.
    pub kernel: String,
    /// Whether system calls can be filtered.
    pub seccomp: bool,
    /// Whether the kernel knows overlay mounts.
    pub overlay: bool,
    /// Processors.
    pub cpus: usize,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

/// Which users containers can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserMode {
    /// Root: every pod gets unprivileged users of its own.
    Root,
    /// Not root: all pods have a range of users that the machine lends.
    RootlessRange,
    /// Not root, one user.
    RootlessSingle,
    /// Containers cannot run.
    None,
}

/// Looks at the machine. Cheap; changes nothing.
pub fn inspect() -> Machine {
    let generation = crate::runner::detect_limits();
    let (user_mode, user_reason) = user_mode();
    let information = rustix::system::sysinfo();
    let (cgroups, controllers, cgroups_reason) = describe(generation);
    Machine {
        user_mode,
        user_reason,
        cgroups,
        controllers,
        cgroups_reason,
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        seccomp: fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").is_ok_and(|it| it.contains("errno")),
        overlay: knows_overlay(),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: total_memory(information.totalram, information.mem_unit),
    }
}

impl Machine {
    /// The same facts, with the users tried for real: `program` is run for a moment and makes a pod's namespaces. Its `main`
    /// begins with [`crate::reexec`].
    pub fn tried(mut self, program: &Path) -> Self {
        if self.user_mode == UserMode::None {
            return self;
        }
        match crate::runner::try_out(program, None) {
            Err(why) => {
                self.user_mode = UserMode::None;
                self.user_reason = format!(
                    "namespaces cannot be made ({why}); inside another container, allow it user namespaces, or run outside"
                );
            }
            Ok(Some(why)) if self.user_mode == UserMode::Root => {
                self.user_reason = format!(
                    "every pod runs as one unprivileged user of its own, for a range of users cannot be had ({why}): images \
                     that change user while they run are told so"
                );
            }
            Ok(Some(why)) if self.user_mode == UserMode::RootlessRange => {
                self.user_mode = UserMode::RootlessSingle;
                self.user_reason = format!("each container gets one user, for a range of users cannot be had ({why})");
            }
            Ok(_) => {}
        }
        self
    }
}

fn total_memory(units: impl TryInto<u64>, unit: impl TryInto<u64>) -> u64 {
    units.try_into().unwrap_or(0).saturating_mul(unit.try_into().unwrap_or(1))
}

fn describe(generation: Generation) -> (String, Vec<String>, Option<String>) {
    match generation {
        Generation::V1(controllers) => ("v1".into(), controllers.into_iter().map(str::to_owned).collect(), None),
        Generation::V2(_, controllers) => ("v2".into(), controllers.into_iter().map(str::to_owned).collect(), None),
        Generation::None(reason) => ("none".into(), Vec::new(), Some(reason)),
    }
}

/// The module may not be loaded yet, but then the kernel loads it when it is first used by root.
fn knows_overlay() -> bool {
    let listed = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    listed.lines().any(|it| it.ends_with("\toverlay")) || Path::new("/sys/module/overlay").exists()
}

/// Switches that keep users from making namespaces: where, what it reads then, and what to do.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user namespaces are turned off; run `sysctl -w user.max_user_namespaces=15000`",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are for root only; run `sysctl -w kernel.unprivileged_userns_clone=1`",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps programs without a profile from making user namespaces; give this program a profile with \
         `userns,` or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`",
    ),
];

fn user_mode() -> (UserMode, String) {
    for (path, bad, advice) in SWITCHES {
        if fs::read_to_string(path).is_ok_and(|it| it.trim() == bad) {
            // As root our pods change to an unprivileged user first, so the switches bind them too.
            return (UserMode::None, advice.to_owned());
        }
    }
    if Owner::here().is_root() {
        return (
            UserMode::Root,
            format!("every pod has a range of {} unprivileged users of its own", crate::runner::RANGE),
        );
    }
    if matches!(Owner::here(), Owner::Person { .. }) {
        return (UserMode::RootlessRange, lent());
    }
    match crate::runner::find_lent() {
        Ok(_) => (UserMode::RootlessRange, lent()),
        Err(why) => (
            UserMode::RootlessSingle,
            format!("each container gets one user, and images that change user while they run need a range: {why}"),
        ),
    }
}

fn lent() -> String {
    format!("all pods share a range of {} users that /etc/subuid lends to you", crate::runner::RANGE)
}

#[cfg(test)]
mod tests;
