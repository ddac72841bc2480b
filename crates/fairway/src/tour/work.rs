//! A folder that the user of the tour works in: files, Git, and the commands given there.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::scene::{Scene, succeeded};

/// Who commits.
const AUTHOR: [&str; 4] = ["-c", "user.name=Tour", "-c", "user.email=tour@localhost"];

/// The folder of one service.
pub(super) struct Work<'a> {
    scene: &'a Scene,
    folder: PathBuf,
}

impl<'a> Work<'a> {
    pub(super) fn new(scene: &'a Scene, folder: PathBuf) -> Self {
        Self { scene, folder }
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Changes a file; the text must be there.
    pub(super) fn replace(&self, name: &str, from: &str, to: &str) -> Result<()> {
        let text = fs::read_to_string(self.folder.join(name)).with_context(|| format!("read {name}"))?;
        ensure!(text.contains(from), "{name} does not contain {from:?}");
        self.write(name, &text.replace(from, to))
    }

    /// Commits everything.
    pub(super) async fn commit(&self, message: &str) -> Result<()> {
        if !self.folder.join(".git").exists() {
            self.git(&["init", "--quiet", "--initial-branch=main"]).await?;
        }
        self.git(&["add", "--all"]).await?;
        self.git(&[AUTHOR.as_slice(), &["commit", "--quiet", "-m", message]].concat()).await?;
        Ok(())
    }

    /// Commits that the last commit is taken back.
    pub(super) async fn take_back(&self) -> Result<()> {
        self.git(&[AUTHOR.as_slice(), &["revert", "--no-edit", "HEAD"]].concat()).await?;
        Ok(())
    }

    /// Runs `git`, which must succeed, and gives what it printed.
    pub(super) async fn git(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        self.scene.user(&mut command).args(arguments).current_dir(&self.folder);
        let output = command.output().await.context("run git")?;
        ensure!(output.status.success(), "git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs a command of ours here, whatever comes of it.
    pub(super) async fn try_platform(&self, arguments: &[&str]) -> Result<Output> {
        self.scene.try_platform_in(&self.folder, arguments).await
    }

    /// Runs a command of ours here that must succeed, and gives what it printed.
    pub(super) async fn platform(&self, arguments: &[&str]) -> Result<String> {
        succeeded(arguments, self.try_platform(arguments).await?)
    }

    /// The same, printing JSON.
    pub(super) async fn platform_json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.platform(&[arguments, &["-o", "json"]].concat()).await?;
        serde_json::from_str(&text)
            .with_context(|| format!("platform {} printed no JSON: {text:.200}", arguments.join(" ")))
    }
}
