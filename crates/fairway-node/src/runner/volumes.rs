//! Volumes that outlive pods: a folder for each, by namespace.
//!
//! As root all pods of a namespace that share volumes run as one user of the machine, or have one range of users, for what
//! one wrote another must be able to change. The namespace's folder belongs to that user, or to the first of the range, and so
//! is the record of who it is. Without root, where users are lent, all pods have the same. With a range a volume belongs to
//! the user of the container that is started on it first.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use super::copy::{CopyLimits, copy_beneath};
use super::{
    Container, FIRST_POD_USER, Ranges, RunPod, Runner, Sandbox, check_name, folder, make_folder, prepare, ranges, walk,
};

/// Without ranges the users of namespaces come after those of single pods.
const FIRST_NAMESPACE_USER: u32 = FIRST_POD_USER + 0x1_0000;
const LAST_NAMESPACE_USER: u32 = FIRST_NAMESPACE_USER + 0xffff;

/// A volume that outlives pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    folder: PathBuf,
    /// Where it is filled before it takes the folder's place.
    beside: PathBuf,
    owner: Option<u32>,
    /// Its owner has a range, and who of it has the files is said when the first container is started on it.
    is_of_range: bool,
}

impl Volume {
    /// What is in it. Pods may be writing to it: read it with [`Volume::open`].
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The user of the machine that the pods which use it run as, or the first of their range, where they are not who we are.
    pub(crate) fn owner(&self) -> Option<u32> {
        self.owner
    }

    /// Opens a file in it for reading: a plain file, and no link on the way to it.
    pub fn open(&self, path: &Path) -> io::Result<fs::File> {
        open_beneath(&self.folder, path)
    }

    /// Copies a folder of it into a new one: see [`copy_beneath`].
    pub fn copy(&self, path: &Path, into: &Path, limits: CopyLimits) -> io::Result<()> {
        copy_beneath(&self.folder, path, into, limits)
    }

    /// An empty folder for what is to be in it, which no pod sees. Whatever an earlier filling left there is removed.
    pub fn fill(&self) -> io::Result<PathBuf> {
        folder::remove_tree(&self.beside)?;
        fs::create_dir(&self.beside)?;
        fs::set_permissions(&self.beside, fs::Permissions::from_mode(0o700))?;
        Ok(self.beside.clone())
    }

    /// Puts what was filled in the place of what was there: pods that start from now on see it, whole.
    pub fn filled(&self) -> io::Result<()> {
        self.exchange()?;
        self.discard()
    }

    /// Whether it holds more than so many bytes, or more files than go with them.
    pub fn holds_more_than(&self, bytes: u64) -> io::Result<bool> {
        let allowance = walk::Allowance::of(bytes);
        Ok(!allowance.is_kept_by(&walk::measure(&self.folder, allowance)?))
    }

    /// Puts an empty folder in its place at once; what it held is there until [`Volume::discard`].
    pub fn empty(&self) -> io::Result<()> {
        self.fill()?;
        self.exchange()
    }

    /// Removes what was in it before it was emptied.
    pub fn discard(&self) -> io::Result<()> {
        folder::remove_tree(&self.beside)
    }

    fn exchange(&self) -> io::Result<()> {
        if let Some(owner) = self.owner.filter(|_| !self.is_of_range) {
            walk::give(&self.beside, owner, owner)?;
        }
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        let (new, old) = (&self.beside, &self.folder);
        rustix::fs::renameat_with(rustix::fs::CWD, new, rustix::fs::CWD, old, flags)?;
        Ok(())
    }
}

/// Opens a plain file below a folder for reading, whatever somebody hostile made of the folder: a link on the way, a device or
/// a pipe in its place is an error.
pub fn open_beneath(folder: &Path, path: &Path) -> io::Result<fs::File> {
    use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = openat(CWD, folder, flags, Mode::empty())?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    // A pipe without a writer must not keep us waiting.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat2(&top, path, flags, Mode::empty(), resolve)?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    Ok(file.into())
}

impl Runner {
    /// A volume by its namespace and id, made if need be.
    pub fn shared_volume(&self, namespace: &str, id: &str) -> Result<Volume, RunPod> {
        check_name(namespace)?;
        check_name(id)?;
        let above = self.state.join(folder::VOLUMES).join(namespace);
        let (folder, beside) = (above.join(id), above.join(format!(".{id}")));
        let volume = Volume { folder, beside, owner: None, is_of_range: self.has_ranges() };
        let owner = self.namespace_user(&above).map_err(|it| prepare(&above, it))?;
        if volume.is_of_range && volume.folder.is_dir() {
            return Ok(Volume { owner, ..volume });
        }
        make_folder(&volume.folder)?;
        fs::set_permissions(&volume.folder, fs::Permissions::from_mode(0o700))
            .and_then(|()| match owner.filter(|_| !volume.is_of_range) {
                Some(owner) => lchown(&volume.folder, Some(owner), Some(owner)),
                None => Ok(()),
            })
            .map_err(|it| prepare(&volume.folder, it))?;
        Ok(Volume { owner, ..volume })
    }

    /// Every volume that there is: namespace and id.
    pub(crate) fn shared_volumes(&self) -> Vec<(String, String)> {
        let names = |path: &Path| {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        let top = self.state.join(folder::VOLUMES);
        let below = |namespace: String| {
            let ids = names(&top.join(&namespace));
            ids.into_iter().map(move |id| (namespace.clone(), id.trim_start_matches('.').to_owned()))
        };
        names(&top).into_iter().flat_map(below).collect()
    }

    /// Removes a volume and all in it, and its namespace's folder after the last one. It may be called again.
    pub(crate) fn remove_shared_volume(&self, namespace: &str, id: &str) -> Result<(), RunPod> {
        check_name(namespace)?;
        check_name(id)?;
        let above = self.state.join(folder::VOLUMES).join(namespace);
        for path in [above.join(id), above.join(format!(".{id}"))] {
            folder::remove_tree(&path).map_err(|it| prepare(&path, it))?;
        }
        let _others_are_in_it = fs::remove_dir(&above);
        Ok(())
    }

    /// Gives the volumes that a container is started on to its user, where they are nobody's yet, and to its pod's group.
    pub(super) async fn settle(&self, sandbox: &Sandbox, container: &Container) -> Result<(), RunPod> {
        let Some(first) = sandbox.host_user.filter(|_| sandbox.has_range) else { return Ok(()) };
        let user = ranges::outside(first, container.user);
        let group = ranges::outside(first, sandbox.fs_group.unwrap_or(container.group));
        let shared = sandbox.fs_group.is_some();
        for mount in &container.mounts {
            let path = self.state.join(&mount.source);
            if path.starts_with(self.state.join(folder::pod(&sandbox.uid))) {
                begin(&path, first, user, Some(group).filter(|_| !shared)).map_err(|it| prepare(&path, it))?;
            }
            if !path.starts_with(self.state.join(folder::VOLUMES)) {
                continue;
            }
            let _one_after_the_other = self.settling.lock().await;
            let task = move || settle(&path, first, (user, group), shared).map_err(|it| prepare(&path, it));
            let done = tokio::task::spawn_blocking(task).await;
            done.unwrap_or_else(|it| Err(prepare(&self.state, io::Error::other(it))))?;
        }
        Ok(())
    }

    /// Makes a namespace's folder and says who it belongs to.
    fn namespace_user(&self, above: &Path) -> io::Result<Option<u32>> {
        fs::create_dir_all(above)?;
        fs::set_permissions(self.state.join(folder::VOLUMES), fs::Permissions::from_mode(0o711))?;
        fs::set_permissions(above, fs::Permissions::from_mode(0o700))?;
        let owned = |path: &Path| fs::metadata(path).map_or(0, |it| it.uid());
        let known = owned(above);
        if matches!(self.ranges, Some(Ranges::One)) {
            if known != ranges::SHARED {
                lchown(above, Some(ranges::SHARED), Some(ranges::SHARED))?;
            }
            return Ok(Some(ranges::SHARED));
        }
        if !self.is_root {
            return Ok(None);
        }
        let mut singles = FIRST_NAMESPACE_USER..=LAST_NAMESPACE_USER;
        let is_one = if self.has_ranges() { ranges::is_of_namespace(known) } else { singles.contains(&known) };
        if is_one {
            return Ok(Some(known));
        }
        let entries = fs::read_dir(self.state.join(folder::VOLUMES))?.flatten();
        let taken: BTreeSet<u32> = entries.map(|it| owned(&it.path())).collect();
        let mut single = || singles.find(|it| !taken.contains(it));
        let free = if self.has_ranges() { ranges::for_namespace(&taken) } else { single() };
        let user = free.ok_or_else(|| io::Error::other("no user is left for one more namespace with volumes"))?;
        lchown(above, Some(user), Some(user))?;
        Ok(Some(user))
    }
}

/// A pod's own volume that is empty still belongs to the user of the container that is started on it first: some programs look
/// at whose their folder is.
fn begin(path: &Path, first: u32, user: u32, group: Option<u32>) -> io::Result<()> {
    let top = match fs::symlink_metadata(path) {
        Ok(top) if top.is_dir() && top.uid() == first => top,
        // Pod init says what is missing.
        _ => return Ok(()),
    };
    let is_new = user != first && fs::read_dir(path)?.next().is_none();
    if is_new { lchown(path, Some(user), Some(group.unwrap_or(top.gid()))) } else { Ok(()) }
}

/// What nobody of the range has is given away whole: it is new, was filled by the platform, or is from before there were ranges.
/// What somebody has keeps its owners; a group that is to use it gets all of it once, and every file's group can write.
fn settle(path: &Path, first: u32, (user, group): (u32, u32), shared: bool) -> io::Result<()> {
    let top = fs::metadata(path)?;
    if ranges::holds(first, top.uid()) {
        return if shared && top.gid() != group { walk::share(path, group) } else { Ok(()) };
    }
    walk::give(path, user, group)?;
    if shared && fs::read_dir(path)?.next().is_none() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o2770))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
