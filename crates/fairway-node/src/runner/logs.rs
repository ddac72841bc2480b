//! Reading what containers wrote, while they write it and while files are put aside.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;
use thiserror::Error;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::folder;

const CHUNK: usize = 64 * 1024;
/// How soon a follower sees what was written: soon after there was something, and at the latest.
const PULSE: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(25)];
/// An entry is never longer: one part of a line, its time and its tags.
const ENTRY_LIMIT: usize = 32 * 1024;

/// What to read of a log. The default is all there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on until the container ends.
    pub follow: bool,
    /// Read the run before the current one.
    pub previous: bool,
    /// Only so many lines from the end.
    pub tail_lines: Option<u64>,
    /// Only what was written at or after this time.
    pub since: Option<Timestamp>,
    /// Put the time before each line.
    pub timestamps: bool,
    /// End after so many bytes.
    pub limit_bytes: Option<u64>,
}

/// Why there is no log to read.
#[derive(Debug, Error)]
pub enum ReadLog {
    /// The pod is not known here.
    #[error("pod {namespace}/{pod} does not run on this node")]
    PodNotFound {
        /// Its namespace.
        namespace: String,
        /// Its name.
        pod: String,
    },
    /// It has no such container.
    #[error("container {container} is not valid for pod {pod}; it has {known}")]
    ContainerNotFound {
        /// What was asked for.
        container: String,
        /// In which pod.
        pod: String,
        /// What there is.
        known: String,
    },
    /// It has several and none was named.
    #[error("a container name must be specified for pod {pod}, choose one of: [{known}]")]
    WhichContainer {
        /// In which pod.
        pod: String,
        /// What there is.
        known: String,
    },
    /// It has not run yet.
    #[error("container \"{container}\" in pod \"{pod}\" is waiting to start: {reason}")]
    NotStarted {
        /// Which.
        container: String,
        /// In which pod.
        pod: String,
        /// What it waits for.
        reason: String,
    },
    /// There was no run before the current one.
    #[error("previous terminated container \"{container}\" in pod \"{pod}\" not found")]
    NoPrevious {
        /// Which.
        container: String,
        /// In which pod.
        pod: String,
    },
}

/// Parts of a log, as they come.
pub type LogStream = BoxStream<'static, io::Result<Bytes>>;

/// The log of one run of a container, as the program wrote it. `over` says whether the run has ended.
pub fn read_log(
    state: &Path,
    pod: &str,
    container: &str,
    attempt: u32,
    options: LogOptions,
    over: impl Fn() -> bool + Send + Sync + 'static,
) -> LogStream {
    let path = state.join(folder::log(pod, container, attempt));
    let reader = Reader {
        parts: Vec::new(),
        path,
        file: None,
        pending: Vec::new(),
        skip_lines: None,
        inside_line: false,
        left: options.limit_bytes.unwrap_or(u64::MAX),
        options,
        over: Box::new(over),
        pause: PULSE[0],
        is_done: false,
    };
    let stream = futures::stream::unfold(reader, |mut reader| async move {
        match reader.next().await {
            Ok(bytes) if bytes.is_empty() => None,
            Ok(bytes) => Some((Ok(Bytes::from(bytes)), reader)),
            Err(error) => {
                reader.is_done = true;
                Some((Err(error), reader))
            }
        }
    });
    Box::pin(stream)
}

/// The end of what one run of a container printed: about so many bytes, in whole entries.
pub(crate) fn last_words(state: &Path, pod: &str, container: &str, attempt: u32, most: u64) -> io::Result<Vec<u8>> {
    let path = state.join(folder::log(pod, container, attempt));
    let mut before = path.as_os_str().to_owned();
    before.push(".1");
    // One that was just put aside is the end as long as the next is empty.
    for path in [path, before.into()] {
        let mut file = match std::fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let from = file.metadata()?.len().saturating_sub(most);
        file.seek(SeekFrom::Start(from))?;
        let mut pending = Vec::new();
        file.take(most).read_to_end(&mut pending)?;
        if from > 0 {
            let cut = pending.iter().position(|it| *it == b'\n').map_or(pending.len(), |it| it + 1);
            pending.drain(..cut);
        }
        let mut text = Vec::new();
        each_entry(&mut pending, |entry| {
            text.extend(entry.text);
            text.extend(entry.is_whole.then_some(b'\n'));
        });
        if !text.is_empty() {
            return Ok(text);
        }
    }
    Ok(Vec::new())
}

struct Reader {
    path: PathBuf,
    /// Parts not read yet, newest first.
    parts: Vec<PathBuf>,
    file: Option<File>,
    pending: Vec<u8>,
    skip_lines: Option<u64>,
    inside_line: bool,
    left: u64,
    options: LogOptions,
    over: Box<dyn Fn() -> bool + Send + Sync>,
    /// How long to wait for more.
    pause: Duration,
    is_done: bool,
}

impl Reader {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> io::Result<Vec<u8>> {
        if self.skip_lines.is_none() {
            self.skip_lines = Some(self.lines_to_skip().await?);
            self.parts = parts(&self.path).await;
        }
        while !self.is_done && self.left > 0 {
            let over = (self.over)();
            let chunk = self.chunk().await?;
            let is_end = chunk.is_empty();
            let mut out = self.render(&chunk);
            if !out.is_empty() {
                out.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= out.len() as u64;
                self.pause = PULSE[0];
                return Ok(out);
            }
            if is_end && (over || !self.options.follow) {
                self.is_done = true;
            } else if is_end {
                tokio::time::sleep(self.pause).await;
                self.pause = self.pause.saturating_mul(2).min(PULSE[1]);
            }
        }
        Ok(Vec::new())
    }

    /// Some bytes of the files, oldest first; none where they end for now.
    async fn chunk(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if self.file.is_none() {
                let Some(path) = self.parts.pop() else {
                    // Nothing was written yet, or everything is read and nothing new has begun.
                    self.file = File::open(&self.path).await.ok();
                    if self.file.is_none() {
                        return Ok(Vec::new());
                    }
                    continue;
                };
                self.file = File::open(path).await.ok();
                continue;
            }
            let Some(file) = &mut self.file else { continue };
            let mut chunk = vec![0; CHUNK];
            let count = file.read(&mut chunk).await?;
            chunk.truncate(count);
            if count > 0 {
                return Ok(chunk);
            }
            if self.parts.is_empty() && is_current(file, &self.path).await {
                return Ok(chunk);
            }
            self.file = None;
        }
    }

    /// With `tail`, how many lines come before those that were asked for.
    async fn lines_to_skip(&self) -> io::Result<u64> {
        let Some(wanted) = self.options.tail_lines else { return Ok(0) };
        let (mut count, mut is_open) = (0, false);
        for path in parts(&self.path).await.iter().rev() {
            let Ok(mut file) = File::open(path).await else { continue };
            let (mut pending, mut chunk) = (Vec::new(), vec![0; CHUNK]);
            loop {
                let read = file.read(&mut chunk).await?;
                if read == 0 {
                    break;
                }
                pending.extend(&chunk[..read]);
                each_entry(&mut pending, |entry| {
                    if self.is_wanted(&entry) {
                        is_open = !entry.is_whole;
                        count += u64::from(entry.is_whole);
                    }
                });
            }
        }
        Ok((count + u64::from(is_open)).saturating_sub(wanted))
    }

    fn is_wanted(&self, entry: &Entry<'_>) -> bool {
        self.options.since.is_none_or(|since| entry.time.parse::<Timestamp>().is_ok_and(|it| it >= since))
    }

    fn render(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.extend(chunk);
        let mut out = Vec::with_capacity(chunk.len());
        each_entry(&mut pending, |entry| {
            if !self.is_wanted(&entry) {
                return;
            }
            if let Some(skip) = self.skip_lines.as_mut().filter(|it| **it > 0) {
                *skip -= u64::from(entry.is_whole);
                return;
            }
            if self.options.timestamps && !self.inside_line {
                out.extend(entry.time.as_bytes());
                out.push(b' ');
            }
            out.extend(entry.text);
            if entry.is_whole {
                out.push(b'\n');
            }
            self.inside_line = !entry.is_whole;
        });
        self.pending = pending;
        out
    }
}

/// One line of a log file.
struct Entry<'a> {
    time: &'a str,
    is_whole: bool,
    text: &'a [u8],
}

/// Takes whole entries out of what was read. What no entry can be is passed over.
fn each_entry(pending: &mut Vec<u8>, mut visit: impl FnMut(Entry<'_>)) {
    let mut start = 0;
    while let Some(end) = pending[start..].iter().position(|it| *it == b'\n') {
        if let Some(entry) = parse(&pending[start..start + end]) {
            visit(entry);
        }
        start += end + 1;
    }
    pending.drain(..start);
    if pending.len() > ENTRY_LIMIT {
        pending.clear();
    }
}

fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let mut words = line.splitn(4, |it| *it == b' ');
    let time = std::str::from_utf8(words.next()?).ok()?;
    let (_stream, tag, text) = (words.next()?, words.next()?, words.next()?);
    Some(Entry { time, is_whole: tag == b"F", text })
}

/// The files of a log, newest first.
async fn parts(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if tokio::fs::try_exists(path).await.unwrap_or(false) {
        found.push(path.to_owned());
    }
    for number in 1.. {
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".{number}"));
        if !tokio::fs::try_exists(&part).await.unwrap_or(false) {
            break;
        }
        found.push(part.into());
    }
    found
}

/// Whether an open file is still the one that is written.
async fn is_current(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(current)) = (file.metadata().await, tokio::fs::metadata(path).await) else { return true };
    (ours.dev(), ours.ino()) == (current.dev(), current.ino())
}

#[cfg(test)]
mod tests;
