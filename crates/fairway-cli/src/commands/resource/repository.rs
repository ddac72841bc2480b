//! Where the score file of a service is: in the repository that the platform hosts, else in the current folder.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use fairway_api::names::ComponentName;
use fairway_api::v1alpha1::Component;
use fairway_plan::score;
use tempfile::TempDir;

use crate::build::scratch;
use crate::failure::Failure;
use crate::git_access;
use crate::place;
use crate::session::Session;
use crate::source;

/// The name of the file.
const SCORE: &str = "score.yaml";

/// A score file that can be changed.
pub(super) enum Source {
    /// In a clone of the hosted repository, which goes away.
    Hosted(Clone),
    /// In a folder of the user's.
    Local(PathBuf),
}

/// A clone in a folder of its own, which goes with it.
pub(super) struct Clone {
    folder: TempDir,
    url: String,
    branch: String,
}

impl Source {
    pub(super) fn open(session: &Session, component: &ComponentName, object: &Component) -> Result<Self, Failure> {
        let hosted = object.status.as_ref().and_then(|it| it.repository.clone());
        if let Some(repository) = hosted.filter(|_| object.spec.template.is_some()) {
            return Clone::of(session, repository.url, repository.default_branch).map(Self::Hosted);
        }
        let missing = || {
            Failure::usage(format!(
                "{component} has no repository that the platform hosts, and its score.yaml is not here"
            ))
            .hint("go to its folder and try again")
        };
        let file = place::find_score(&session.folder).ok_or_else(missing)?;
        if source::name_in(&file)? != component.as_str() {
            return Err(missing());
        }
        Ok(Self::Local(file))
    }

    pub(super) fn read(&self) -> Result<String, Failure> {
        let file = match self {
            Self::Hosted(it) => it.folder.path().join(SCORE),
            Self::Local(file) => file.clone(),
        };
        let size = fs::metadata(&file).map_err(Failure::io(format!("read {}", file.display())))?.len();
        if size > score::MAX_BYTES as u64 {
            return Err(Failure::usage(format!("{} is too large for a score file", file.display())));
        }
        fs::read_to_string(&file).map_err(Failure::io(format!("read {}", file.display())))
    }

    /// For a plan.
    pub(super) fn described(&self) -> String {
        match self {
            Self::Hosted(it) => format!("on branch {} of {}", it.branch, it.url),
            Self::Local(file) => format!("at {}", file.display()),
        }
    }

    /// Writes the file: as a commit that is pushed, or in its place. What was done, in words.
    pub(super) fn write(&self, session: &Session, text: &str, message: &str) -> Result<String, Failure> {
        match self {
            Self::Hosted(it) => it.commit(session, text, message),
            Self::Local(file) => {
                // Whole or not at all.
                let beside = file.with_file_name(format!(".score.yaml.{}", session.world.entropy.hex(4)));
                let failed = || Failure::io(format!("write {}", file.display()));
                fs::write(&beside, text).map_err(failed())?;
                fs::rename(&beside, file).map_err(failed())?;
                Ok(format!("changed {}, which you commit", file.display()))
            }
        }
    }

    pub(super) fn next_step(&self, component: &ComponentName, environment: &str) -> String {
        match self {
            Self::Hosted(_) => format!("platform status {component} --env={environment} --wait"),
            Self::Local(_) => format!("platform deploy {component} --env={environment}"),
        }
    }
}

impl Clone {
    fn of(session: &Session, url: String, branch: String) -> Result<Self, Failure> {
        let clone = Self { folder: scratch()?, url, branch };
        let words = ["clone", "--quiet", "--depth=1", "--branch", &clone.branch, "--", &clone.url, "."];
        succeeded(&clone.git(session, &words)?, "clone the repository")?;
        Ok(clone)
    }

    fn commit(&self, session: &Session, text: &str, message: &str) -> Result<String, Failure> {
        let git = |words: &[&str]| self.git(session, words);
        fs::write(self.folder.path().join(SCORE), text).map_err(Failure::io("write score.yaml"))?;
        succeeded(&git(&["add", SCORE])?, "add score.yaml")?;
        let named = git(&["config", "user.email"])?.status.success();
        // Who has told git no name commits under that of this command.
        let who: &[&str] =
            if named { &[] } else { &["-c", "user.name=platform", "-c", "user.email=platform@localhost"] };
        succeeded(&git(&[who, &["commit", "--quiet", "--no-verify", "-m", message]].concat())?, "commit score.yaml")?;
        let to = format!("HEAD:refs/heads/{}", self.branch);
        succeeded(&git(&["push", "--quiet", "origin", &to])?, "push the commit")?;
        let head = git(&["rev-parse", "--short=10", "HEAD"])?;
        let head = String::from_utf8_lossy(&head.stdout).trim().to_owned();
        Ok(format!("commit {head} on {}", self.branch))
    }

    fn git(&self, session: &Session, words: &[&str]) -> Result<Output, Failure> {
        let mut git = git_access::git(session)?;
        git.env("GIT_TERMINAL_PROMPT", "0");
        git.args(words).current_dir(self.folder.path()).output().map_err(Failure::io("run git"))
    }
}

fn succeeded(output: &Output, doing: &str) -> Result<(), Failure> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::failed(format!("git could not {doing}")).details(said.lines().map(str::to_owned).take(10)))
}
