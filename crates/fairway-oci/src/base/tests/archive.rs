//! An archive with packages of our own making.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lzma_rust2::{XzOptions, XzWriter};

use super::server::{Answer, Server};
use super::signer::Signer;
use crate::base::{Base, Cache, Made, MakeBase, Mirrors, Sources};
use crate::{Digest, Layout};

/// Files of a package, as attackers and everyone else make them: no entry is checked by anyone.
#[derive(Debug, Clone, Default)]
pub(in crate::base) struct Files(Vec<u8>);

impl Files {
    pub(super) fn entry(mut self, kind: u8, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        self.header(kind, path, link, mode, content.len() as u64);
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// An entry that says another size than it has.
    pub(super) fn claims(mut self, path: &str, size: u64) -> Self {
        self.header(b'0', path, "", 0o644, size);
        self
    }

    fn header(&mut self, kind: u8, path: &str, link: &str, mode: u32, size: u64) {
        let mut header = tar::Header::new_gnu();
        let bytes = header.as_mut_bytes();
        bytes[..path.len()].copy_from_slice(path.as_bytes());
        bytes[157..157 + link.len()].copy_from_slice(link.as_bytes());
        bytes[156] = kind;
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(1_234_567_890);
        header.set_cksum();
        self.0.extend(header.as_bytes());
    }

    pub(in crate::base) fn file(self, path: &str, content: &str) -> Self {
        self.entry(b'0', path, "", 0o644, content.as_bytes())
    }

    pub(super) fn link(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path, target, 0o777, b"")
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

/// A package with these files.
pub(in crate::base) fn package(name: &str, files: Files) -> Vec<u8> {
    let control = Files::default().file("./control", &format!("Package: {name}\nVersion: 1\nArchitecture: all\n"));
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control.end()), ("data.tar.xz", &xz(&files.end()))])
}

pub(super) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let _ = writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, content.len());
        bytes.extend(*content);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    bytes
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// The time at which everything here happens.
pub(super) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// An archive on a server.
pub(super) struct Archive {
    pub(super) server: Server,
    pub(super) signer: Signer,
    pub(super) folder: tempfile::TempDir,
    packages: String,
}

impl Archive {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { server: Server::start().await, signer: Signer::new(), folder, packages: String::new() }
    }

    /// One with these packages, whose indexes are there.
    pub(super) async fn with(packages: &[(&str, Vec<u8>)]) -> Self {
        let mut archive = Self::start().await;
        for (name, bytes) in packages {
            archive.add(name, bytes, "");
        }
        archive.publish();
        archive
    }

    pub(super) fn add(&mut self, name: &str, bytes: &[u8], more: &str) {
        let (size, digest) = (bytes.len(), Digest::of(bytes));
        let stanza = format!(
            "Package: {name}\nVersion: 1\nArchitecture: all\nFilename: pool/{name}.deb\nSize: {size}\nSHA256: {}\n{more}\n",
            digest.hex()
        );
        self.packages.push_str(&stanza);
        self.server.put(&format!("/debian/pool/{name}.deb"), Answer::Bytes(bytes.to_vec()));
    }

    pub(super) fn publish(&self) {
        for (archive, suite) in
            [("debian", "bookworm"), ("debian", "bookworm-updates"), ("debian-security", "bookworm-security")]
        {
            let list = xz(if suite == "bookworm" { self.packages.as_bytes() } else { b"" });
            let text = index(suite, &list);
            let place = format!("/{archive}/dists/{suite}");
            for architecture in ["amd64", "arm64"] {
                let path = format!("{place}/main/binary-{architecture}/by-hash/SHA256/{}", Digest::of(&list).hex());
                self.server.put(&path, Answer::Bytes(list.clone()));
            }
            self.server.put(&format!("{place}/InRelease"), Answer::Bytes(self.signer.sign(&text, now()).into_bytes()));
        }
    }

    pub(super) fn sources(&self, cache: &str) -> Sources {
        let url = self.server.url.clone();
        let mirrors = Mirrors::find(|name| match name {
            "FAIRWAY_DEBIAN_MIRRORS" => Some(format!("{url}/debian/")),
            "FAIRWAY_DEBIAN_SECURITY_MIRRORS" => Some(format!("{url}/debian-security")),
            _ => None,
        });
        let cache = Cache::new(self.folder.path().join(cache));
        Sources { mirrors: mirrors.unwrap(), cache, keys: self.signer.keys() }
    }

    pub(super) fn layout(&self, name: &str) -> Layout {
        Layout::open(&self.folder.path().join(name)).unwrap()
    }

    /// The base of a declaration, locked.
    pub(super) async fn locked(&self, declaration: &str) -> Result<Base, MakeBase> {
        let mut base = self.base(declaration);
        base.lock = Some(self.sources("cache").resolve(&base, now(), &|_| ()).await?);
        Ok(base)
    }

    pub(super) fn base(&self, declaration: &str) -> Base {
        let folder = self.folder.path();
        let text = format!("description = \"x\"\nsuite = \"bookworm\"\n{declaration}\n");
        std::fs::write(folder.join("thing.toml"), text).unwrap();
        Base::read(folder, "thing").unwrap()
    }

    /// Locks and builds a base of these packages.
    pub(super) async fn build(&self, packages: &str) -> Result<Made, MakeBase> {
        let base = self.locked(&format!("packages = [{packages}]")).await?;
        self.sources("cache").make(&self.layout("images"), &base, Arc::new(|_| ())).await
    }
}

pub(super) fn index(suite: &str, list: &[u8]) -> String {
    let (digest, size) = (Digest::of(list), list.len());
    let files: String = ["amd64", "arm64"]
        .iter()
        .map(|it| format!(" {} {size} main/binary-{it}/Packages.xz\n", digest.hex()))
        .collect();
    format!(
        "Codename: {suite}\nDate: Sat, 21 Nov 2026 10:00:00 UTC\nValid-Until: Sat, 28 Nov 2026 10:00:00 UTC\n\
         Acquire-By-Hash: yes\nSHA256:\n{files}"
    )
}

/// All causes of an error, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// What is left in a folder, however deep: names only.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    names
}
