//! Images as the node wants them: a folder to stand on, and what the image says about how to run it.

mod host;
mod layout;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use host::is_of_host;
pub use host::{HostImage, HostImages, HostMount};
pub use layout::LayoutImages;

/// An unpacked image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// The folder that its layers were unpacked into. Best below the node's state folder: as root, pods run as users that may
    /// not be able to reach any other place. Empty for an image that has none and is made of what follows at the end.
    pub root: PathBuf,
    /// What names its content: shown as `imageID`.
    pub id: String,
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`.
    pub command: Vec<String>,
    /// `Env`.
    pub env: Vec<(String, String)>,
    /// `WorkingDir`.
    pub working_dir: String,
    /// `User`: a number or a name, and perhaps a group.
    pub user: String,
    /// `StopSignal`: a number or a name; empty for the usual one.
    pub stop_signal: String,
    /// What the machine has and the image shows, read-only: where it is, and where it appears.
    pub mounts: Vec<(PathBuf, String)>,
    /// Links: where, and to what. Only without a root.
    pub links: Vec<(String, String)>,
    /// Files: where, and what is in them.
    pub files: Vec<(String, String)>,
    /// Folders in memory that may be written: where, and how many bytes.
    pub scratch: Vec<(String, u64)>,
}

impl Image {
    /// The signal that asks a program of this image to end.
    pub(crate) fn stop_signal(&self) -> i32 {
        let names = ["HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "WINCH"];
        let numbers = [1, 2, 3, 9, 10, 12, 15, 28];
        let name = self.stop_signal.trim_start_matches("SIG");
        let named = names.iter().position(|it| *it == name).map(|at| numbers[at]);
        named.or_else(|| name.parse().ok().filter(|it| (1..=31).contains(it))).unwrap_or(15)
    }

    /// The user and group that the image wants, as numbers. `None` when it names somebody that it does not know.
    pub(crate) fn user(&self) -> Option<(u32, u32)> {
        let (user, group) = self.user.split_once(':').map_or((self.user.as_str(), None), |it| (it.0, Some(it.1)));
        let of_image = |name: &str| {
            if self.root.as_os_str().is_empty() { Vec::new() } else { lines(&self.root.join(name)) }
        };
        let passwd = || of_image("etc/passwd");
        let (uid, own_group) = match user.parse::<u32>() {
            _ if user.is_empty() => (0, 0),
            Ok(number) => {
                let known = passwd().into_iter().find(|it| it.get(2).is_some_and(|it| *it == number.to_string()));
                (number, known.and_then(|it| it.get(3)?.parse().ok()).unwrap_or(0))
            }
            Err(_) => {
                let known = passwd().into_iter().find(|it| it.first().is_some_and(|it| it == user))?;
                (known.get(2)?.parse().ok()?, known.get(3)?.parse().ok()?)
            }
        };
        let gid = match group {
            None => own_group,
            Some(group) => match group.parse::<u32>() {
                Ok(number) => number,
                Err(_) => {
                    let groups = of_image("etc/group");
                    let known = groups.into_iter().find(|it| it.first().is_some_and(|it| it == group))?;
                    known.get(2)?.parse().ok()?
                }
            },
        };
        Some((uid, gid))
    }
}

/// The fields of each line. The file is an image's own: links in it are not followed.
fn lines(path: &Path) -> Vec<Vec<String>> {
    let is_plain = std::fs::symlink_metadata(path).is_ok_and(|it| it.is_file() && it.len() < 1 << 20);
    let text = if is_plain { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    text.lines().map(|it| it.split(':').map(str::to_owned).collect()).collect()
}

/// Why there is no image.
#[derive(Debug, Error)]
pub enum EnsureImage {
    /// Its name is not one.
    #[error("couldn't parse image name {reference:?}: {why}")]
    InvalidName {
        /// What was asked for.
        reference: String,
        /// What is wrong with it.
        why: String,
    },
    /// It is not here, and may not be fetched.
    #[error("container image {reference:?} is not present with pull policy of Never")]
    Never {
        /// What was asked for.
        reference: String,
    },
    /// It cannot be had.
    #[error("failed to pull image {reference:?}: {why}")]
    Pull {
        /// What was asked for.
        reference: String,
        /// What went wrong, and what to do.
        why: String,
        /// The disk is full: that can end at any time.
        is_full: bool,
    },
}

impl EnsureImage {
    /// The reason that a waiting container shows.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::InvalidName { .. } => "InvalidImageName",
            Self::Never { .. } => "ErrImageNeverPull",
            Self::Pull { .. } => "ErrImagePull",
        }
    }

    /// Whether trying again soon can help.
    pub(crate) fn may_end_soon(&self) -> bool {
        matches!(self, Self::Pull { is_full: true, .. })
    }
}

/// Gets images and unpacks them.
#[async_trait]
pub trait Images: Send + Sync + 'static {
    /// The image, unpacked. Asking again for what is there is cheap.
    async fn ensure(&self, reference: &str) -> Result<Image, EnsureImage>;
}

/// Images that somebody unpacked into a folder: `<folder>/<name>/rootfs`, with an optional `config.json` beside it.
pub struct FolderImages {
    folder: PathBuf,
}

/// `config.json` of an unpacked image.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FolderConfig {
    entrypoint: Vec<String>,
    command: Vec<String>,
    env: Vec<(String, String)>,
    working_dir: String,
    user: String,
    stop_signal: String,
}

impl FolderImages {
    /// The images of this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

#[async_trait]
impl Images for FolderImages {
    async fn ensure(&self, reference: &str) -> Result<Image, EnsureImage> {
        let good = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
        if reference.is_empty() || reference.starts_with('.') || !reference.chars().all(good) {
            let why = "an image of a folder is named by one word of letters, digits, dots and dashes".into();
            return Err(EnsureImage::InvalidName { reference: reference.into(), why });
        }
        let folder = self.folder.join(reference);
        let root = folder.join("rootfs");
        if !root.is_dir() {
            let why = format!("{} is not there", root.display());
            return Err(EnsureImage::Pull { reference: reference.into(), why, is_full: false });
        }
        let config: FolderConfig = match std::fs::read(folder.join("config.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|it| EnsureImage::Pull {
                reference: reference.into(),
                why: format!("config.json cannot be understood: {it}"),
                is_full: false,
            })?,
            Err(_) => FolderConfig::default(),
        };
        Ok(Image {
            root,
            id: format!("folder:{reference}"),
            entrypoint: config.entrypoint,
            command: config.command,
            env: config.env,
            working_dir: config.working_dir,
            user: config.user,
            stop_signal: config.stop_signal,
            ..Image::default()
        })
    }
}

#[cfg(test)]
mod tests;
