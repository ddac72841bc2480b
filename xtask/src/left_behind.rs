//! What tests and stories leave behind. They get a folder of their own for temporary files; when they are done nothing may
//! be in it, be mounted below it, or run with a path into it. Other runs on the machine do not disturb that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

#[cfg(test)]
mod tests;

/// The folder; removed, with what is left in it, when dropped.
pub(crate) struct Place(PathBuf);

impl Place {
    /// A folder whose name says whose it is.
    pub(crate) fn make(whose: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("fairway-{whose}-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("make {}", path.display()))?;
        let place = Self(path);
        // As the system's own: some tests start programs as a user without rights.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o1777))
            .with_context(|| format!("open {} to all", place.path().display()))?;
        Ok(place)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A line for each thing that is left, sorted.
    pub(crate) fn left(&self) -> Result<Vec<String>> {
        let place = self.0.display();
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.0).with_context(|| format!("list {place}"))? {
            left.push(format!("file {}", entry.with_context(|| format!("list {place}"))?.path().display()));
        }
        left.extend(self.held());
        left.sort();
        Ok(left)
    }

    /// A line for each mount and process that has to do with the folder, sorted.
    pub(crate) fn held(&self) -> Vec<String> {
        let place = self.0.to_string_lossy();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mounted = mounts.lines().filter_map(|it| it.split(' ').nth(4)).filter(|it| it.starts_with(&*place));
        let mut held: Vec<String> = mounted.map(|it| format!("mount {it}")).collect();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let process = entry.path();
            let read = |part: &str| {
                String::from_utf8_lossy(&fs::read(process.join(part)).unwrap_or_default()).replace('\0', " ")
            };
            let words = read("cmdline");
            let stands = fs::read_link(process.join("cwd")).is_ok_and(|it| it.starts_with(&self.0));
            if stands || words.contains(&*place) || read("environ").contains(&*place) {
                held.push(format!("process {} {}", entry.file_name().to_string_lossy(), words.trim()));
            }
        }
        held.sort();
        held
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _something_is_mounted_in_it = fs::remove_dir_all(&self.0);
    }
}
