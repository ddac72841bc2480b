//! The outer archive of a package: `ar`, in its oldest form.

use std::io::{self, Read, Seek, SeekFrom};

use super::ReadPackage;

const MAGIC: &[u8; 8] = b"!<arch>\n";
/// Members of a package. Those whose names begin with an underscore are to be passed over.
const MOST_MEMBERS: usize = 16;

pub(super) struct Archive<R> {
    inner: R,
    /// Where the next member begins.
    next: u64,
    members: usize,
}

impl<R: Read + Seek> Archive<R> {
    pub(super) fn open(mut inner: R) -> Result<Self, ReadPackage> {
        let mut magic = [0; MAGIC.len()];
        match inner.read_exact(&mut magic) {
            Ok(()) if magic == *MAGIC => Ok(Self { inner, next: MAGIC.len() as u64, members: 0 }),
            Ok(()) => Err(ReadPackage::Form("it is not an ar archive")),
            Err(error) => Err(ReadPackage::Read(error)),
        }
    }

    /// The next member: its name, and its content.
    pub(super) fn next(&mut self) -> Result<Option<(String, io::Take<&mut R>)>, ReadPackage> {
        const BROKEN: ReadPackage = ReadPackage::Form("the header of a member is broken");
        loop {
            self.inner.seek(SeekFrom::Start(self.next)).map_err(ReadPackage::Read)?;
            let mut header = [0; 60];
            match self.inner.read(&mut header[..1]).map_err(ReadPackage::Read)? {
                0 => return Ok(None),
                count => self.inner.read_exact(&mut header[count..]).map_err(ReadPackage::Read)?,
            }
            self.members += 1;
            if &header[58..] != b"`\n" || self.members > MOST_MEMBERS {
                return Err(BROKEN);
            }
            let text = |range: std::ops::Range<usize>| std::str::from_utf8(&header[range]).ok().map(str::trim_end);
            let name = text(0..16).map(|it| it.trim_end_matches('/').to_owned()).ok_or(BROKEN)?;
            let size: u64 = text(48..58)
                .filter(|it| it.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|it| it.parse().ok())
                .ok_or(BROKEN)?;
            // Members begin at even places.
            self.next += 60 + size + size % 2;
            if !name.starts_with('_') {
                return Ok(Some((name, (&mut self.inner).take(size))));
            }
        }
    }
}
