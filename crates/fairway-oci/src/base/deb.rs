//! Taking a `.deb` apart: its control file, and the files it brings. No script of it is ever run.
//!
//! What a package cannot do: bring a path that leads out of the root, or through a link of its own; bring device nodes, FIFOs
//! or sockets (refused); keep setuid and setgid bits (dropped); be another size than it says, or more than [`Budget`] allows.

mod ar;
mod members;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::sync::Arc;

use crate::unpack::archive::{Entry, Extension, Kind};
use crate::unpack::layer::{check_link, parts_of};
use crate::{Limits, Rejected};

use members::Member;

/// The longest control file.
const MOST_CONTROL: u64 = 1 << 20;

/// A package, apart.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    /// Its control file.
    pub(super) control: String,
    /// By path, without a slash before it.
    pub(super) files: BTreeMap<String, Node>,
}

/// What stands at a path.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Folder { mode: u32 },
    Link(String),
    File { part: Part, mode: u32 },
}

/// Bytes in a spool.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Where the bytes of files wait for their layer: a file without a name, which goes with the last who uses it.
#[derive(Debug)]
pub(super) struct Spool {
    file: Arc<File>,
    length: u64,
}

/// What all packages of an image may be together.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) bytes: u64,
    pub(super) entries: u64,
    pub(super) limits: Limits,
}

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadPackage {
    #[error("it is not a package in the form of Debian: {0}")]
    Form(&'static str),
    #[error("read it")]
    Read(#[source] io::Error),
    #[error("its file {path:?} is refused")]
    File { path: String, source: Rejected },
    #[error("keep its files")]
    Keep(#[source] io::Error),
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { bytes: limits.bytes, entries: limits.entries, limits }
    }
}

impl Spool {
    pub(super) fn new(file: File) -> Self {
        Self { file: Arc::new(file), length: 0 }
    }

    fn take(&mut self, content: &mut impl Read, size: u64) -> Result<Part, Rejected> {
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.length)).map_err(Rejected::Write)?;
        let mut left = size;
        let mut buffer = [0; 16 << 10];
        while left > 0 {
            let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = content.read(&mut buffer[..room]).map_err(Rejected::BadArchive)?;
            if count == 0 {
                return Err(Rejected::BadArchive(io::ErrorKind::UnexpectedEof.into()));
            }
            file.write_all(&buffer[..count]).map_err(Rejected::Write)?;
            left -= count as u64;
        }
        let part = Part { file: Arc::clone(&self.file), offset: self.length, length: size };
        self.length += size;
        Ok(part)
    }
}

impl Part {
    /// The bytes, if there are no more than this.
    pub(super) fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        if self.length > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than it may be"));
        }
        let mut bytes = vec![0; usize::try_from(self.length).map_err(io::Error::other)?];
        std::os::unix::fs::FileExt::read_exact_at(&*self.file, &mut bytes, self.offset)?;
        Ok(bytes)
    }
}

/// Takes a package apart. The bytes were held to their digest before.
pub(super) fn read(deb: impl Read + Seek, spool: &mut Spool, budget: &mut Budget) -> Result<Unpacked, ReadPackage> {
    let mut archive = ar::Archive::open(deb)?;
    let mut unpacked = Unpacked::default();
    match archive.next()?.ok_or(ReadPackage::Form("it is empty"))? {
        (name, mut content) if name == "debian-binary" => {
            let mut version = String::new();
            content.by_ref().take(16).read_to_string(&mut version).map_err(ReadPackage::Read)?;
            if !version.starts_with("2.") {
                return Err(ReadPackage::Form("its version is not 2"));
            }
        }
        _ => return Err(ReadPackage::Form("it does not say its version first")),
    }
    let (name, content) = archive.next()?.ok_or(ReadPackage::Form("it has no control file"))?;
    let member = Member::open(&name, "control.tar", content, budget.bytes)?;
    unpacked.control = control(member)?;
    let (name, content) = archive.next()?.ok_or(ReadPackage::Form("it has no files"))?;
    let member = Member::open(&name, "data.tar", content, budget.bytes)?;
    let mut at = String::new();
    data(member, spool, budget, &mut unpacked.files, &mut at).map_err(|source| match source {
        Rejected::Write(source) => ReadPackage::Keep(source),
        source => ReadPackage::File { path: at, source },
    })?;
    Ok(unpacked)
}

fn control(member: Member<impl Read>) -> Result<String, ReadPackage> {
    let mut archive = tar::Archive::new(member);
    for entry in archive.entries().map_err(ReadPackage::Read)?.raw(true) {
        let mut entry = entry.map_err(ReadPackage::Read)?;
        let path = entry.path_bytes();
        if path.as_ref() != b"./control" && path.as_ref() != b"control" {
            continue;
        }
        if entry.size() > MOST_CONTROL {
            return Err(ReadPackage::Form("its control file is too long"));
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(ReadPackage::Read)?;
        return Ok(text);
    }
    Err(ReadPackage::Form("it has no control file"))
}

fn data(
    member: Member<impl Read>,
    spool: &mut Spool,
    budget: &mut Budget,
    files: &mut BTreeMap<String, Node>,
    at: &mut String,
) -> Result<(), Rejected> {
    let mut archive = tar::Archive::new(member);
    let mut extension = Extension::default();
    for entry in archive.entries().map_err(Rejected::BadArchive)?.raw(true) {
        let mut content = entry.map_err(Rejected::BadArchive)?;
        let header = content.header().clone();
        let limit = budget.limits.entries;
        budget.entries = budget.entries.checked_sub(1).ok_or(Rejected::TooManyEntries { limit })?;
        if extension.take(&header, &mut content)? {
            continue;
        }
        let entry = std::mem::take(&mut extension).entry(&header)?;
        *at = String::from_utf8_lossy(&entry.path[..entry.path.len().min(200)]).into_owned();
        let parts = parts_of(&entry.path, &budget.limits)?;
        if parts.is_empty() {
            continue;
        }
        let depth = parts.len() - 1;
        let path = String::from_utf8(parts.join(&b'/')).map_err(|_| Rejected::BadPath)?;
        let node = node(&entry, depth, files, &mut content, spool, budget)?;
        put(files, path, node)?;
    }
    Ok(())
}

fn node(
    entry: &Entry,
    depth: usize,
    files: &BTreeMap<String, Node>,
    content: &mut impl Read,
    spool: &mut Spool,
    budget: &mut Budget,
) -> Result<Node, Rejected> {
    let text = |it: &[u8]| String::from_utf8(it.to_vec()).map_err(|_| Rejected::BadPath);
    match &entry.kind {
        // Nobody but the owner writes, except where everybody may: there the sticky bit stays.
        Kind::Folder if entry.mode & 0o1000 != 0 => Ok(Node::Folder { mode: 0o1777 }),
        Kind::Folder => Ok(Node::Folder { mode: 0o755 }),
        Kind::Link(target) => {
            check_link(target, depth, &budget.limits)?;
            text(target).map(Node::Link)
        }
        Kind::HardLink(target) => {
            let bad = || Rejected::BadHardLink { target: String::from_utf8_lossy(target).chars().take(200).collect() };
            let parts = parts_of(target, &budget.limits).map_err(|_| bad())?;
            match files.get(&text(&parts.join(&b'/'))?) {
                Some(node @ Node::File { .. }) => Ok(node.clone()),
                _ => Err(bad()),
            }
        }
        Kind::File => {
            // What says itself that it is too much is not begun.
            let limit = budget.limits.bytes;
            budget.bytes = budget.bytes.checked_sub(entry.size).ok_or(Rejected::TooManyBytes { limit })?;
            let mode = if entry.mode & 0o111 == 0 { 0o644 } else { 0o755 };
            Ok(Node::File { part: spool.take(content, entry.size)?, mode })
        }
    }
}

/// A path stands once, below folders only.
fn put(files: &mut BTreeMap<String, Node>, path: String, node: Node) -> Result<(), Rejected> {
    let mut above = path.as_str();
    while let Some((parent, _)) = above.rsplit_once('/') {
        if files.get(parent).is_some_and(|it| !matches!(it, Node::Folder { .. })) {
            return Err(Rejected::ThroughLink);
        }
        above = parent;
    }
    match (files.get(&path), &node) {
        (None, _) => {}
        (Some(Node::Folder { .. }), Node::Folder { .. }) => return Ok(()),
        (Some(_), _) => return Err(Rejected::Duplicate),
    }
    files.insert(path, node);
    Ok(())
}
