//! Files and folders that the runner makes: how they are named, made, remembered and given away.

use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::Path;

use super::RunPod;

pub(super) fn prepare(path: &Path, source: io::Error) -> RunPod {
    RunPod::Prepare { path: path.to_owned(), source }
}

pub(super) fn make_folder(path: &Path) -> Result<(), RunPod> {
    fs::create_dir_all(path).map_err(|it| prepare(path, it))
}

/// Names of pods and containers become names of folders: they may not lead anywhere else.
pub(super) fn check_name(name: &str) -> Result<(), RunPod> {
    let good = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '.' | '_');
    if name.is_empty() || name.len() > 253 || name.starts_with('.') || !name.chars().all(good) {
        return Err(RunPod::Name { name: name.chars().take(64).collect() });
    }
    Ok(())
}

/// Reads what a file remembers; writes it if it remembers nothing yet.
pub(super) fn remember(path: &Path, value: &str) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(found) if !found.trim().is_empty() => Ok(found.trim().to_owned()),
        Ok(_) => fs::write(path, value).map(|()| value.to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::write(path, value).map(|()| value.to_owned()),
        Err(error) => Err(error),
    }
}

pub(super) fn give_tree(path: &Path, user: u32) -> io::Result<()> {
    lchown(path, Some(user), Some(user))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give_tree(&entry?.path(), user)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
