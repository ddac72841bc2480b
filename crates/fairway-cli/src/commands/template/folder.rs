//! The folder of a template, from the disk or from this program.

use std::fs;
use std::path::Path;

use fairway_plan::template::{Folder, MANIFEST, builtin, builtin_names};

use crate::failure::Failure;

/// Folders nest at most so deep.
const MAX_DEPTH: usize = 20;
/// More is read of no folder, whatever is in it.
const MAX_ENTRIES: usize = 2000;
/// A file that is larger is not read; what a template may have is less.
const MAX_READ: u64 = 2 << 20;

/// A folder on disk, or one of those that come with the platform; its name, as people said it.
pub(super) fn find(which: Option<&Path>) -> Result<(String, Folder), Failure> {
    let path = which.unwrap_or(Path::new("."));
    let name = path.display().to_string();
    if path.join(MANIFEST).is_file() {
        let mut folder = Folder::default();
        read(path, "", 0, &mut MAX_ENTRIES.clone(), &mut folder)?;
        return Ok((name, folder));
    }
    if let Some(folder) = builtin(&name) {
        return Ok((name, folder));
    }
    if path.is_dir() {
        let what = format!("there is no {MANIFEST} in {name}");
        return Err(Failure::usage(what).hint("name the folder of a template: platform template lint FOLDER"));
    }
    let known = builtin_names().collect::<Vec<_>>().join(", ");
    let what = format!("{name:?} is no folder, and no template that comes with the platform; those are {known}");
    Err(Failure::not_found(what).hint("name a folder with template.yaml"))
}

/// Reads what is below a folder. Links are not followed, and are told of.
fn read(top: &Path, below: &str, depth: usize, left: &mut usize, folder: &mut Folder) -> Result<(), Failure> {
    let here = top.join(below);
    let failed = || Failure::io(format!("read {}", here.display()));
    let mut entries = fs::read_dir(&here).map_err(failed())?.collect::<Result<Vec<_>, _>>().map_err(failed())?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            folder.refuse(&name.to_string_lossy(), "a name that is not text");
            continue;
        };
        // The template's own history is no part of it.
        if below.is_empty() && name == ".git" {
            continue;
        }
        *left = left.saturating_sub(1);
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(failed())?;
        if *left == 0 || depth > MAX_DEPTH {
            folder.refuse(&path, "too deep, or one of too many");
            return Ok(());
        }
        if kind.is_dir() {
            read(top, &path, depth + 1, left, folder)?;
        } else if kind.is_file() {
            file(&entry, &path, folder)?;
        } else {
            folder.refuse(&path, "a link or a device");
        }
    }
    Ok(())
}

fn file(entry: &fs::DirEntry, path: &str, folder: &mut Folder) -> Result<(), Failure> {
    let failed = || Failure::io(format!("read {}", entry.path().display()));
    let metadata = entry.metadata().map_err(failed())?;
    if metadata.len() > MAX_READ {
        folder.refuse(path, "too large");
        return Ok(());
    }
    folder.add(path, fs::read(entry.path()).map_err(failed())?, executable(&metadata));
    Ok(())
}

#[cfg(unix)]
fn executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn executable(_: &fs::Metadata) -> bool {
    false
}
