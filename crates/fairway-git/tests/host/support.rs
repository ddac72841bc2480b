//! A host in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use fairway_clock::World;
use fairway_git::rules::Limits;
use fairway_git::{File, Host, HostSettings, Initial, Mode, Person, RepositoryId};

pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) host: Host,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = open(&folder.path().join("git"), limits).await;
        Self { folder, host }
    }

    /// The repository as it lies on the disk.
    pub(crate) fn bare(&self, id: &RepositoryId) -> PathBuf {
        self.folder.path().join(format!("git/{id}.git"))
    }

    /// Runs git, as an operator would, on the repository itself.
    pub(crate) fn git(&self, id: &RepositoryId, arguments: &[&str]) -> String {
        git(&self.bare(id), arguments, b"")
    }
}

pub(crate) async fn open(folder: &Path, limits: Limits) -> Host {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_fairway-git-hook"));
    let base = "https://127.0.0.1:7443/git".to_owned();
    let settings = HostSettings { limits, ..HostSettings::usual(folder.to_owned(), program, base, World::system()) };
    Host::open(settings).await.expect("a host")
}

/// Runs git with some input; it must succeed.
pub(crate) fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    use std::io::Write as _;
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for part in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{part}_NAME"), "Ada").env(format!("GIT_{part}_EMAIL"), "ada@example.org");
    }
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("git runs");
    child.stdin.take().expect("a pipe").write_all(input).expect("git reads");
    let output = child.wait_with_output().expect("git ends");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn orders() -> RepositoryId {
    RepositoryId::parse("shop", "orders").expect("names")
}

pub(crate) fn file(path: &str, mode: Mode, bytes: &str) -> File {
    File { path: path.to_owned(), mode, bytes: bytes.into() }
}

/// A repository's beginning.
pub(crate) fn initial(files: Vec<File>) -> Initial {
    Initial {
        identity: "uid-1".to_owned(),
        files,
        message: "Begin\n\nFrom a template.".to_owned(),
        author: Person::new("Fairway", "fairway@example.org").expect("a person"),
        at: "2026-01-02T03:04:05Z".parse().expect("a time"),
        pushed_by: "local:1000".to_owned(),
        cause: Some("0123456789abcdef0123456789abcdef".to_owned()),
    }
}

/// A few files of every sort.
pub(crate) fn some_files() -> Vec<File> {
    vec![
        file("README.md", Mode::File, "# Orders\n"),
        file("bin/run", Mode::Executable, "#!/bin/sh\n"),
        file("docs/with \"quotes\" and größe.md", Mode::File, ""),
        file("latest", Mode::Link, "docs"),
        file("src/main.rs", Mode::File, "fn main() {}\n"),
        file("src/up", Mode::Link, "../README.md"),
    ]
}
