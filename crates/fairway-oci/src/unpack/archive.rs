//! Entries of a tar archive, read strictly: where two readers could disagree about what an entry is, it is refused.

use std::io::Read;

use super::Rejected;

/// How long an extended header may be.
const MOST_EXTENSION: u64 = 1 << 20;

/// One entry, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) mtime: u64,
    pub(crate) size: u64,
    /// Whose it is: user and group.
    pub(crate) owner: (u32, u32),
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link(Vec<u8>),
    HardLink(Vec<u8>),
}

/// What extended headers say about the entry that follows them.
#[derive(Debug, Default)]
pub(crate) struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    user: Option<u64>,
    group: Option<u64>,
}

impl Extension {
    /// Takes the header if it is an extended one. Says whether it was.
    pub(crate) fn take(&mut self, header: &tar::Header, content: &mut impl Read) -> Result<bool, Rejected> {
        match header.entry_type().as_byte() {
            b'x' => self.pax(&read(header, content)?)?,
            // Global headers would change every entry that follows; only comments are let through.
            b'g' => {
                let mut global = Self::default();
                global.pax(&read(header, content)?)?;
                let says_more = global.path.is_some() || global.link.is_some() || global.size.is_some();
                if says_more || global.user.is_some() || global.group.is_some() {
                    return Err(Rejected::BadExtension("a global header gives a path, size or owner"));
                }
            }
            b'L' => set_once(&mut self.path, until_nul(read(header, content)?))?,
            b'K' => set_once(&mut self.link, until_nul(read(header, content)?))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Records of the form `length name=value\n`.
    fn pax(&mut self, mut bytes: &[u8]) -> Result<(), Rejected> {
        let broken = || Rejected::BadExtension("a record is not `length name=value`");
        while !bytes.is_empty() {
            let space = bytes.iter().take(12).position(|it| *it == b' ').ok_or_else(broken)?;
            let length: usize = number(&bytes[..space]).and_then(|it| it.try_into().ok()).ok_or_else(broken)?;
            let record = bytes.get(space + 1..length).and_then(|it| it.strip_suffix(b"\n")).ok_or_else(broken)?;
            let equals = record.iter().position(|it| *it == b'=').ok_or_else(broken)?;
            let (name, value) = (&record[..equals], &record[equals + 1..]);
            match name {
                b"path" => set_once(&mut self.path, value.to_vec())?,
                b"linkpath" => set_once(&mut self.link, value.to_vec())?,
                b"size" => set_once(&mut self.size, number(value).ok_or_else(broken)?)?,
                b"uid" => set_once(&mut self.user, number(value).ok_or_else(broken)?)?,
                b"gid" => set_once(&mut self.group, number(value).ok_or_else(broken)?)?,
                _ if name.starts_with(b"GNU.sparse") => return Err(Rejected::Sparse),
                _ => {}
            }
            bytes = &bytes[length..];
        }
        Ok(())
    }

    /// The entry that this header and what came before it describe.
    pub(crate) fn entry(self, header: &tar::Header) -> Result<Entry, Rejected> {
        let size = header.entry_size().map_err(Rejected::BadArchive)?;
        if self.size.is_some_and(|it| it != size) {
            return Err(Rejected::TwoSizes);
        }
        let kind = header.entry_type().as_byte();
        let link = self.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default();
        let kind = match kind {
            b'0' | b'\0' | b'7' => Kind::File,
            b'1' => Kind::HardLink(link),
            b'2' => Kind::Link(link),
            b'5' => Kind::Folder,
            b'3' | b'4' | b'6' => return Err(Rejected::Special { kind: char::from(kind) }),
            b'S' => return Err(Rejected::Sparse),
            other => return Err(Rejected::UnknownKind { kind: char::from(other) }),
        };
        if size > 0 && kind != Kind::File {
            return Err(Rejected::TwoSizes);
        }
        let path = self.path.unwrap_or_else(|| header.path_bytes().into_owned());
        // Old archives mark a folder by its slash alone.
        let kind = if kind == Kind::File && path.ends_with(b"/") { Kind::Folder } else { kind };
        let mode = header.mode().map_err(Rejected::BadArchive)?;
        let mtime = header.mtime().unwrap_or(0);
        let id = |said: Option<u64>, field: u64| said.unwrap_or(field).try_into().unwrap_or(u32::MAX);
        let owner = (id(self.user, header.uid().unwrap_or(0)), id(self.group, header.gid().unwrap_or(0)));
        Ok(Entry { path, kind, mode, mtime, size, owner })
    }
}

fn read(header: &tar::Header, content: &mut impl Read) -> Result<Vec<u8>, Rejected> {
    if header.entry_size().map_err(Rejected::BadArchive)? > MOST_EXTENSION {
        return Err(Rejected::ExtensionTooLong { limit: MOST_EXTENSION });
    }
    let mut bytes = Vec::new();
    content.take(MOST_EXTENSION).read_to_end(&mut bytes).map_err(Rejected::BadArchive)?;
    Ok(bytes)
}

fn set_once<T>(place: &mut Option<T>, value: T) -> Result<(), Rejected> {
    if place.replace(value).is_some() { Err(Rejected::BadExtension("a value is given twice")) } else { Ok(()) }
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|it| *it == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse().ok())?
}
