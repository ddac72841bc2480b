//! Container output: from pipes to files in the format of the Kubernetes container runtime interface.
//!
//! `<time> <stdout|stderr> <F|P> <text>`: `P` where the line goes on. Memory is bounded by one part of a line for each
//! stream, disk by size and number of files. A full disk loses output, never stops a container.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use fairway_clock::Clock as _;
use jiff::Timestamp;
use rustix::io::Errno;

use super::Init;
use crate::runner::protocol::LogLimit;

/// A longer line is written in parts.
const LINE_LIMIT: usize = 16 * 1024;
/// What is read at once: as much as a pipe holds.
const CHUNK: usize = 64 * 1024;
const NAMES: [&str; 2] = ["stdout", "stderr"];

/// The log of one run of a container.
pub(super) struct RunLog {
    file: LogFile,
    pub(super) streams: [Option<Stream>; 2],
}

/// One of its two streams.
pub(super) struct Stream {
    pub(super) pipe: OwnedFd,
    line: Vec<u8>,
}

impl RunLog {
    /// The log of a container whose output comes out of these pipes.
    pub(super) fn new(path: &Path, limit: LogLimit, stdout: OwnedFd, stderr: OwnedFd) -> Self {
        let stream = |pipe| Some(Stream { pipe, line: Vec::new() });
        Self { file: LogFile::new(path, limit), streams: [stream(stdout), stream(stderr)] }
    }

    /// Reads what one stream holds, up to a chunk. False at its end.
    fn read(&mut self, index: usize, now: Timestamp, chunk: &mut [u8]) -> bool {
        let Some(stream) = &mut self.streams[index] else { return false };
        match rustix::io::read(&stream.pipe, &mut *chunk) {
            Err(Errno::AGAIN | Errno::INTR) => true,
            Ok(0) | Err(_) => {
                self.flush(index, now);
                self.streams[index] = None;
                false
            }
            Ok(count) if self.file.is_full => {
                stream.line.clear();
                count == chunk.len()
            }
            Ok(count) => {
                let mut out = Vec::with_capacity(count + count / 8);
                let stamp = format!("{now:.9}");
                split(&mut stream.line, &chunk[..count], |tag, text| entry(&mut out, &stamp, index, tag, text));
                self.file.append(&out);
                count == chunk.len()
            }
        }
    }

    /// Writes what came without an end of line.
    fn flush(&mut self, index: usize, now: Timestamp) {
        let Some(stream) = &mut self.streams[index] else { return };
        if !stream.line.is_empty() {
            let mut out = Vec::new();
            entry(&mut out, &format!("{now:.9}"), index, b'P', &std::mem::take(&mut stream.line));
            self.file.append(&out);
        }
    }
}

fn entry(out: &mut Vec<u8>, stamp: &str, stream: usize, tag: u8, text: &[u8]) {
    out.extend(stamp.as_bytes());
    out.push(b' ');
    out.extend(NAMES[stream].as_bytes());
    out.extend([b' ', tag, b' ']);
    out.extend(text);
    out.push(b'\n');
}

/// Cuts bytes into lines; what has no end yet stays in `rest`.
fn split(rest: &mut Vec<u8>, mut bytes: &[u8], mut emit: impl FnMut(u8, &[u8])) {
    while !bytes.is_empty() {
        let room = LINE_LIMIT - rest.len();
        let end = bytes.iter().take(room + 1).position(|it| *it == b'\n');
        match end {
            Some(end) => {
                rest.extend(&bytes[..end]);
                emit(b'F', rest);
                rest.clear();
                bytes = &bytes[end + 1..];
            }
            None if bytes.len() > room => {
                rest.extend(&bytes[..room]);
                emit(b'P', rest);
                rest.clear();
                bytes = &bytes[room..];
            }
            None => {
                rest.extend(bytes);
                return;
            }
        }
    }
}

/// A file that is put aside when it is full.
struct LogFile {
    path: PathBuf,
    limit: LogLimit,
    file: Option<File>,
    size: u64,
    /// Nothing more is written.
    is_full: bool,
}

impl LogFile {
    fn new(path: &Path, limit: LogLimit) -> Self {
        Self { path: path.to_owned(), limit, file: None, size: 0, is_full: false }
    }

    fn append(&mut self, bytes: &[u8]) {
        // What is promised to a pod is its own text, without our tags.
        let length = if self.limit.then_drop { text(bytes).sum() } else { bytes.len() as u64 };
        let fits = self.size + length <= self.limit.bytes;
        if self.is_full {
            return;
        }
        if !fits && self.limit.then_drop {
            self.is_full = true;
            let room = self.limit.bytes.saturating_sub(self.size);
            return self.write(&last_words(bytes, room, self.limit.bytes), 0);
        }
        if !fits && self.size > 0 {
            self.rotate();
        }
        self.write(bytes, length);
    }

    fn write(&mut self, bytes: &[u8], length: u64) {
        if self.file.is_none() {
            self.file = self.open().ok();
        }
        let Some(file) = &mut self.file else { return };
        match file.write_all(bytes) {
            Ok(()) => self.size += length,
            // Most likely the disk is full. The next append tries again, with a fresh look at the file.
            Err(_) => self.file = None,
        }
    }

    fn open(&mut self) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().create(true).append(true).open(&self.path)?;
        self.size = file.metadata()?.len();
        Ok(file)
    }

    fn rotate(&mut self) {
        self.file = None;
        self.size = 0;
        let part = |number: u32| {
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".{number}"));
            PathBuf::from(path)
        };
        let kept = self.limit.files.saturating_sub(1);
        if kept == 0 {
            let _absent = fs::remove_file(&self.path);
            return;
        }
        for number in (1..kept).rev() {
            let _absent = fs::rename(part(number), part(number + 1));
        }
        let _absent = fs::rename(&self.path, part(1));
    }
}

/// How many bytes of text each entry has.
fn text(entries: &[u8]) -> impl Iterator<Item = u64> {
    entries.split_inclusive(|it| *it == b'\n').map(|entry| {
        let mut words = entry.splitn(4, |it| *it == b' ');
        let is_whole = words.nth(2) == Some(b"F");
        let text = words.next().map_or(0, <[u8]>::len) as u64;
        // A part of a line has no end of its own.
        if is_whole { text } else { text.saturating_sub(1) }
    })
}

/// The entries that there is room for, and one that says that no more follow.
fn last_words(entries: &[u8], room: u64, limit: u64) -> Vec<u8> {
    let (mut end, mut taken) = (0, 0);
    for (entry, text) in entries.split_inclusive(|it| *it == b'\n').zip(text(entries)) {
        taken += text;
        if taken > room {
            break;
        }
        end += entry.len();
    }
    let mut words = entries.splitn(4, |it| *it == b' ');
    let (stamp, stream) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut out = entries[..end].to_vec();
    // A line that was begun ends here.
    let last = entries[..end].strip_suffix(b"\n").unwrap_or_default().rsplit(|it| *it == b'\n').next();
    if last.and_then(|it| it.splitn(4, |it| *it == b' ').nth(2)) == Some(b"P") {
        out.extend([stamp, stream, b"F", b"\n"].join(&b' '));
    }
    let note = format!("the log may hold {limit} bytes and is full; what follows is dropped");
    out.extend([stamp, b"stderr", b"F", note.as_bytes()].join(&b' '));
    out.push(b'\n');
    out
}

impl Init {
    /// Takes one chunk of one stream: no container gets more than its turn.
    pub(super) fn read_log(&mut self, key: u64, stream: usize) {
        let now = self.clock.now();
        let Some(log) = self.logs.get_mut(&key) else { return };
        log.read(stream, now, &mut vec![0; CHUNK]);
        if log.streams.iter().all(Option::is_none) {
            self.logs.remove(&key);
        }
    }

    /// Takes all that a container left in its pipes when it ended, and lets them go: a process that escaped with one
    /// end of them cannot keep the log open.
    pub(super) fn close_log(&mut self, key: u64) {
        let now = self.clock.now();
        let Some(mut log) = self.logs.remove(&key) else { return };
        let mut chunk = vec![0; CHUNK];
        for stream in 0..2 {
            // A pipe holds one mebibyte at most; more rounds than that are somebody else writing.
            let _rounds = (0..16).take_while(|_| log.read(stream, now, &mut chunk)).count();
            log.flush(stream, now);
        }
    }
}

#[cfg(test)]
mod tests;
