//! Where things are below the node's state folder. All paths are relative to it: pod init stands in it and, as root,
//! has no right to walk down to it from `/`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The folder that holds all pods.
pub(crate) const PODS: &str = "pods";

/// The folder of unpacked images.
pub(crate) const IMAGES: &str = "images";

/// The folder of volumes that outlive pods.
pub(crate) const VOLUMES: &str = "volumes";

/// The folder of one pod.
pub(crate) fn pod(uid: &str) -> PathBuf {
    Path::new(PODS).join(uid)
}

/// What the pod was made of.
pub(crate) fn sandbox(uid: &str) -> PathBuf {
    pod(uid).join("sandbox.json")
}

/// What pod init last knew.
pub(crate) fn state(uid: &str) -> PathBuf {
    pod(uid).join("state.json")
}

/// Where pod init listens.
pub(crate) fn socket(uid: &str) -> PathBuf {
    pod(uid).join("init.sock")
}

/// What pod init had to say.
pub(crate) fn diary(uid: &str) -> PathBuf {
    pod(uid).join("init.log")
}

/// `hosts`, `hostname` and `resolv.conf` of the pod.
pub(crate) fn etc(uid: &str) -> PathBuf {
    pod(uid).join("etc")
}

/// A volume of the pod.
pub(crate) fn volume(uid: &str, name: &str) -> PathBuf {
    pod(uid).join("volumes").join(name)
}

/// A file or folder of the machine, as a pod sees it.
pub(crate) fn host_tree(uid: &str, number: usize) -> PathBuf {
    pod(uid).join("host").join(number.to_string())
}

/// What belongs to one run of one container.
pub(crate) fn attempt(uid: &str, container: &str, attempt: u32) -> PathBuf {
    self::container(uid, container).join(attempt.to_string())
}

/// What belongs to all runs of one container.
pub(crate) fn container(uid: &str, name: &str) -> PathBuf {
    pod(uid).join("containers").join(name)
}

/// The folder of a container's logs.
pub(crate) fn logs(uid: &str, container: &str) -> PathBuf {
    pod(uid).join("logs").join(container)
}

/// The log that one run of a container is writing; `.1` and so on are older parts of it.
pub(crate) fn log(uid: &str, container: &str, attempt: u32) -> PathBuf {
    logs(uid, container).join(format!("{attempt}.log"))
}

/// Writes a file so that a reader sees the old or the new content, never a part.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, bytes)?;
    fs::rename(&beside, path)
}

/// Removes a folder and all below it, also folders that a container or the overlay made unreadable.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_dir() => return fs::remove_file(path),
        Ok(_) => {}
    }
    if fs::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    open_up(path)?;
    fs::remove_dir_all(path)
}

/// Gives the owner every right on the folders of a tree; never follows a link.
fn open_up(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
