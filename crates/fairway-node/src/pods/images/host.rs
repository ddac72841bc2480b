//! Host images: what the machine itself has, shown read-only in a root that holds nothing else.
//!
//! `host/<name>` names one. The node knows no toolchain: its settings say which files and folders make an image.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fairway_outside::trust::BUNDLE_VARIABLES;

use super::{EnsureImage, Image};

/// What every reference to a host image begins with.
const PREFIX: &str = "host/";
/// `/tmp` of a host image.
const SCRATCH_BYTES: u64 = 512 << 20;
/// Folders of a system that are links into `/usr` on most machines.
const SYSTEM: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr"];
/// Settings that programs of `/usr` need to work: which of several they are, where libraries and certificates lie.
const SETTINGS: [&str; 8] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/pki/tls",
    CERTIFICATES,
];
const CERTIFICATES: &str = "/etc/ssl/certs";
/// Where a bundle of authorities is in every host image.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const PASSWD: &str =
    "root:x:0:0:root:/tmp:/bin/sh\nstep:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
const GROUP: &str = "root:x:0:\nstep:x:1000:\nnogroup:x:65534:\n";

/// Whether a reference names a host image, known or not.
pub(crate) fn is_of_host(reference: &str) -> bool {
    reference.starts_with(PREFIX)
}

/// One image made of the machine's own files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostImage {
    /// What is shown where, read-only; folders with all that is mounted below them.
    pub mounts: Vec<HostMount>,
    /// Links: where, and to what.
    pub links: Vec<(String, String)>,
    /// Small files: where, and what is in them.
    pub files: Vec<(String, String)>,
    /// Folders in memory that may be written, with their size in bytes.
    pub scratch: Vec<(String, u64)>,
    /// `Env`.
    pub env: Vec<(String, String)>,
    /// Folders that come before the usual ones in `PATH`.
    pub path: Vec<String>,
    /// `User`: numbers.
    pub user: String,
    /// `WorkingDir`.
    pub working_dir: String,
}

/// A file or folder of the machine in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMount {
    /// Where it is on the machine.
    pub source: PathBuf,
    /// Where it appears.
    pub target: String,
    /// The image is one without it too.
    pub optional: bool,
}

impl HostImage {
    /// The programs and libraries of this machine (`/usr` and what links into it), its certificates, a writable `/tmp` that
    /// is home too, and a user without rights.
    pub fn of_system() -> Self {
        let mut image = Self {
            files: vec![("/etc/passwd".into(), PASSWD.into()), ("/etc/group".into(), GROUP.into())],
            scratch: vec![("/tmp".into(), SCRATCH_BYTES)],
            env: vec![("HOME".into(), "/tmp".into())],
            user: "1000:1000".into(),
            ..Self::default()
        };
        for name in SYSTEM {
            let path = Path::new("/").join(name);
            match fs::read_link(&path) {
                Ok(to) => image.links.push((format!("/{name}"), to.to_string_lossy().into_owned())),
                Err(_) => image = image.maybe(path, &format!("/{name}")),
            }
        }
        SETTINGS.into_iter().fold(image, |image, it| image.maybe(it, it))
    }

    /// Shows one more file or folder, without which the image cannot be.
    #[must_use]
    pub fn with(mut self, source: impl Into<PathBuf>, target: &str) -> Self {
        self.mounts.push(HostMount { source: source.into(), target: target.to_owned(), optional: false });
        self
    }

    /// Shows one more file or folder, where the machine has it.
    #[must_use]
    pub fn maybe(mut self, source: impl Into<PathBuf>, target: &str) -> Self {
        self.mounts.push(HostMount { source: source.into(), target: target.to_owned(), optional: true });
        self
    }

    /// Shows this bundle of certificate authorities where programs look for one, and tells those that look elsewhere. The
    /// machine's own certificates stay where the bundle is one of them.
    #[must_use]
    pub fn trusting(mut self, bundle: &Path) -> Self {
        let own = bundle == Path::new(BUNDLE) && self.mounts.iter().any(|it| it.target == CERTIFICATES);
        if !own {
            self.mounts.retain(|it| it.target != CERTIFICATES);
            self = self.with(bundle, BUNDLE);
        }
        BUNDLE_VARIABLES.into_iter().fold(self, |image, name| image.variable(name, BUNDLE))
    }

    /// Sets a variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Looks for programs in one more folder, before all others.
    #[must_use]
    pub fn first_in_path(mut self, folder: &str) -> Self {
        self.path.insert(0, folder.to_owned());
        self
    }
}

/// The host images of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostImages {
    /// By name: what follows `host/` in a reference.
    pub images: BTreeMap<String, HostImage>,
    /// Folders that no image may show, nor anything that holds them: the platform's data, its user's home. What lies below
    /// one is shown where an image names it (a toolchain in a home). The node's own folder is never shown, nor what is in it.
    pub private: Vec<PathBuf>,
}

impl HostImages {
    /// Shows this bundle of authorities in every image.
    pub(crate) fn trust(&mut self, bundle: &Path) {
        for image in self.images.values_mut() {
            *image = std::mem::take(image).trusting(bundle);
        }
    }

    /// The image of a reference, if it is one of ours. `state` is the node's own folder.
    pub(crate) fn find(&self, reference: &str, state: &Path) -> Option<Result<Image, EnsureImage>> {
        let name = reference.strip_prefix(PREFIX)?;
        let pull = |why| EnsureImage::Pull { reference: reference.to_owned(), why, is_full: false };
        let Some(image) = self.images.get(name) else {
            let known: Vec<_> = self.images.keys().map(|it| format!("{PREFIX}{it}")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Some(Err(pull(format!("this machine has no such host image; it has {known}"))));
        };
        Some(self.resolve(reference, image, state).map_err(pull))
    }

    fn resolve(&self, reference: &str, image: &HostImage, state: &Path) -> Result<Image, String> {
        let mut mounts = Vec::new();
        for HostMount { source, target, optional } in &image.mounts {
            match fs::canonicalize(source) {
                Ok(found) => {
                    self.allow(&found, state)?;
                    mounts.push((found, target.clone()));
                }
                Err(_) if *optional => {}
                Err(error) => return Err(format!("it needs {} of this machine: {error}", source.display())),
            }
        }
        let targets = || mounts.iter().map(|(_, it)| it).chain(image.scratch.iter().map(|(it, _)| it));
        for (outer, inner) in targets().flat_map(|outer| targets().map(move |inner| (outer, inner))) {
            if outer != inner && Path::new(inner).starts_with(outer) {
                return Err(format!(
                    "{inner} cannot appear inside {outer}, which is read-only; give it a place of its own"
                ));
            }
        }
        Ok(Image {
            id: reference.to_owned(),
            env: environment(image),
            working_dir: image.working_dir.clone(),
            user: image.user.clone(),
            mounts,
            links: image.links.clone(),
            files: image.files.clone(),
            scratch: image.scratch.clone(),
            ..Image::default()
        })
    }

    fn allow(&self, source: &Path, state: &Path) -> Result<(), String> {
        let refused = |why: &str| Err(format!("{} may not be shown to containers: {why}", source.display()));
        if source.starts_with(state) {
            return refused("it is the node's own");
        }
        let private = self.private.iter().map(|it| fs::canonicalize(it).unwrap_or_else(|_| it.clone()));
        let private: Vec<_> = private.chain([state.to_owned()]).collect();
        if let Some(inside) = private.iter().find(|it| it.starts_with(source)) {
            return refused(&format!("it holds {}", inside.display()));
        }
        let kernels = ["/proc", "/sys", "/dev", "/run", "/var/run"];
        if kernels.iter().any(|it| source.starts_with(it) || Path::new(it).starts_with(source)) {
            return refused("it belongs to the running system");
        }
        Ok(())
    }
}

fn environment(image: &HostImage) -> Vec<(String, String)> {
    let usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let path: Vec<&str> = image.path.iter().map(String::as_str).chain(usual).collect();
    image.env.iter().cloned().chain([("PATH".to_owned(), path.join(":"))]).collect()
}

#[cfg(test)]
mod tests;
