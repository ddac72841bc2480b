//! The logs of steps: `<folder>/<project>/<run>/<step>.log`. While a step prints, the file ends in `.part`.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

/// Where the logs of steps are kept.
#[derive(Debug, Clone)]
pub struct RunLogs {
    folder: PathBuf,
}

impl RunLogs {
    /// Logs in a folder, which is made when the first is written.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The finished log of a step. None where one of the names could lead elsewhere.
    pub fn path(&self, project: &str, run: &str, step: &str) -> Option<PathBuf> {
        let plain = |it: &str| {
            let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            !it.is_empty() && it.len() <= 100 && it.bytes().all(allowed)
        };
        [project, run, step]
            .into_iter()
            .all(plain)
            .then(|| self.folder.join(project).join(run).join(format!("{step}.log")))
    }

    /// The log of a step that still prints.
    pub fn part(&self, project: &str, run: &str, step: &str) -> Option<PathBuf> {
        Some(self.path(project, run, step)?.with_extension("part"))
    }

    /// Whether a step's log is whole.
    pub fn is_whole(&self, project: &str, run: &str, step: &str) -> bool {
        self.path(project, run, step).is_some_and(|it| it.is_file())
    }

    /// Begins the log of a step anew: whatever was copied before a crash is copied again.
    pub async fn begin(&self, project: &str, run: &str, step: &str, limit: u64) -> io::Result<LogWriter> {
        let path = self.path(project, run, step).ok_or_else(odd_name)?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).await?;
        let part = path.with_extension("part");
        let file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&part).await?;
        Ok(LogWriter { file, part, path, left: limit, limit, dropped: false })
    }

    /// The last bytes of a step's log as text; empty where there is none.
    pub fn tail(&self, project: &str, run: &str, step: &str, most: u64) -> io::Result<String> {
        let path = self.path(project, run, step).ok_or_else(odd_name)?;
        let mut file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            other => other?,
        };
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Removes all logs of a run.
    pub fn remove(&self, project: &str, run: &str) -> io::Result<()> {
        // What has no name has no logs.
        let path = self.path(project, run, "any");
        match path.as_deref().and_then(Path::parent).map(fs::remove_dir_all) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn odd_name() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the name of a project, run or step is none")
}

/// A log that is being written.
#[derive(Debug)]
pub struct LogWriter {
    file: File,
    part: PathBuf,
    path: PathBuf,
    left: u64,
    limit: u64,
    dropped: bool,
}

impl LogWriter {
    /// Appends; what is over the limit is dropped.
    pub async fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let kept = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        self.dropped |= kept < bytes.len();
        self.left -= kept as u64;
        self.file.write_all(&bytes[..kept]).await?;
        // Whoever follows sees it at once.
        self.file.flush().await
    }

    /// Says what was dropped, and gives the log its name.
    pub async fn finish(mut self) -> io::Result<()> {
        if self.dropped {
            let note = format!("\n[the log is larger than {} bytes; the rest is dropped]\n", self.limit);
            self.file.write_all(note.as_bytes()).await?;
        }
        self.file.sync_all().await?;
        tokio::fs::rename(&self.part, &self.path).await
    }
}

#[cfg(test)]
mod tests;
