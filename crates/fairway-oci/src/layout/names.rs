//! `index.json`: which content has which names.

use std::fs::{self, File};
use std::io;

use super::{Layout, LayoutError};
use crate::document::{Descriptor, Index, children, has_children, media_type};
use crate::document::{MOST_MANIFEST_BYTES, ParseDocument};
use crate::reference::Reference;

/// Where the specification keeps a name.
const NAME: &str = "org.opencontainers.image.ref.name";

/// A name and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    pub reference: Reference,
    pub descriptor: Descriptor,
}

impl Layout {
    /// Gives content a name, which it takes from what had it before. The content and all it refers to must be here.
    pub fn tag(&self, reference: &Reference, descriptor: &Descriptor) -> Result<(), LayoutError> {
        self.change_index(|layout, index| {
            layout.check_complete(descriptor)?;
            let name = reference.to_string();
            index.manifests.retain(|it| it.annotations.get(NAME) != Some(&name));
            let mut named = descriptor.clone();
            named.annotations.insert(NAME.to_owned(), name);
            index.manifests.push(named);
            Ok(())
        })
    }

    /// What a name stands for.
    pub fn resolve(&self, reference: &Reference) -> Result<Descriptor, LayoutError> {
        let found = self.list()?.into_iter().find(|it| it.reference == *reference);
        let by_digest = || match reference.target() {
            crate::Target::Digest(digest) => self
                .list()
                .ok()?
                .into_iter()
                .find(|it| it.reference.name() == reference.name() && it.descriptor.digest == *digest),
            crate::Target::Tag(_) => None,
        };
        match found.or_else(by_digest) {
            Some(tagged) => Ok(tagged.descriptor),
            None => Err(LayoutError::NoImage(reference.to_string())),
        }
    }

    /// Takes a name away. The content stays until it is collected.
    pub fn delete(&self, reference: &Reference) -> Result<(), LayoutError> {
        self.change_index(|_, index| {
            let name = reference.to_string();
            let before = index.manifests.len();
            index.manifests.retain(|it| it.annotations.get(NAME) != Some(&name));
            if index.manifests.len() == before { Err(LayoutError::NoImage(name)) } else { Ok(()) }
        })
    }

    /// All names, sorted. Entries that other tools made without a full name are passed over.
    pub fn list(&self) -> Result<Vec<Tagged>, LayoutError> {
        let named = self.index()?.manifests.into_iter().filter_map(|mut descriptor| {
            let reference = descriptor.annotations.remove(NAME)?.parse().ok()?;
            Some(Tagged { reference, descriptor })
        });
        let mut named: Vec<_> = named.collect();
        named.sort_by(|a, b| a.reference.cmp(&b.reference));
        Ok(named)
    }

    pub(super) fn index(&self) -> Result<Index, LayoutError> {
        let path = self.root.join("index.json");
        match fs::read(&path) {
            Ok(bytes) => Index::parse(media_type::INDEX, &bytes).map_err(LayoutError::Index),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index {
                schema_version: 2,
                media_type: Some(media_type::INDEX.to_owned()),
                artifact_type: None,
                manifests: Vec::new(),
                subject: None,
                annotations: std::collections::BTreeMap::new(),
            }),
            Err(source) => Err(LayoutError::Read { path, source }),
        }
    }

    /// Holds the lock that every change of `index.json` is made under, in this process and in others.
    pub(super) fn lock(&self) -> Result<File, LayoutError> {
        let path = self.root.join(".index.lock");
        let write = |source| LayoutError::Write { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(write)?;
        file.lock().map_err(write)?;
        Ok(file)
    }

    fn change_index(
        &self,
        change: impl FnOnce(&Self, &mut Index) -> Result<(), LayoutError>,
    ) -> Result<(), LayoutError> {
        let _held = self.lock()?;
        let mut index = self.index()?;
        change(self, &mut index)?;
        let bytes = serde_json::to_vec(&index).map_err(|it| LayoutError::Index(ParseDocument::Json(it)))?;
        self.replace(&self.root.join("index.json"), &bytes)
    }

    /// Checks that content and all it refers to is here, in the sizes that are said.
    fn check_complete(&self, descriptor: &Descriptor) -> Result<(), LayoutError> {
        let digest = &descriptor.digest;
        let found = self.size_of(digest)?.ok_or_else(|| LayoutError::NoBlob(digest.clone()))?;
        if found != descriptor.size {
            return Err(LayoutError::WrongSize { digest: digest.clone(), expected: descriptor.size, found });
        }
        if !has_children(&descriptor.media_type) {
            return Ok(());
        }
        let bytes = self.read_blob(digest, MOST_MANIFEST_BYTES)?;
        let found = children(&descriptor.media_type, &bytes)
            .map_err(|source| LayoutError::Document { digest: digest.clone(), source })?;
        // An index refers to manifests; an index in an index is not followed, so this ends.
        let is_index = crate::document::is_index(&descriptor.media_type);
        found.iter().try_for_each(|child| match (is_index, crate::document::is_index(&child.media_type)) {
            (true, true) => Err(LayoutError::NestedIndex { digest: child.digest.clone() }),
            (true, false) => self.check_complete(child),
            (false, _) => {
                let size = self.size_of(&child.digest)?.ok_or_else(|| LayoutError::NoBlob(child.digest.clone()))?;
                let expected = child.size;
                let digest = child.digest.clone();
                (size == expected).then_some(()).ok_or(LayoutError::WrongSize { digest, expected, found: size })
            }
        })
    }
}
