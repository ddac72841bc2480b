//! From packages to the files of an image, and to the image.
//!
//! The file system is merged as Debian has it: what packages still bring below `/bin`, `/sbin` and `/lib*` lies below `/usr`,
//! and links stand in their place. Documentation, manuals and translations are left out, licences stay.

mod accounts;
mod bill;

pub(super) use bill::cyclone_dx;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::cache::{Cache, UseCache};
use super::deb::{self, Budget, Node, ReadPackage, Spool, Unpacked};
use super::known::Base;
use super::lock::LockedPackage;
use super::make::Progress;
use crate::{BuildImage, Contents, Descriptor, ImageSpec, Layout, Limits, Owner, Packing, Platform};

/// Folders of the root that are links to those of the same name below `/usr`.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// What nobody reads in a container.
const LEFT_OUT: [&str; 8] = [
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/doc-base",
    "usr/share/menu",
    "usr/share/bash-completion",
];
/// The certificates of authorities, one a file.
const AUTHORITIES: &str = "usr/share/ca-certificates/";
/// All of them in one, where programs look for it.
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
/// No certificate is longer.
const MOST_CERTIFICATE: u64 = 1 << 20;
/// What all packages of an image may be.
const LIMITS: Limits = Limits { bytes: 4 << 30, entries: 200_000, path_bytes: 4096, depth: 64, layers: 1 };

/// Why no image was made of packages that are there.
#[derive(Debug, thiserror::Error)]
pub enum AssembleBase {
    #[error("package {package}")]
    Package { package: String, source: ReadPackage },
    #[error("package {0} is not in the cache, or was changed there")]
    NotCached(String),
    #[error("look into the cache")]
    Cache(#[source] UseCache),
    #[error("packages {package} and {other} both bring {path}")]
    Both { package: String, other: String, path: String },
    #[error("put {path} of {package} into the image")]
    Put { package: String, path: String, source: BuildImage },
    #[error("write what the image says of itself")]
    Own(#[source] BuildImage),
    #[error("read the certificate {path}")]
    Certificate { path: String, source: io::Error },
    #[error("make room for the files")]
    Room(#[source] io::Error),
    #[error("build the image")]
    Build(#[source] BuildImage),
}

/// Makes the image of packages that the cache has. It has no name yet.
pub(super) fn build(
    layout: &Layout,
    base: &Base,
    packages: &[LockedPackage],
    cache: &Cache,
    progress: &dyn Fn(Progress),
) -> Result<Descriptor, AssembleBase> {
    let mut tree = Tree::default();
    let spool = tempfile::tempfile_in(layout.root()).map_err(AssembleBase::Room)?;
    let (mut spool, mut budget) = (Spool::new(spool), Budget::new(LIMITS));
    for (index, package) in packages.iter().enumerate() {
        progress(Progress::Unpacking { package: index + 1, of: packages.len() });
        let opened = cache.open(&package.digest, package.size).map_err(AssembleBase::Cache)?;
        let file = opened.ok_or_else(|| AssembleBase::NotCached(package.name.clone()))?;
        let failed = |source| AssembleBase::Package { package: package.name.clone(), source };
        let unpacked = deb::read(file, &mut spool, &mut budget).map_err(failed)?;
        tree.add(&package.name, unpacked, &base.declaration.leave_out)?;
    }
    progress(Progress::Building);
    let contents = tree.contents(base, packages)?;
    layout.build(None, &contents, &spec(base)).map_err(AssembleBase::Build)
}

fn spec(base: &Base) -> ImageSpec {
    let declaration = &base.declaration;
    let mut env = BTreeMap::from([("PATH".to_owned(), PATH.to_owned()), ("LANG".to_owned(), "C.UTF-8".to_owned())]);
    env.extend(declaration.environment.clone());
    let label = |name: &str, value: &str| (format!("org.opencontainers.image.{name}"), value.to_owned());
    ImageSpec {
        platform: Platform::host(),
        entrypoint: declaration.entrypoint.clone(),
        cmd: Vec::new(),
        env,
        working_dir: "/".to_owned(),
        exposed_ports: Vec::new(),
        labels: [label("title", &base.name), label("description", &declaration.description)].into(),
        created_by: format!("platform base build {}", base.name),
    }
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The files of all packages.
#[derive(Default)]
struct Tree {
    /// What stands at a path, and which package brought it.
    nodes: BTreeMap<String, (Node, String)>,
    /// The control file of each package.
    controls: BTreeMap<String, String>,
}

impl Tree {
    fn add(&mut self, package: &str, unpacked: Unpacked, leave_out: &[String]) -> Result<(), AssembleBase> {
        self.controls.insert(package.to_owned(), unpacked.control);
        for (path, node) in unpacked.files {
            let path = merged(&path);
            // A link of the root that Debian itself has in that place.
            if MERGED.contains(&path.as_str()) || is_left_out(&path, &node, leave_out) {
                continue;
            }
            match self.nodes.get(&path) {
                Some((Node::Folder { .. }, _)) if matches!(node, Node::Folder { .. }) => {}
                Some((_, other)) => {
                    let (package, other) = (package.to_owned(), other.clone());
                    return Err(AssembleBase::Both { package, other, path });
                }
                None => {
                    self.nodes.insert(path, (node, package.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// All of it, with what we write ourselves.
    fn contents(&self, base: &Base, packages: &[LockedPackage]) -> Result<Contents, AssembleBase> {
        let mut contents = Contents::new();
        contents.owned_by(Owner::Root);
        contents.packed_by(Packing::Zstd);
        for (path, (node, package)) in &self.nodes {
            let put = match node {
                Node::Folder { mode } => contents.add_folder_with(path, *mode),
                Node::Link(target) => contents.add_link(path, target),
                Node::File { part, mode } => {
                    let place = (part.file.clone(), part.offset, part.length);
                    contents.add_part(path, place, mode & 0o111 != 0)
                }
            };
            put.map_err(|source| AssembleBase::Put { package: package.clone(), path: path.clone(), source })?;
        }
        let bundle = self.bundle()?;
        self.own(base, packages, bundle, &mut contents).map_err(AssembleBase::Own)?;
        Ok(contents)
    }

    fn own(
        &self,
        base: &Base,
        packages: &[LockedPackage],
        bundle: Option<Vec<u8>>,
        contents: &mut Contents,
    ) -> Result<(), BuildImage> {
        let declaration = &base.declaration;
        let used: BTreeSet<_> = self.nodes.keys().filter_map(|it| it.strip_prefix("usr/")?.split('/').next()).collect();
        for name in MERGED.iter().filter(|it| used.contains(**it)) {
            contents.add_link(name, &format!("usr/{name}"))?;
        }
        for (path, text) in accounts::files(&declaration.user) {
            contents.add_bytes(path, text, false)?;
        }
        if let Some(bundle) = bundle {
            contents.add_bytes(BUNDLE, bundle, false)?;
            // Where OpenSSL looks of itself.
            contents.add_link("usr/lib/ssl/cert.pem", &format!("/{BUNDLE}"))?;
        }
        for (package, control) in &self.controls {
            contents.add_bytes(&format!("var/lib/dpkg/status.d/{package}"), control.as_bytes(), false)?;
        }
        let bill = cyclone_dx(base, packages);
        contents.add_bytes(&format!("usr/share/sbom/{}.cdx.json", base.name), bill, false)?;
        for (path, target) in &declaration.links {
            contents.add_link(path, target)?;
        }
        for path in ["proc", "sys", "dev", "run", "etc", "root"] {
            contents.add_folder(path)?;
        }
        contents.add_folder_with("tmp", 0o1777)?;
        contents.owned_by(Owner::User);
        for path in declaration.folders.iter().chain([&declaration.user.home]) {
            contents.add_folder(path)?;
        }
        Ok(())
    }

    /// The certificates of all authorities, one behind the other, where a package brings some.
    fn bundle(&self) -> Result<Option<Vec<u8>>, AssembleBase> {
        let below = self.nodes.range(AUTHORITIES.to_owned()..).take_while(|it| it.0.starts_with(AUTHORITIES));
        let mut bundle = Vec::new();
        for (path, (node, _)) in below {
            if let Node::File { part, .. } = node {
                let failed = |source| AssembleBase::Certificate { path: path.clone(), source };
                bundle.extend(part.read(MOST_CERTIFICATE).map_err(failed)?);
                if !bundle.ends_with(b"\n") {
                    bundle.push(b'\n');
                }
            }
        }
        Ok(Some(bundle).filter(|it| !it.is_empty()))
    }
}

/// Where a path of a package lies.
fn merged(path: &str) -> String {
    let first = path.split('/').next().unwrap_or_default();
    if MERGED.contains(&first) && path.contains('/') { format!("usr/{path}") } else { path.to_owned() }
}

fn is_left_out(path: &str, node: &Node, leave_out: &[String]) -> bool {
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|it| it.is_empty() || it.starts_with('/'));
    if LEFT_OUT.iter().any(|it| below(it)) {
        return true;
    }
    // Of the documentation, licences stay, and the links from packages that share theirs.
    if let Some(inside) = path.strip_prefix("usr/share/doc/") {
        let is_licence = inside.ends_with("/copyright") && inside.matches('/').count() == 1;
        let is_shared = matches!(node, Node::Link(_)) && !inside.contains('/');
        return !is_licence && !is_shared;
    }
    leave_out.iter().any(|it| match it.trim_start_matches('/').strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => below(it.trim_start_matches('/')),
    })
}
