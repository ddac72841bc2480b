//! `/hub/v1/projects/<project>/runs/<run>/steps/<step>/log`: what a step of a pipeline printed, and prints.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use fairway_apiserver::{ApiError, Body};
use fairway_controllers::RunLogs;
use futures::stream;
use http::request::Parts;
use http::{Response, header};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::Asker;

/// How much is sent at a time.
const CHUNK: usize = 64 << 10;
/// How often a log that grows is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A follower hears nothing more of a log that does not grow for so long: its step is given up by then.
const MOST_LOOKS: u32 = 10 * 3600 * 6;

/// What is asked for.
struct Asked<'a> {
    project: &'a str,
    run: &'a str,
    step: &'a str,
}

fn asked(path: &str) -> Option<Asked<'_>> {
    let rest = path.strip_prefix("/hub/v1/projects/")?;
    let parts: Vec<&str> = rest.split('/').collect();
    let [project, "runs", run, "steps", step, "log"] = parts.as_slice() else { return None };
    Some(Asked { project, run, step })
}

/// Whether a path is one of these.
pub(super) fn serves(path: &str) -> bool {
    asked(path).is_some()
}

/// Sends a log; with `follow=true` until its step has ended.
pub(super) fn answer(logs: &RunLogs, parts: &Parts, asker: &Asker<'_>) -> Result<Response<Body>, ApiError> {
    let path = parts.uri.path();
    let Some(asked) = asked(path) else { return Err(not_found(path)) };
    if !asker.may("get", "pipelineruns/log", asked.project) {
        let why =
            format!("User {:?} cannot get logs of pipeline runs in project {:?}", asker.identity.user, asked.project);
        return Err(ApiError::forbidden("fairway.dev", "pipelineruns/log", asked.run, &why));
    }
    let follow = parts.uri.query().is_some_and(|it| it.split('&').any(|it| it == "follow=true"));
    let whole = logs.path(asked.project, asked.run, asked.step).ok_or_else(|| not_found(path))?;
    let part = logs.part(asked.project, asked.run, asked.step).ok_or_else(|| not_found(path))?;
    let log = Log { whole, part, file: None, looks: 0, follow };
    if !follow && !log.is_there() {
        return Err(not_found(path));
    }
    let pieces = stream::try_unfold(log, |mut log| async move { Ok(log.next().await?.map(|it| (it, log))) });
    let mut response = Response::new(Body::stream(pieces));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

fn not_found(path: &str) -> ApiError {
    ApiError::new(404, "NotFound", format!("{path} is not there: the step has printed nothing yet, or was not run"))
}

/// A log that is being read.
struct Log {
    whole: PathBuf,
    part: PathBuf,
    file: Option<File>,
    looks: u32,
    follow: bool,
}

impl Log {
    fn is_there(&self) -> bool {
        self.whole.is_file() || self.part.is_file()
    }

    /// The next piece; none at the end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            // Looked at first: whatever was written before the log got its name is read after it.
            let ended = tokio::fs::try_exists(&self.whole).await?;
            if self.file.is_none() {
                self.file = self.open().await?;
            }
            if let Some(file) = &mut self.file {
                let mut chunk = vec![0; CHUNK];
                let length = file.read(&mut chunk).await?;
                if length > 0 {
                    chunk.truncate(length);
                    self.looks = 0;
                    return Ok(Some(chunk.into()));
                }
            }
            self.looks += 1;
            if ended || !self.follow || self.looks > MOST_LOOKS {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn open(&self) -> io::Result<Option<File>> {
        // A log may get its name between two tries.
        for path in [&self.part, &self.whole, &self.part] {
            match File::open(path).await {
                Ok(file) => return Ok(Some(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
