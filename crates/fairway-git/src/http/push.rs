//! A push: what is sent goes to `git receive-pack`, what it says comes back. Its last word, that refs have moved, is
//! held back until the move is on the disk and recorded: what was acknowledged is never lost.
//!
//! A push belongs to the host, not to its connection: once all of it was sent it is taken, whether or not anybody still
//! listens.

mod conversation;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Body, Pieces, plain, stream};
use super::call::Service;
use super::feed::Feed;
use super::packet::{FATAL, message};
use super::{Caller, RefusedPush};
use crate::failpoints::{PUSH_RECORDED, PUSH_TAKEN};
use crate::forge::{Push, Update};
use crate::hook::{TASK, Task};
use crate::host::hold::{self, Hold};
use crate::host::{DEFAULT_BRANCH, encode_mover};
use crate::run::{Git, Running};
use crate::{Host, RepositoryId};
use conversation::Said;

/// How long a push waits for somebody who cleans up.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_millis(20);
/// Address space of each git of a push: a pack can ask for much more memory than it has bytes.
const MEMORY: u64 = 4 << 30;
/// Its complaints are kept to this length.
const COMPLAINTS: u64 = 64 << 10;

/// A push that is going on.
struct Ongoing {
    host: Host,
    id: RepositoryId,
    repository: PathBuf,
    caller: Caller,
    /// Nobody cleans up meanwhile.
    held: File,
    _turn: OwnedSemaphorePermit,
}

/// Runs `git receive-pack`.
pub(super) async fn exchange<B>(
    host: &Host,
    id: &RepositoryId,
    repository: PathBuf,
    feed: Feed<B>,
    caller: Caller,
    turn: OwnedSemaphorePermit,
) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    let begun = match hold(&repository).await {
        Ok(Some(held)) => {
            let ongoing = Ongoing { host: host.clone(), id: id.clone(), repository, caller, held, _turn: turn };
            ongoing.start().map(|it| (ongoing, it))
        }
        Ok(None) => {
            return plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "the repository is being cleaned up; push again in a minute",
            );
        }
        Err(error) => Err(error),
    };
    match begun {
        Ok((ongoing, running)) => {
            let (pieces, response) = stream(&Service::Push.result_type());
            host.traffic().tasks.spawn(ongoing.finish(running, feed, pieces));
            response
        }
        Err(error) => {
            tracing::warn!(%error, repository = %id, "a push could not be taken");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "git could not be started; the platform's log says why")
        }
    }
}

async fn hold(repository: &Path) -> io::Result<Option<File>> {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(held) = hold::take(repository, Hold::Push)? {
                return Ok(held);
            }
            tokio::time::sleep(BETWEEN).await;
        }
    });
    waited.await.ok().transpose()
}

impl Ongoing {
    fn start(&self) -> io::Result<Running> {
        let settings = self.host.settings();
        let task = Task { git: settings.git.clone(), protected: DEFAULT_BRANCH.to_owned(), limits: settings.limits };
        let mut command = self.host.git().command(None);
        command.args([Service::Push.name(), "--stateless-rpc"]).arg(&self.repository);
        command.env(TASK, serde_json::to_string(&task)?);
        command.env("GIT_COMMITTER_NAME", encode_mover(&self.caller.user, &self.caller.groups));
        command.env("GIT_COMMITTER_EMAIL", &self.caller.cause);
        // The hold lives as long as this git does, whatever becomes of us.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(self.held.try_clone()?);
        let running = Git::start(command).map_err(io::Error::other)?;
        let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
        // It waits for its input, so it has started nothing yet.
        if let Some(pid) = running.child.id().and_then(|it| Pid::from_raw(it.cast_signed())) {
            let _ = prlimit(Some(pid), Resource::As, limit);
        }
        Ok(running)
    }

    async fn finish<B>(self, running: Running, feed: Feed<B>, pieces: Pieces)
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::fmt::Display,
    {
        let said = conversation::hold(&self, running, feed, &pieces).await;
        let last_word = match said {
            Said::All { report, updates } if updates.is_empty() => report,
            Said::Refused { last_word, wanted, why } => {
                tracing::info!(repository = %self.id, user = self.caller.user, why, "a push was refused");
                self.refuse(wanted, why).await;
                last_word
            }
            Said::All { report, updates } => match self.keep(updates).await {
                Ok(()) => report,
                Err(error) => {
                    tracing::error!(repository = %self.id, user = self.caller.user, %error, "a push was taken and not recorded");
                    message(
                        FATAL,
                        &format!("fairway: the push was taken, but not recorded: {error}; run git fetch and look"),
                    )
                }
            },
            Said::Ended(why) => {
                tracing::warn!(repository = %self.id, user = self.caller.user, why, "a push broke off");
                message(FATAL, &format!("fairway: {why}; push again"))
            }
        };
        // Whoever pushed may be gone; the push is not.
        let _ = pieces.send(last_word.into()).await;
        drop(pieces);
        self.tidy().await;
    }

    /// Brings the move to the disk, records it, and tells who listens.
    async fn keep(&self, updates: Vec<Update>) -> Result<(), String> {
        let failpoints = &self.host.settings().failpoints;
        failpoints.pass(PUSH_TAKEN);
        let (repository, names) = (self.repository.clone(), updates.clone());
        let synced = tokio::task::spawn_blocking(move || sync(&repository, &names)).await;
        synced.map_err(|it| it.to_string())?.map_err(|it| it.to_string())?;
        let push = self.push(updates);
        let recorded = self.caller.witness.record(&push).await;
        failpoints.pass(PUSH_RECORDED);
        // The refs have moved, recorded or not. Nobody may be listening.
        let _ = self.host.hints().send(push);
        recorded
    }

    fn push(&self, updates: Vec<Update>) -> Push {
        Push {
            repository: self.id.clone(),
            pushed_by: self.caller.user.clone(),
            cause: self.caller.cause.clone(),
            updates,
        }
    }

    /// Has it recorded that nothing of the push was taken.
    async fn refuse(&self, wanted: Vec<Update>, why: String) {
        let refused = RefusedPush { push: self.push(wanted), why };
        if let Err(error) = self.caller.witness.record_refused(&refused).await {
            tracing::error!(repository = %self.id, user = self.caller.user, error, "a refused push was not recorded");
        }
    }

    /// Puts in order what needs it, once this push no longer stands in the way.
    async fn tidy(self) {
        let Self { host, id, repository, held, .. } = self;
        if held.metadata().is_ok_and(|it| it.len() > COMPLAINTS) {
            let _ = held.set_len(0);
        }
        drop(held);
        let path = repository.clone();
        let packs = tokio::task::spawn_blocking(move || hold::clean(&path).and_then(|()| hold::packs(&path))).await;
        match packs {
            Ok(Ok(count)) if count > hold::MANY_PACKS => {
                if let Err(error) = host.maintain(&id).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, repository = %id, "upkeep failed");
                }
            }
            Ok(Ok(_)) => {}
            other => tracing::warn!(?other, repository = %id, "a repository could not be cleaned"),
        }
    }
}

/// Git syncs its files; the folders that name them, and the record of who moved a ref, it does not.
fn sync(repository: &Path, updates: &[Update]) -> io::Result<()> {
    let mut paths = BTreeSet::from([repository.join("objects/pack"), repository.join("packed-refs")]);
    for update in updates {
        for root in [repository.to_owned(), repository.join("logs")] {
            let file = root.join(&update.reference);
            paths.extend(file.ancestors().take_while(|it| it.starts_with(repository)).map(Path::to_owned));
        }
    }
    for path in paths {
        match File::open(&path) {
            Ok(file) => file.sync_all()?,
            // Removed with its ref.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
