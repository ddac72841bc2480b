//! Both directions of a push at once.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::super::LOOK;
use super::super::answer::Pieces;
use super::super::feed::Feed;
use super::super::packet::{self, FATAL, PROGRESS, Packet, message};
use super::Ongoing;
use crate::forge::Update;
use crate::rules;
use crate::run::Running;

/// The longest push.
const TIME: Duration = Duration::from_secs(3600);
/// How long git may take once it has all: to index, check, and move.
const AFTER: Duration = Duration::from_secs(600);
/// More commands than are allowed take less.
const COMMANDS: usize = 256 << 10;
/// And so does what git reports about them.
const REPORT: usize = 1 << 20;
/// Why a push is not taken whose pusher lost the right to it on the way.
const NO_LONGER: &str = "you may no longer push here: your token expired, or the right was taken from you";
/// The end of what is told while git works; a hook's words are the last of it.
const TOLD: usize = 16 << 10;
/// So many broken rules are recorded.
const WORDS: usize = 5;

/// How it ended.
pub(super) enum Said {
    /// Git said all it had to say; this is its last word, not sent yet.
    All {
        /// As the client is to read it.
        report: Vec<u8>,
        /// What git says it moved.
        updates: Vec<Update>,
    },
    /// Nothing of it was taken, and the platform or git said why.
    Refused {
        /// What the client is to read at the end.
        last_word: Vec<u8>,
        /// What it asked for.
        wanted: Vec<Update>,
        /// Why not.
        why: String,
    },
    /// It broke off.
    Ended(&'static str),
}

/// Why not all of a push was given to git.
enum Cut {
    /// It broke off.
    Off(&'static str),
    /// It may not be.
    Refused(&'static str),
}

/// Talks until git has said all.
pub(super) async fn hold<B>(ongoing: &Ongoing, mut running: Running, feed: Feed<B>, pieces: &Pieces) -> Said
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    let (stdin, stdout) = (running.child.stdin.take(), running.child.stdout.take());
    let (Some(stdin), Some(stdout)) = (stdin, stdout) else { return Said::Ended("git has no pipes") };
    let mut head = Head::default();
    let (broken, report) = {
        let write = async {
            let written = timeout(TIME, write(ongoing, feed, stdin, pieces, &mut head)).await;
            written.unwrap_or(Err(Cut::Off("the push took longer than an hour"))).err()
        };
        let (mut write, mut read) = (std::pin::pin!(write), std::pin::pin!(read(stdout, pieces)));
        tokio::select! {
            broken = &mut write => (broken, timeout(AFTER, read).await),
            // Git may have said all before all was sent: the client is read to its end, or it would not listen.
            report = &mut read => (write.await, Ok(report)),
        }
    };
    let Ok(report) = report else { return Said::Ended("git took too long to take the push") };
    let status = timeout(AFTER, running.child.wait()).await;
    let moved = packet::moved(report.as_ref().map_or(&[], |it| &it.inner));
    let commands = head.commands();
    let updates: Vec<Update> = commands.iter().filter(|it| moved.contains(&it.reference)).cloned().collect();
    match (report, broken, status) {
        // What has moved has moved, however it went on.
        (Some(report), _, _) if !updates.is_empty() => Said::All { report: report.outer, updates },
        (_, Some(Cut::Refused(why)), _) => {
            let last_word = message(FATAL, &format!("fairway: {why}"));
            Said::Refused { last_word, wanted: commands, why: why.to_owned() }
        }
        (_, Some(Cut::Off(why)), _) => Said::Ended(why),
        (Some(report), None, Ok(Ok(status))) if status.code().is_some() => match head.too_large.or(report.refusal()) {
            Some(why) => Said::Refused { last_word: report.outer, wanted: commands, why },
            None => Said::All { report: report.outer, updates },
        },
        _ => Said::Ended("git was ended before it had taken the push"),
    }
}

/// Sends git what the client sends. One piece is always held back, so that git has all of it only if at the end the
/// client still may.
async fn write<B>(
    ongoing: &Ongoing,
    mut feed: Feed<B>,
    stdin: ChildStdin,
    pieces: &Pieces,
    head: &mut Head,
) -> Result<(), Cut>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    let host = &ongoing.host;
    let limit = host.settings().limits.push_bytes;
    let clock = &host.settings().world.clock;
    let (mut count, mut looked) = (0u64, clock.monotonic());
    let (mut held, mut may): (Option<Bytes>, bool) = (None, true);
    // Closed when it is dropped.
    let mut stdin = Some(stdin);
    loop {
        let next = tokio::select! {
            next = feed.next() => next,
            () = host.traffic().stop.cancelled() => return Err(Cut::Off("the platform stops")),
        };
        let Ok(next) = next else { return Err(Cut::Off("the connection broke before all was sent")) };
        let now = clock.monotonic();
        if next.is_none() || now.saturating_sub(looked) >= LOOK {
            looked = now;
            if !ongoing.caller.witness.may_go_on() {
                // Git must not have it all; the rest is read and dropped, so that the client lives to read why.
                (may, stdin, held) = (false, None, None);
            }
        }
        count += next.as_ref().map_or(0, |it| it.len() as u64);
        if count > limit && stdin.is_some() {
            let allowed = rules::bytes(limit);
            let why = format!("this push is larger than {allowed}, which is the limit; keep large files out of it");
            let _ = pieces.send(message(PROGRESS, &format!("fairway: {why}")).into()).await;
            head.too_large = Some(why);
            (stdin, held) = (None, None);
        }
        if count > limit.saturating_mul(4) {
            return Err(Cut::Refused("the push is much larger than is allowed"));
        }
        if let (Some(open), Some(piece)) = (&mut stdin, held.take())
            && open.write_all(&piece).await.is_err()
        {
            // A git that refuses early reads no more.
            stdin = None;
        }
        let Some(next) = next else { return if may { Ok(()) } else { Err(Cut::Refused(NO_LONGER)) } };
        if stdin.is_some() {
            head.see(&next);
            held = Some(next);
        }
    }
}

/// The beginning of a push: its commands.
#[derive(Default)]
struct Head {
    text: Vec<u8>,
    /// That it was more than is allowed, once it was.
    too_large: Option<String>,
}

impl Head {
    fn see(&mut self, piece: &[u8]) {
        let room = COMMANDS.saturating_sub(self.text.len());
        self.text.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn commands(&self) -> Vec<Update> {
        packet::commands(&self.text).ok().flatten().unwrap_or_default()
    }
}

/// What git reported: as it was said, and what is inside.
#[derive(Default)]
struct Report {
    outer: Vec<u8>,
    inner: Vec<u8>,
    /// The end of what was told while it worked.
    told: Vec<u8>,
}

impl Report {
    /// Why nothing was taken, if that is so: in our hook's words, or in git's.
    fn refusal(&self) -> Option<String> {
        let refused = packet::refused(&self.inner);
        let told = String::from_utf8_lossy(&self.told);
        let ours: Vec<&str> = told.lines().filter_map(|it| it.strip_prefix("fairway: - ")).take(WORDS).collect();
        match (refused.is_empty(), ours.is_empty()) {
            (true, _) => None,
            (_, true) => Some(refused.join("; ")),
            _ => Some(ours.join("; ")),
        }
    }

    fn hear(&mut self, words: &[u8]) {
        self.told.extend_from_slice(words);
        if self.told.len() > 2 * TOLD {
            self.told.drain(..self.told.len() - TOLD);
        }
    }
}

/// Passes on what git tells while it works, and keeps its report. None where it says what nobody understands.
async fn read(mut stdout: ChildStdout, pieces: &Pieces) -> Option<Report> {
    let mut report = Report::default();
    let mut buffer = BytesMut::new();
    loop {
        let read = stdout.read_buf(&mut buffer).await.ok()?;
        while let Some((packet, rest)) = packet::take(&buffer).ok()? {
            let length = buffer.len() - rest.len();
            let tell = match packet {
                Packet::Data([PROGRESS | FATAL, words @ ..]) => {
                    report.hear(words);
                    true
                }
                Packet::Data([1, data @ ..]) => {
                    report.inner.extend_from_slice(data);
                    false
                }
                // A client that cannot have both at once gets the report alone.
                Packet::Data(_) => {
                    report.inner.extend_from_slice(&buffer[..length]);
                    false
                }
                Packet::Mark => false,
            };
            let line = buffer.split_to(length).freeze();
            if tell {
                let _ = pieces.send(line).await;
            } else {
                report.outer.extend_from_slice(&line);
            }
        }
        if report.outer.len() > REPORT {
            return None;
        }
        if read == 0 {
            return Some(report);
        }
    }
}
