//! What tests leave behind. They get a folder of their own for temporary files; when they are done nothing may be in it,
//! be mounted below it, or run with a path into it. Other runs on the machine do not disturb that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

#[cfg(test)]
mod tests;

/// The folder; removed, with what is left in it, when dropped.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn make() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("fairway-gate-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("make {}", path.display()))?;
        let place = Self(path);
        // As the system's own: some tests start programs as a user without rights.
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o1777))
            .with_context(|| format!("open {} to all", place.path().display()))?;
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A line for each thing that is left, sorted.
    pub(super) fn left(&self) -> Result<Vec<String>> {
        let place = self.0.to_string_lossy();
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.0).with_context(|| format!("list {place}"))? {
            left.push(format!("file {}", entry.with_context(|| format!("list {place}"))?.path().display()));
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mounted = mounts.lines().filter_map(|it| it.split(' ').nth(4)).filter(|it| it.starts_with(&*place));
        left.extend(mounted.map(|it| format!("mount {it}")));
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            if words.contains(&*place) {
                left.push(format!("process {} {}", entry.file_name().to_string_lossy(), words.trim()));
            }
        }
        left.sort();
        Ok(left)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _something_is_mounted_in_it = fs::remove_dir_all(&self.0);
    }
}
