//! A folder for secrets: 0700, its files 0600, each written whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

#[cfg(test)]
mod tests;

/// Where secrets are kept.
#[derive(Debug, Clone)]
pub(crate) struct PrivateFolder {
    path: PathBuf,
}

/// What went wrong with a file or folder of secrets.
#[derive(Debug, thiserror::Error)]
pub enum KeepSecret {
    /// The folder cannot be made or its mode not set.
    #[error("make the private folder {}", path.display())]
    MakeFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is there and cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PrivateFolder {
    /// Makes the folder if need be and closes it to everybody else.
    pub(crate) fn open(path: &Path) -> Result<Self, KeepSecret> {
        let make = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            close(path, 0o700)
        };
        make().map_err(|source| KeepSecret::MakeFolder { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where a file of it is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The contents of a file, if it is there; closes it to others if it was open to them.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, KeepSecret> {
        let path = self.file(name);
        let text = fs::read_to_string(&path).and_then(|text| close(&path, 0o600).map(|()| text));
        match text {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeepSecret::Read { path, source }),
        }
    }

    /// Puts a file in place: after a crash it is the old one or the new one, never half of it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), KeepSecret> {
        let path = self.file(name);
        let beside = self.file(&format!(".{name}.new"));
        let write = || {
            // A rest of an earlier attempt may have any mode: never write a secret into it.
            match fs::remove_file(&beside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|source| KeepSecret::Write { path: path.clone(), source })
    }
}

/// Takes away the rights that go beyond the mode.
fn close(path: &Path, mode: u32) -> io::Result<()> {
    let now = fs::metadata(path)?.permissions().mode() & 0o7777;
    if now & !mode == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), mode = %format!("{now:o}"), "a secret was open to others and is now closed");
    fs::set_permissions(path, Permissions::from_mode(now & mode))
}
