//! The bundle of certificate authorities: the machine's own, and what a company adds to it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The variable that names a file of authorities to trust besides the machine's.
pub const EXTRA: &str = "FAIRWAY_CA_BUNDLE";
/// The variables by which other programs are told of a bundle.
pub const BUNDLE_VARIABLES: [&str; 5] =
    ["SSL_CERT_FILE", "CARGO_HTTP_CAINFO", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];
/// Where distributions keep theirs.
const USUAL: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];
/// No bundle is as large as this.
const LIMIT: u64 = 8 << 20;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// Where the authorities are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The machine's own file, if it has one.
    pub machine: Option<PathBuf>,
    /// The file that adds to it.
    pub extra: Option<PathBuf>,
}

/// Why a bundle cannot be used.
#[derive(Debug, Error)]
pub enum ReadBundle {
    /// It cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds none.
    #[error("{} holds no certificate in PEM form", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Both in one cannot be written.
    #[error("write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Bundle {
    /// Finds them: `SSL_CERT_FILE`, else the first usual file that is there; `FAIRWAY_CA_BUNDLE` beside it.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::find_among(variable, &USUAL.map(Path::new))
    }

    fn find_among(variable: impl Fn(&str) -> Option<String>, usual: &[&Path]) -> Self {
        let named = |name: &str| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let there = usual.iter().find(|it| it.is_file()).map(|it| it.to_path_buf());
        Self { machine: named("SSL_CERT_FILE").or(there), extra: named(EXTRA) }
    }

    /// Whether all that is named can be used.
    pub fn check(&self) -> Result<(), ReadBundle> {
        self.machine.iter().chain(&self.extra).try_for_each(|it| read(it).map(drop))
    }

    /// All of them, in PEM form.
    pub fn certificates(&self) -> Result<String, ReadBundle> {
        let texts: Vec<_> = self.machine.iter().chain(&self.extra).map(|it| read(it)).collect::<Result<_, _>>()?;
        Ok(texts.join("\n"))
    }

    /// One file that holds all of them: the machine's, or where something is added, `both`, which is written anew. Nothing
    /// where there is none.
    pub fn file(&self, both: &Path) -> Result<Option<PathBuf>, ReadBundle> {
        let machine = self.machine.as_deref().map(read).transpose()?;
        let Some(path) = &self.extra else { return Ok(self.machine.clone()) };
        let extra = read(path)?;
        let text = format!("{}\n{extra}", machine.unwrap_or_default());
        write(both, &text).map_err(|source| ReadBundle::Write { path: both.to_owned(), source })?;
        Ok(Some(both.to_owned()))
    }

    /// What programs of this machine are to be told, as variables: nothing unless something is added to what they find.
    pub fn variables(&self, both: &Path) -> Result<Vec<(&'static str, PathBuf)>, ReadBundle> {
        if self.extra.is_none() {
            return Ok(Vec::new());
        }
        let file = self.file(both)?;
        Ok(file.into_iter().flat_map(|it| BUNDLE_VARIABLES.map(|name| (name, it.clone()))).collect())
    }
}

fn read(path: &Path) -> Result<String, ReadBundle> {
    let failed = |source| ReadBundle::Read { path: path.to_owned(), source };
    let too_large = fs::metadata(path).map_err(failed)?.len() > LIMIT;
    if too_large {
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any bundle")));
    }
    // Comments around the certificates may be in any encoding.
    let text = String::from_utf8_lossy(&fs::read(path).map_err(failed)?).into_owned();
    if text.contains(BEGIN) { Ok(text) } else { Err(ReadBundle::Empty { path: path.to_owned() }) }
}

/// Whoever reads it sees the old or the new, whole.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // Several may write the same at a time.
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    path.parent().map(fs::create_dir_all).transpose()?;
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests;
