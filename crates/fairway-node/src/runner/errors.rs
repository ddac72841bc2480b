//! Why the runner could not do what it was asked.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::cgroups::WriteCgroup;
use super::pod::AskPod;

/// Why a node's folder cannot be used.
#[derive(Debug, Error)]
pub enum OpenRunner {
    /// A file or folder of it.
    #[error("prepare {path}", path = path.display())]
    Prepare {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Files in it belong to users that this node cannot be.
    #[error("{path} was made by {made_by} and this is {now}, who cannot have its files; run as the one who made it, or use another folder", path = path.display())]
    OtherUser {
        /// The folder.
        path: PathBuf,
        /// Who made it.
        made_by: String,
        /// Who asks.
        now: String,
    },
}

/// Why a pod or a container could not be started.
#[derive(Debug, Error)]
pub enum RunPod {
    /// A file or folder of it.
    #[error("prepare {path}", path = path.display())]
    Prepare {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Its name cannot be a folder's.
    #[error("{name:?} cannot be the name of a folder")]
    Name {
        /// The name.
        name: String,
    },
    /// As root, every pod has users of its own, and there are so many.
    #[error("no range of users is left for one more pod; delete pods that have ended")]
    NoRange,
    /// Its limits.
    #[error("limit what the pod may use")]
    Limit(#[from] WriteCgroup),
    /// Its first process.
    #[error("start pod init with {program}", program = program.display())]
    Launch {
        /// The program.
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Its first process said no.
    #[error("pod init could not start: {message}")]
    Init {
        /// What it said.
        message: String,
    },
    /// Its network.
    #[error("tie the pod into the network")]
    Network(#[source] io::Error),
    /// It does not answer.
    #[error("ask pod init")]
    Ask(#[from] AskPod),
}
