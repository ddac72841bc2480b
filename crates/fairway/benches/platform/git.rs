//! Git without git's client: what it sends for a push is made ready before the clock runs.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use kube::Client;

use super::home::Home;

/// A clone of a hosted repository.
pub(crate) struct Clone {
    folder: PathBuf,
    component: String,
}

/// A push that was made ready.
pub(crate) struct Push {
    pub(crate) commit: String,
    body: Vec<u8>,
}

impl Clone {
    pub(crate) fn of(home: &Home, component: &str) -> Result<Self> {
        let clone = Self { folder: home.path(component), component: component.to_owned() };
        let hosted = home.path(&format!("home/git/sandbox/{component}.git"));
        let status = Command::new("git").args(["clone", "--quiet"]).arg(hosted).arg(&clone.folder).status();
        ensure!(status.context("start git")?.success(), "git clone failed");
        Ok(clone)
    }

    fn git(&self, arguments: &[&str], input: &str) -> Result<Vec<u8>> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        for part in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{part}_NAME"), "Ada").env(format!("GIT_{part}_EMAIL"), "ada@example.org");
        }
        let mut child = command.spawn().context("start git")?;
        child.stdin.take().context("git has no input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "git {arguments:?} failed");
        Ok(output.stdout)
    }

    /// Commits these files, and makes ready what brings the commit to main.
    pub(crate) fn commit(&self, files: &[(&str, String)]) -> Result<Push> {
        let tip =
            || Ok::<_, anyhow::Error>(String::from_utf8(self.git(&["rev-parse", "HEAD"], "")?)?.trim().to_owned());
        let before = tip()?;
        for (path, content) in files {
            let path = self.folder.join(path);
            std::fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
            std::fs::write(path, content)?;
        }
        self.git(&["add", "--all"], "")?;
        self.git(&["commit", "--quiet", "-m", "A change"], "")?;
        let commit = tip()?;
        let pack = self.git(&["pack-objects", "--revs", "--stdout", "--quiet"], &format!("{commit}\n^{before}\n"))?;
        let line = format!("{before} {commit} refs/heads/main\0 report-status\n");
        let mut body = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
        body.extend(pack);
        Ok(Push { commit, body })
    }

    /// Sends it; when this returns it was taken.
    pub(crate) async fn send(&self, client: &Client, push: &Push) -> Result<()> {
        let request = http::Request::post(format!("/git/sandbox/{}.git/git-receive-pack", self.component))
            .header(http::header::CONTENT_TYPE, "application/x-git-receive-pack-request")
            .body(push.body.clone())?;
        let said = client.request_text(request).await?;
        ensure!(said.contains("unpack ok") && said.contains("ok refs/heads/main"), "the push was refused: {said}");
        Ok(())
    }
}

/// Asks the platform for a repository's branches.
pub(crate) async fn serves(client: &Client, component: &str) -> Result<()> {
    let path = format!("/git/sandbox/{component}.git/info/refs?service=git-upload-pack");
    let said = client.request_text(http::Request::get(path).body(vec![])?).await?;
    ensure!(said.contains("refs/heads/main"), "{component} has no main branch: {said}");
    Ok(())
}
