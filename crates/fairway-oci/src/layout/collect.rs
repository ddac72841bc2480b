//! Removing content that no name leads to.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::SystemTime;

use super::{Layout, LayoutError};
use crate::digest::Digest;
use crate::document::{Descriptor, MOST_MANIFEST_BYTES, children, has_children};

impl Layout {
    /// Removes content that no name leads to and that was written before `before`: what is younger may be about to get
    /// its name. Says how many bytes that freed.
    pub fn collect(&self, before: SystemTime) -> Result<u64, LayoutError> {
        let _held = self.lock()?;
        let mut reached = BTreeSet::new();
        for named in self.index()?.manifests {
            self.reach(&named, &mut reached)?;
        }
        let mut freed = self.remove_left_over_ingests()?;
        let folder = self.root.join("blobs/sha256");
        let read = |source| LayoutError::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let digest = entry.file_name().to_str().and_then(|it| format!("sha256:{it}").parse::<Digest>().ok());
            let metadata = entry.metadata().map_err(read)?;
            let is_young = metadata.modified().is_ok_and(|it| it >= before);
            if digest.is_some_and(|it| !reached.contains(&it)) && !is_young {
                fs::remove_file(entry.path()).map_err(|source| LayoutError::Write { path: entry.path(), source })?;
                freed += metadata.len();
            }
        }
        Ok(freed)
    }

    /// The digests of all that a descriptor leads to, itself included.
    pub(crate) fn reach(&self, named: &Descriptor, reached: &mut BTreeSet<Digest>) -> Result<(), LayoutError> {
        let mut open = vec![named.clone()];
        while let Some(next) = open.pop() {
            if !reached.insert(next.digest.clone()) || !has_children(&next.media_type) {
                continue;
            }
            // What is not here leads nowhere. What is here and cannot be read might lead to anything, so nothing may
            // be removed then.
            let bytes = match self.read_blob(&next.digest, MOST_MANIFEST_BYTES) {
                Err(LayoutError::NoBlob(_)) => continue,
                other => other?,
            };
            let found = children(&next.media_type, &bytes);
            open.extend(found.map_err(|source| LayoutError::Document { digest: next.digest, source })?);
        }
        Ok(())
    }

    /// Files that nobody writes any more: their writer died, and with it its lock.
    fn remove_left_over_ingests(&self) -> Result<u64, LayoutError> {
        let folder = self.root.join(".ingest");
        let read = |source| LayoutError::Read { path: folder.clone(), source };
        let mut freed = 0;
        for entry in fs::read_dir(&folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            let Ok(file) = File::open(&path) else { continue };
            let length = file.metadata().map_or(0, |it| it.len());
            if file.try_lock().is_ok() && fs::remove_file(&path).is_ok() {
                freed += length;
            }
        }
        Ok(freed)
    }
}
