//! What a node has on its machine: for tests that show nothing is left behind, and for `doctor`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::cgroups::Cgroups;
use super::launch;

/// Counts of what belongs to one state folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Pod inits and all their descendants.
    pub processes: usize,
    /// Mounts below the state folder that the machine itself sees.
    pub mounts: usize,
    /// Folders in the machine's cgroups.
    pub cgroups: usize,
    /// Namespaces that those processes are in and we are not.
    pub namespaces: usize,
    /// Pod folders.
    pub folders: usize,
}

/// Counts now.
pub(super) fn measure(state: &Path, cgroups: &Cgroups) -> Footprint {
    let processes = processes(state);
    let needle = state.to_string_lossy();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    Footprint {
        namespaces: namespaces(&processes),
        processes: processes.len(),
        mounts: mounts.lines().filter(|it| it.split(' ').nth(4).is_some_and(|it| it.starts_with(&*needle))).count(),
        cgroups: cgroups.tops().iter().map(|it| folders(it)).sum(),
        folders: fs::read_dir(state.join(super::folder::PODS)).map_or(0, Iterator::count),
    }
}

/// A folder and all below it.
fn folders(path: &Path) -> usize {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let below = entries.flatten().filter(|it| it.file_type().is_ok_and(|it| it.is_dir()));
    1 + below.map(|it| folders(&it.path())).sum::<usize>()
}

fn processes(state: &Path) -> BTreeSet<u32> {
    let mut parents = Vec::new();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|it| it.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in brackets may hold anything; what follows the last bracket may not.
        let mut rest = stat.rsplit_once(") ").map_or("", |it| it.1).split(' ');
        let is_zombie = rest.next().is_none_or(|it| matches!(it, "Z" | "X"));
        let Some(parent) = rest.next().and_then(|it| it.parse::<u32>().ok()) else { continue };
        if is_zombie {
            continue;
        }
        parents.push((pid, parent));
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = command.split(|it| *it == 0);
        if words.next() == Some(launch::NAME.as_bytes()) && words.next() == Some(state.as_os_str().as_encoded_bytes()) {
            found.insert(pid);
        }
    }
    loop {
        let before = found.len();
        found.extend(parents.iter().filter(|it| found.contains(&it.1)).map(|it| it.0).collect::<Vec<_>>());
        if found.len() == before {
            return found;
        }
    }
}

fn namespaces(processes: &BTreeSet<u32>) -> usize {
    let of = |pid: &str| -> BTreeSet<String> {
        let links = fs::read_dir(format!("/proc/{pid}/ns")).into_iter().flatten().flatten();
        links.filter_map(|it| Some(fs::read_link(it.path()).ok()?.to_string_lossy().into_owned())).collect()
    };
    let ours = of("self");
    let theirs: BTreeSet<String> = processes.iter().flat_map(|it| of(&it.to_string())).collect();
    theirs.difference(&ours).count()
}
