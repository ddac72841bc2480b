//! A template's folder as data, with the limits of what one may hold.

use std::collections::BTreeMap;

use crate::digest::digest_of_bytes;
use crate::{Digest, Finding, digest_of};

/// A folder has at most so many files, and what is rendered too.
pub(super) const MAX_FILES: usize = 1000;
/// A file has at most so many bytes.
pub(super) const MAX_FILE: usize = 1 << 20;
/// All files together have at most so many bytes.
pub(super) const MAX_TOTAL: usize = 16 << 20;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether it may be executed.
    pub executable: bool,
}

/// Files by their paths from the root, with `/`.
pub type Files = BTreeMap<String, File>;

/// The folder of a template. What does not belong in one is kept as a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folder {
    files: Files,
    findings: Vec<Finding>,
    bytes: usize,
}

impl Folder {
    /// Adds a file. Whoever reads the folder need not look at limits: beyond them nothing is kept.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>, executable: bool) {
        if self.files.len() >= MAX_FILES {
            self.once("", format!("has more than {MAX_FILES} files; a template has at most that many"));
        } else if bytes.len() > MAX_FILE {
            self.find(path, format!("has {} bytes; a file of a template has at most {MAX_FILE}", bytes.len()));
        } else if self.bytes + bytes.len() > MAX_TOTAL {
            self.once("", format!("has more than {MAX_TOTAL} bytes in all; a template has at most that many"));
        } else {
            self.bytes += bytes.len();
            self.files.insert(path.to_owned(), File { bytes, executable });
        }
    }

    /// Notes something that cannot be part of a template: a link, a device, another repository.
    pub fn refuse(&mut self, path: &str, what: &str) {
        self.find(path, format!("is {what}; a template has files only"));
    }

    fn find(&mut self, path: &str, message: String) {
        if self.findings.len() < 100 {
            self.findings.push(Finding::new(path, message));
        }
    }

    fn once(&mut self, path: &str, message: String) {
        if self.findings.iter().all(|it| it.message != message) {
            self.findings.push(Finding::new(path, message));
        }
    }

    /// Its files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// What does not belong in it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// A file's text, if it is one.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(&self.files.get(path)?.bytes).ok()
    }

    /// The content address of what is rendered: `template.yaml` and `files/`; tests and pages may change without it.
    pub fn digest(&self) -> Digest {
        let rendered = self.files.iter().filter(|(path, _)| *path == super::MANIFEST || path.starts_with("files/"));
        let entry = |it: &File| (digest_of_bytes(&it.bytes).as_str().to_owned(), it.executable);
        digest_of(&rendered.map(|(path, it)| (path, entry(it))).collect::<BTreeMap<_, _>>())
    }
}
