//! What refs there are, and fetching. A fetch lives no longer than whoever reads it, and no longer than their right to.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Body, Pieces, of, plain, stream};
use super::call::Service;
use super::feed::Feed;
use super::{Caller, LOOK, packet};
use crate::Host;
use crate::run::{Git, Job, Running};

/// As many refs as there may be take less.
const REFS: usize = 16 << 20;
const REFS_TIME: Duration = Duration::from_secs(60);
/// What a client says it has and wants.
const REQUEST: usize = 64 << 20;
/// The longest fetch.
const TIME: Duration = Duration::from_secs(3600);

/// The refs, as both services begin.
pub(super) async fn advertise(host: &Host, repository: &Path, service: Service, headers: &HeaderMap) -> Response<Body> {
    let protocol = protocol(headers);
    let environment = [("GIT_PROTOCOL", protocol.as_str())];
    let arguments = [service.name(), "--stateless-rpc", "--advertise-refs"].map(std::ffi::OsStr::new);
    let arguments = [&arguments[..], &[repository.as_os_str()]].concat();
    let job = Job {
        repository: None,
        arguments: &arguments,
        environment: &environment,
        input: &[],
        limit: REFS,
        time: REFS_TIME,
    };
    match host.git().run(job).await.and_then(|it| it.succeeded(service.name())) {
        Ok(refs) => {
            let kind = format!("application/x-git-{}-advertisement", service.name());
            // The second version of the protocol needs no greeting, and has none for pushes.
            let greet = service == Service::Push || !protocol.split(':').any(|it| it == "version=2");
            let greeting = packet::line(format!("# service=git-{}\n", service.name()).as_bytes());
            let greeting = if greet { [&greeting[..], b"0000"].concat() } else { Vec::new() };
            of(StatusCode::OK, &kind, [greeting, refs].concat())
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "refs could not be told");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the repository could not be read; the platform's log says why")
        }
    }
}

/// The version of the protocol that a client asks for; nothing where it asks for something odd.
fn protocol(headers: &HeaderMap) -> String {
    let asked = headers.get("git-protocol").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let plain = asked.len() <= 64 && asked.bytes().all(|it| it.is_ascii_alphanumeric() || b"=:.-".contains(&it));
    if plain { asked.to_owned() } else { String::new() }
}

/// Runs `git upload-pack`.
pub(super) fn exchange<B>(
    host: &Host,
    repository: &Path,
    feed: Feed<B>,
    headers: &HeaderMap,
    caller: Caller,
    turn: OwnedSemaphorePermit,
) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    let mut command = host.git().command(None);
    command.args([Service::Fetch.name(), "--strict", "--stateless-rpc"]).arg(repository);
    command.env("GIT_PROTOCOL", protocol(headers));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let running = match Git::start(command) {
        Ok(running) => running,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a fetch could not be served");
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "git could not be started; the platform's log says why");
        }
    };
    let (pieces, response) = stream(&Service::Fetch.result_type());
    let stop = host.traffic().stop.clone();
    host.traffic().tasks.spawn(async move {
        let _turn = turn;
        tokio::select! {
            () = serve(running, feed, &pieces) => {}
            () = lost(&caller) => tracing::debug!(user = caller.user, "a fetch ends with the right to it"),
            () = pieces.closed() => {}
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TIME) => {}
        }
    });
    response
}

/// Waits until the caller may no more.
async fn lost(caller: &Caller) {
    loop {
        tokio::time::sleep(LOOK).await;
        if !caller.witness.may_go_on() {
            return;
        }
    }
}

async fn serve<B>(mut running: Running, mut feed: Feed<B>, pieces: &Pieces)
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::fmt::Display,
{
    let (stdin, stdout) = (running.child.stdin.take(), running.child.stdout.take());
    let (Some(mut stdin), Some(mut stdout)) = (stdin, stdout) else { return };
    let write = async move {
        let mut count = 0;
        while let Ok(Some(piece)) = feed.next().await {
            count += piece.len();
            if count > REQUEST || stdin.write_all(&piece).await.is_err() {
                return;
            }
        }
        let _ = stdin.shutdown().await;
    };
    let read = async {
        let mut buffer = bytes::BytesMut::with_capacity(64 << 10);
        while let Ok(1..) = stdout.read_buf(&mut buffer).await {
            if pieces.send(buffer.split().freeze()).await.is_err() {
                return;
            }
            buffer.reserve(64 << 10);
        }
    };
    tokio::join!(write, read);
}
