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

    /// Adds all that a descriptor leads to, itself included.
    fn reach(&self, named: &Descriptor, reached: &mut BTreeSet<Digest>) -> Result<(), LayoutError> {
        let mut open = vec![named.clone()];
        while let Some(next) = open.pop() {
            if reached.insert(next.digest.clone()) {
                open.extend(self.children_of(&next)?);
            }
        }
        Ok(())
    }

    /// The digests of all that a descriptor leads to, itself included.
    pub(crate) fn reached_from(&self, named: &Descriptor) -> Result<BTreeSet<Digest>, LayoutError> {
        let mut reached = BTreeSet::new();
        self.reach(named, &mut reached)?;
        Ok(reached)
    }

    /// The descriptors that content leads to in one step. What is not here leads nowhere; what is here and cannot be
    /// read might lead to anything, so that is an error.
    pub(crate) fn children_of(&self, named: &Descriptor) -> Result<Vec<Descriptor>, LayoutError> {
        if !has_children(&named.media_type) {
            return Ok(Vec::new());
        }
        let bytes = match self.read_blob(&named.digest, MOST_MANIFEST_BYTES) {
            Err(LayoutError::NoBlob(_)) => return Ok(Vec::new()),
            other => other?,
        };
        children(&named.media_type, &bytes)
            .map_err(|source| LayoutError::Document { digest: named.digest.clone(), source })
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
