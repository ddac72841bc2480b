//! Ranges of users. As root one for every pod, and one for every namespace whose pods share volumes; without root all pods
//! have the one that the machine lends, and are one trust domain.
//!
//! Who has which is told by the owner of the pod's folder, or the namespace's: a node that begins again finds them there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::thread::CapabilitySet;

/// Users of a range: those that images number. The last stands for any number that is greater.
pub(super) const USERS: u32 = 0x1_0000;

/// From here to 0x7fff_ffff systemd leaves users to nobody, and those of `/etc/subuid` end below. The first two ranges hold
/// the single users of pods that have no range.
const FIRST: u32 = super::FIRST_POD_USER + 2 * USERS;
const FIRST_OF_NAMESPACES: u32 = 0x7c00_0000;
const END: u32 = 0x7fff_0000;

/// Without root: the first user of all pods, in the user namespace that is made for them. Files of users who are not in it seem
/// to be of 65,534, which is nobody's number there.
pub(super) const SHARED: u32 = USERS;

/// What root in a container may do where its pod has a range, as Kubernetes names it: to files and processes of its own
/// users, and to become one of them.
pub(crate) const NAMED_RIGHTS: [(&str, CapabilitySet); 7] = [
    ("CHOWN", CapabilitySet::CHOWN),
    ("DAC_OVERRIDE", CapabilitySet::DAC_OVERRIDE),
    ("FOWNER", CapabilitySet::FOWNER),
    ("FSETID", CapabilitySet::FSETID),
    ("KILL", CapabilitySet::KILL),
    ("SETGID", CapabilitySet::SETGID),
    ("SETUID", CapabilitySet::SETUID),
];

/// All of them.
pub(crate) const RIGHTS: CapabilitySet = {
    let (mut all, mut at) = (CapabilitySet::empty(), 0);
    while at < NAMED_RIGHTS.len() {
        all = all.union(NAMED_RIGHTS[at].1);
        at += 1;
    }
    all
};

/// The ranges of pods.
pub(super) enum Ranges {
    /// All pods have the same.
    One,
    /// Each has its own: those that are given.
    Each(Mutex<Given>),
}

#[derive(Default)]
pub(super) struct Given {
    by_pod: BTreeMap<String, u32>,
    last: Option<u32>,
}

impl Ranges {
    /// Those that the pods of a folder have.
    pub(super) fn of(pods: &Path) -> Self {
        let entries = fs::read_dir(pods).into_iter().flatten().flatten();
        let had = entries.filter_map(|entry| {
            let owner = entry.metadata().ok()?.uid();
            let is_one = (FIRST..FIRST_OF_NAMESPACES).contains(&owner);
            is_one.then(|| (entry.file_name().to_string_lossy().into_owned(), owner - owner % USERS))
        });
        let by_pod: BTreeMap<_, _> = had.collect();
        Self::Each(Mutex::new(Given { last: by_pod.values().max().copied(), by_pod }))
    }

    /// The first user of a pod's range. One that was freed is not somebody else's at once. Nothing if all are given.
    pub(super) fn take(&self, pod: &str) -> Option<u32> {
        let Self::Each(given) = self else { return Some(SHARED) };
        let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(has) = given.by_pod.get(pod) {
            return Some(*has);
        }
        let taken = given.by_pod.values().copied().collect();
        let after = given.last.map_or(FIRST, |it| it + USERS);
        let found = free(after, FIRST_OF_NAMESPACES, &taken).or_else(|| free(FIRST, FIRST_OF_NAMESPACES, &taken))?;
        given.by_pod.insert(pod.to_owned(), found);
        given.last = Some(found);
        Some(found)
    }

    /// Gives a pod's range back.
    pub(super) fn free(&self, pod: &str) {
        if let Self::Each(given) = self {
            given.lock().unwrap_or_else(PoisonError::into_inner).by_pod.remove(pod);
        }
    }
}

/// The first of a range for one more namespace.
pub(super) fn for_namespace(taken: &std::collections::BTreeSet<u32>) -> Option<u32> {
    free(FIRST_OF_NAMESPACES, END, taken)
}

/// Whether a namespace's folder belongs to the first user of a range.
pub(super) fn is_of_namespace(user: u32) -> bool {
    (FIRST_OF_NAMESPACES..END).contains(&user) && user.is_multiple_of(USERS)
}

/// The last user that is ever given: who can be this one can be all.
pub(super) fn last() -> u32 {
    END - USERS
}

/// The user of the machine that one of a pod is.
pub(super) fn outside(first: u32, user: u32) -> u32 {
    first + user.min(USERS - 1)
}

/// Whether a user of the machine is one of this range.
pub(super) fn holds(first: u32, user: u32) -> bool {
    user.checked_sub(first).is_some_and(|it| it < USERS)
}

fn free(from: u32, to: u32, taken: &std::collections::BTreeSet<u32>) -> Option<u32> {
    let size = usize::try_from(USERS).unwrap_or(usize::MAX);
    (from..to).step_by(size).find(|it| !taken.contains(it))
}

#[cfg(test)]
mod tests;
