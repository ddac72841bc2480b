//! One layer, onto what the layers below it left.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

use super::archive::{Entry, Extension, Kind};
use super::input::{Input, Verdict};
use super::tree::Tree;
use super::{Budget, Limits, Rejected, UnpackImage, compression};
use crate::digest::Digest;
use crate::document::Descriptor;
use crate::layout::{Layout, LayoutError};

/// The beginning of a name that deletes another from the layers below.
const WHITEOUT: &[u8] = b".wh.";

/// The name that deletes everything in its folder from the layers below.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Unpacks a layer and checks that it is the one that was meant.
pub(super) fn unpack(
    layout: &Layout,
    tree: &Tree,
    layer: &Descriptor,
    diff_id: &Digest,
    budget: &mut Budget,
) -> Result<(), UnpackImage> {
    let mut at = Vec::new();
    let verdict = Verdict::default();
    let done = entries(layout, tree, layer, (budget, &verdict), &mut at).and_then(|found| {
        if found == *diff_id { Ok(()) } else { Err(Rejected::WrongDiffId { expected: diff_id.clone(), found }) }
    });
    // What stopped the reading is the cause; what came of it is not. Bytes that are not the right ones come first.
    done.map_err(|why| match damage(layout, layer, verdict.take().unwrap_or(why)) {
        Rejected::Read(source) => UnpackImage::Read(source),
        Rejected::Write(source) => UnpackImage::Write { path: tree.path().to_owned(), source },
        source => {
            let path = String::from_utf8_lossy(shortened(&at)).into_owned();
            UnpackImage::LayerRejected { layer: layer.digest.clone(), path, source }
        }
    })
}

/// Why an archive is broken: because its bytes are not those that were meant, if they are not.
fn damage(layout: &Layout, layer: &Descriptor, why: Rejected) -> Rejected {
    if !matches!(why, Rejected::BadArchive(_)) {
        return why;
    }
    let Ok(mut blob) = layout.blob(&layer.digest) else { return why };
    let read = io::copy(&mut blob, &mut io::sink()).map_err(io::Error::downcast::<LayoutError>);
    match read {
        Err(Ok(LayoutError::WrongDigest { found, .. })) => Rejected::WrongDigest { found },
        _ => why,
    }
}

fn entries(
    layout: &Layout,
    tree: &Tree,
    layer: &Descriptor,
    (budget, verdict): (&mut Budget, &Verdict),
    at: &mut Vec<u8>,
) -> Result<Digest, Rejected> {
    let compression = compression(layer)?;
    let blob = layout.blob(&layer.digest).map_err(Rejected::Read)?;
    if blob.size() != layer.size {
        return Err(Rejected::WrongSize { expected: layer.size, found: blob.size() });
    }
    let input =
        Input::open(blob, compression, (budget.bytes, budget.limits.bytes), verdict).map_err(Rejected::BadArchive)?;
    let mut archive = tar::Archive::new(input);
    let mut room = budget.bytes;
    let mut made = Made::default();
    let mut extension = Extension::default();
    for entry in archive.entries().map_err(Rejected::BadArchive)?.raw(true) {
        let mut content = entry.map_err(Rejected::BadArchive)?;
        let header = content.header().clone();
        budget.entries =
            budget.entries.checked_sub(1).ok_or(Rejected::TooManyEntries { limit: budget.limits.entries })?;
        if extension.take(&header, &mut content)? {
            continue;
        }
        let entry = std::mem::take(&mut extension).entry(&header)?;
        at.clone_from(&entry.path);
        // What says itself that it is too much is not begun.
        room = room.checked_sub(entry.size).ok_or(Rejected::TooManyBytes { limit: budget.limits.bytes })?;
        put(tree, &entry, &mut content, &mut made, &budget.limits)?;
    }
    at.clear();
    let input = archive.into_inner();
    budget.bytes = input.left();
    input.finish()
}

/// The paths that this layer made, which its own deletions do not concern.
#[derive(Default)]
struct Made {
    hasher: RandomState,
    /// Hashes only: paths may be many and long.
    paths: HashSet<u64>,
}

impl Made {
    fn insert(&mut self, parts: &[&[u8]]) -> bool {
        self.paths.insert(self.hasher.hash_one(parts))
    }

    fn contains(&self, parts: &[&[u8]]) -> bool {
        self.paths.contains(&self.hasher.hash_one(parts))
    }
}

fn put(tree: &Tree, entry: &Entry, content: &mut impl Read, made: &mut Made, limits: &Limits) -> Result<(), Rejected> {
    let parts = parts_of(&entry.path, limits)?;
    let Some((last, folders)) = parts.split_last() else {
        // The root itself, which is there.
        return if entry.kind == Kind::Folder { Ok(()) } else { Err(Rejected::BadPath) };
    };
    if last.starts_with(WHITEOUT) && !made.insert(&parts) {
        return Err(Rejected::Duplicate);
    }
    if *last == OPAQUE {
        return if tree.is_folder(folders)? { clear(tree, folders, made) } else { Ok(()) };
    }
    if let Some(gone) = last.strip_prefix(WHITEOUT) {
        let names_one = !gone.is_empty() && gone != b"." && gone != b".." && !gone.starts_with(WHITEOUT);
        let gone = if names_one { [folders, &[gone][..]].concat() } else { return Err(Rejected::BadWhiteout) };
        return delete(tree, &gone, made);
    }
    for end in 1..parts.len() {
        made.insert(&parts[..end]);
    }
    if !made.insert(&parts) && entry.kind != Kind::Folder {
        return Err(Rejected::Duplicate);
    }
    match &entry.kind {
        Kind::Folder => tree.folder(&parts, entry.mode)?,
        Kind::File => tree.file(&parts, (entry.mode, entry.mtime, entry.size), content)?,
        Kind::Link(target) => {
            check_link(target, folders.len(), limits)?;
            tree.link(&parts, target)?;
        }
        Kind::HardLink(target) => {
            let bad = |_| Rejected::BadHardLink { target: String::from_utf8_lossy(shortened(target)).into_owned() };
            // Whose it is was said with its first name.
            return tree.hard_link(&parts, &parts_of(target, limits).map_err(bad)?);
        }
    }
    tree.give(&parts, entry.owner)
}

/// As much of a name as an error shows.
fn shortened(name: &[u8]) -> &[u8] {
    &name[..name.len().min(200)]
}

/// Deletes a path of the layers below. What this layer made under the same name stays.
fn delete(tree: &Tree, path: &[&[u8]], made: &Made) -> Result<(), Rejected> {
    if !made.contains(path) {
        return tree.remove(path);
    }
    if tree.is_folder(path)? { clear(tree, path, made) } else { Ok(()) }
}

/// Deletes from a folder what the layers below put there.
fn clear(tree: &Tree, folder: &[&[u8]], made: &Made) -> Result<(), Rejected> {
    for name in tree.names(folder)? {
        delete(tree, &[folder, &[name.as_slice()][..]].concat(), made)?;
    }
    Ok(())
}

/// The names on the way to a path within the image.
pub(crate) fn parts_of<'p>(path: &'p [u8], limits: &Limits) -> Result<Vec<&'p [u8]>, Rejected> {
    if path.len() > limits.path_bytes {
        return Err(Rejected::PathTooLong { limit: limits.path_bytes });
    }
    if path.starts_with(b"/") {
        return Err(Rejected::AbsolutePath);
    }
    if path.is_empty() || path.contains(&0) {
        return Err(Rejected::BadPath);
    }
    let parts: Vec<_> = path.split(|it| *it == b'/').filter(|it| !it.is_empty() && *it != b".").collect();
    if parts.contains(&&b".."[..]) {
        return Err(Rejected::OutsidePath);
    }
    if parts.len() > limits.depth {
        return Err(Rejected::TooDeep { limit: limits.depth });
    }
    Ok(parts)
}

/// A relative link may climb no higher than the root; an absolute one begins there.
pub(crate) fn check_link(target: &[u8], depth: usize, limits: &Limits) -> Result<(), Rejected> {
    if target.len() > limits.path_bytes {
        return Err(Rejected::PathTooLong { limit: limits.path_bytes });
    }
    if target.is_empty() || target.contains(&0) {
        return Err(Rejected::BadPath);
    }
    let mut depth = if target.starts_with(b"/") { 0 } else { depth };
    for part in target.split(|it| *it == b'/') {
        depth = match part {
            b"" | b"." => depth,
            b".." => depth.checked_sub(1).ok_or_else(|| Rejected::LinkOutside {
                target: String::from_utf8_lossy(shortened(target)).into_owned(),
            })?,
            _ => depth + 1,
        };
    }
    Ok(())
}
