//! The seam: what the product needs of a Git host, whichever it is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::RepositoryId;
use crate::rules::Violation;
use crate::run::RunGit;

/// A host of repositories.
#[async_trait]
pub trait Forge: Send + Sync + 'static {
    /// Makes a repository with its first commit: wholly or not at all. Done again for the same [`Initial::identity`] it
    /// changes nothing and gives the same commit.
    async fn create(&self, id: &RepositoryId, initial: &Initial) -> Result<Commit, ForgeError>;

    /// Removes a repository; one that is not there is removed already.
    async fn delete(&self, id: &RepositoryId) -> Result<(), ForgeError>;

    /// All branches and tags by their full names (`refs/heads/main`), and who put each where it is.
    async fn refs(&self, id: &RepositoryId) -> Result<BTreeMap<String, Ref>, ForgeError>;

    /// A file as a commit has it; none where there is no file at that path. More than `limit` bytes are an error.
    async fn read(
        &self,
        id: &RepositoryId,
        commit: &Commit,
        path: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, ForgeError>;

    /// Files and links of a commit below a folder (empty: all), sorted, by their paths from the root. None where there
    /// is no such folder.
    async fn tree(&self, id: &RepositoryId, commit: &Commit, under: &str) -> Result<Vec<Entry>, ForgeError>;

    /// What files hold that a [`tree`](Self::tree) named, in the same order; of a link where it leads.
    async fn contents(&self, id: &RepositoryId, entries: &[Entry]) -> Result<Vec<Vec<u8>>, ForgeError>;

    /// Who committed what.
    async fn facts(&self, id: &RepositoryId, commit: &Commit) -> Result<Facts, ForgeError>;

    /// Writes a commit's files into a folder, which is made where it is missing and must be empty. No link in it leads
    /// out of it. After an error it is empty again.
    async fn checkout(&self, id: &RepositoryId, commit: &Commit, into: &Path) -> Result<(), ForgeError>;

    /// Where people clone it from.
    fn url(&self, id: &RepositoryId) -> String;
}

/// The id of a commit (of a tag that has a message of its own: the tag's): 40 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(String);

/// Why a text is no commit's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no commit: it has 40 hexadecimal digits")]
pub struct InvalidCommit(String);

impl Commit {
    /// Checks an id. All zeros stand for no commit, so they are none.
    pub fn parse(text: &str) -> Result<Self, InvalidCommit> {
        let digits = text.len() == 40 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        if !digits || text.bytes().all(|it| it == b'0') {
            return Err(InvalidCommit(text.chars().take(60).collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As much of it as people read.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commit({})", self.0)
    }
}

/// An author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    name: String,
    email: String,
}

/// Why somebody can be no author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot stand in a commit: give a name, and an address without \"<\", \">\" and line ends")]
pub struct InvalidPerson(String);

impl Person {
    /// Checks name and address.
    pub fn new(name: &str, email: &str) -> Result<Self, InvalidPerson> {
        for part in [name, email] {
            if part.trim().is_empty()
                || part.len() > 200
                || part.contains(|it: char| it.is_control() || "<>".contains(it))
            {
                return Err(InvalidPerson(part.chars().take(60).collect()));
            }
        }
        Ok(Self { name: name.trim().to_owned(), email: email.trim().to_owned() })
    }

    /// What they are called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where mail reaches them.
    pub fn email(&self) -> &str {
        &self.email
    }
}

/// How a repository begins.
#[derive(Debug, Clone)]
pub struct Initial {
    /// Whose repository it is, for good: the UID of its Component. One of the same name that has another is refused.
    pub identity: String,
    /// What the first commit holds.
    pub files: Vec<File>,
    /// What it says.
    pub message: String,
    /// Who wrote it.
    pub author: Person,
    /// When: the same input gives the same commit.
    pub at: Timestamp,
    /// Who caused it, as the API calls them.
    pub pushed_by: String,
    /// The id of the event that led to it.
    pub cause: Option<String>,
}

/// A file to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the root, with `/`.
    pub path: String,
    /// What it is.
    pub mode: Mode,
    /// What it holds; of a link where it leads.
    pub bytes: Vec<u8>,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// A file.
    File,
    /// A file that can be run.
    Executable,
    /// A symbolic link.
    Link,
}

impl Mode {
    /// As Git writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
        }
    }

    /// From what Git writes. Old repositories have files that their group may write.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "100644" | "100664" => Some(Self::File),
            "100755" => Some(Self::Executable),
            "120000" => Some(Self::Link),
            _ => None,
        }
    }
}

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the root, with `/`.
    pub path: String,
    /// What it is.
    pub mode: Mode,
    /// The id of its content: equal content has equal ids.
    pub object: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Where a branch or tag is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// The commit; of a tag that has a message the commit it is about.
    pub commit: Commit,
    /// Who put it there, as the API calls them; none where that is not known.
    pub pushed_by: Option<String>,
    /// The groups that they were in then: rights are given to groups too.
    pub groups: Vec<String>,
    /// The id of the push's event in the ledger.
    pub cause: Option<String>,
}

/// What a commit says of itself. Nobody checked the names in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub commit: Commit,
    /// The id of its files, all together.
    pub tree: String,
    /// What it follows.
    pub parents: Vec<Commit>,
    /// Who wrote it.
    pub author_name: String,
    /// Their address.
    pub author_email: String,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// The first line of its message.
    pub subject: String,
}

/// A push that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Where.
    pub repository: RepositoryId,
    /// By whom, as the API calls them.
    pub pushed_by: String,
    /// The id of its event.
    pub cause: String,
    /// What it changed.
    pub updates: Vec<Update>,
}

/// A branch or tag that was moved, made (from none) or removed (to none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// Its full name.
    pub reference: String,
    /// Where it was.
    pub from: Option<Commit>,
    /// Where it is.
    pub to: Option<Commit>,
}

/// Why a host did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// There is no such repository.
    #[error("there is no repository {0}")]
    NoRepository(RepositoryId),
    /// There is no such commit in it.
    #[error("repository {repository} has no commit {commit}")]
    NoCommit {
        /// Where.
        repository: RepositoryId,
        /// Which.
        commit: Commit,
    },
    /// The name is another's.
    #[error("repository {0} exists and is another's; remove it, or choose another name")]
    Taken(RepositoryId),
    /// It breaks a rule.
    #[error("{0}")]
    Refused(Violation),
    /// It is larger than it may be.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: String,
        /// What is allowed.
        limit: u64,
    },
    /// The folder to write to holds something.
    #[error("{0} is not empty")]
    NotEmpty(String),
    /// Git failed.
    #[error("{doing}")]
    Git {
        /// What was being done.
        doing: String,
        /// Why not.
        source: RunGit,
    },
    /// The disk failed.
    #[error("{doing}")]
    Disk {
        /// What was being done.
        doing: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Git said something that is not understood.
    #[error("git answered {doing} with something unexpected: {answer:?}")]
    Unexpected {
        /// What was being done.
        doing: String,
        /// The beginning of what it said.
        answer: String,
    },
}

#[cfg(test)]
mod tests;
