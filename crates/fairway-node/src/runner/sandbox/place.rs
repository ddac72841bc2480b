//! Where a path inside a container lies in its image, and the skeleton layer that holds what the image does not have.
//!
//! The image is never written. Mount points and `/etc` files lie in a layer of their own on top of it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows in one path.
const LINK_LIMIT: usize = 40;

/// What a mount point must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
}

/// Follows a path in an image as if the image were `/`: links stay inside. Gives the path below the image, whether or
/// not it exists there.
pub(super) fn resolve(image: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut found = PathBuf::new();
    let mut ahead: Vec<PathBuf> = names(path);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        if name.as_os_str() == ".." {
            found.pop();
            continue;
        }
        let next = found.join(&name);
        match fs::symlink_metadata(image.join(&next)) {
            Ok(it) if it.is_symlink() => {
                links += 1;
                if links > LINK_LIMIT {
                    return Err(io::Error::other("too many links"));
                }
                let target = fs::read_link(image.join(&next))?;
                if target.is_absolute() {
                    found = PathBuf::new();
                }
                ahead.extend(names(&target));
            }
            _ => found = next,
        }
    }
    Ok(found)
}

/// The names of a path, last first; what means nothing is left out.
fn names(path: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = path
        .components()
        .filter(|it| matches!(it, Component::Normal(_) | Component::ParentDir))
        .map(|it| PathBuf::from(it.as_os_str()))
        .collect();
    names.reverse();
    names
}

/// Sees to it that a path exists once the skeleton lies over the image, and gives it.
pub(super) fn ensure(image: &Path, skeleton: &Path, path: &str, kind: Kind) -> io::Result<PathBuf> {
    let place = resolve(image, Path::new(path))?;
    if let Ok(found) = fs::metadata(image.join(&place)) {
        if found.is_dir() == (kind == Kind::Folder) {
            return Ok(place);
        }
        return Err(io::Error::other(format!("the image has something else at {path}")));
    }
    let folder = match kind {
        Kind::Folder => place.as_path(),
        Kind::File => place.parent().unwrap_or(Path::new("")),
    };
    shadow(image, skeleton, folder)?;
    if kind == Kind::File {
        fs::File::create(skeleton.join(&place))?;
    }
    Ok(place)
}

/// Puts a file into the skeleton, over whatever the image has there.
pub(super) fn put(image: &Path, skeleton: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let parent = Path::new(path).parent().unwrap_or(Path::new("/"));
    let folder = resolve(image, parent)?;
    shadow(image, skeleton, &folder)?;
    let name = Path::new(path).file_name().ok_or_else(|| io::Error::other("a file needs a name"))?;
    fs::write(skeleton.join(folder).join(name), bytes)
}

/// Makes a link in a root that is made of nothing else.
pub(super) fn link(root: &Path, path: &str, to: &str) -> io::Result<()> {
    let place = root.join(path.trim_start_matches('/'));
    place.parent().map_or(Ok(()), fs::create_dir_all)?;
    std::os::unix::fs::symlink(to, place)
}

/// Makes a folder and those above it in the skeleton, with the rights they have in the image.
fn shadow(image: &Path, skeleton: &Path, folder: &Path) -> io::Result<()> {
    let mut here = PathBuf::new();
    for name in folder.components() {
        here.push(name);
        let made = skeleton.join(&here);
        match fs::create_dir(&made) {
            Ok(()) => {
                let below = fs::metadata(image.join(&here)).ok();
                let mode = below.as_ref().map_or(0o755, |it| it.permissions().mode() & 0o7777);
                fs::set_permissions(&made, fs::Permissions::from_mode(mode))?;
                // Where there is but one user everything is his.
                let _is_his = below.map(|it| chown(&made, Some(it.uid()), Some(it.gid())));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
