//! A command in a container.

use std::pin::Pin;

use futures::StreamExt as _;
use futures::stream::SplitStream;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::super::log;
use super::{GOODBYE, IN_FLIGHT, PIECE, begin, failure, frame, pod, record, reference, send, upgrade};
use crate::ApiError;
use crate::pod_streams::{Command, Execution, Resize};
use crate::server::{Call, Reply, WebSocket};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
/// In version 5: the end of another channel.
const END: u8 = 255;
/// Said to a client whose session is ended by the server.
const OVER: &str = "the session was ended: the right to it was withdrawn, or the server stops";
const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";

pub(in crate::handlers::subresources) async fn exec(call: &Call) -> Result<Reply, ApiError> {
    let pod = pod(call)?;
    let container = log::container(call, &pod)?;
    let command = command(call)?;
    let upgrade = upgrade(call)?;
    let protocol = upgrade.choose(&[V5, V4])?;
    let place = super::place(call)?;
    // What is said to a program may be secret; which program it is is not.
    record(call, json!({ "container": container, "program": command.words[0], "terminal": command.tty })).await?;
    let pod = reference(call, &pod, container);
    let streams = std::sync::Arc::clone(&call.shared.pod_streams);
    begin(call, upgrade, protocol, place, move |socket, over| async move {
        match streams.exec(pod, command).await {
            Ok(execution) => run(socket, execution, over).await,
            Err(error) => refuse(socket, &failure(&error)).await,
        }
    })
}

fn command(call: &Call) -> Result<Command, ApiError> {
    let query = &call.query;
    let words: Vec<String> = query.all("command").into_iter().map(str::to_owned).collect();
    if words.first().is_none_or(String::is_empty) {
        return Err(ApiError::bad_request("you must specify at least one command for the container"));
    }
    let (stdin, stdout, stderr) = (query.flag("stdin"), query.flag("stdout"), query.flag("stderr"));
    let tty = query.flag("tty");
    if !(stdin || stdout || stderr) {
        return Err(ApiError::bad_request("you must specify at least 1 of stdin, stdout, stderr"));
    }
    if tty && stderr {
        return Err(ApiError::bad_request("tty and stderr cannot both be true"));
    }
    Ok(Command { words, stdin, tty })
}

/// Says why there is nothing.
async fn refuse(socket: WebSocket, status: &Value) {
    let (sink, mut stream) = socket.split();
    let (messages, outgoing) = mpsc::channel(1);
    let tell = async move {
        let _gone = messages.send(frame(STATUS, status.to_string().as_bytes())).await;
    };
    tokio::join!(tell, send(sink, outgoing));
    let _never_said = tokio::time::timeout(GOODBYE, async { while let Some(Ok(_)) = stream.next().await {} }).await;
}

/// Carries input and output until the command ends or the client goes, which ends the command.
async fn run(socket: WebSocket, execution: Execution, over: CancellationToken) {
    let (sink, stream) = socket.split();
    let (messages, outgoing) = mpsc::channel(IN_FLIGHT);
    let Execution { stdin, stdout, stderr, resize, ended } = execution;
    let output = async move {
        let done = async {
            tokio::join!(pump(STDOUT, stdout, &messages), pump(STDERR, stderr, &messages));
            ended.await
        };
        let status = match over.run_until_cancelled(done).await {
            Some(Ok(code)) => outcome(code),
            Some(Err(error)) => failure(&error),
            None => failure(&ApiError::new(403, "Forbidden", OVER)),
        };
        let _gone = messages.send(frame(STATUS, status.to_string().as_bytes())).await;
    };
    let mut input = std::pin::pin!(listen(stream, stdin, resize));
    tokio::select! {
        // Whoever is gone hears nothing; what is dropped here ends the command.
        () = &mut input => return,
        _ = async { tokio::join!(output, send(sink, outgoing)) } => {}
    }
    let _never_said = tokio::time::timeout(GOODBYE, input).await;
}

fn outcome(code: i32) -> Value {
    if code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
    })
}

async fn pump(channel: u8, from: Option<Pin<Box<dyn AsyncRead + Send>>>, messages: &mpsc::Sender<Message>) {
    let Some(mut from) = from else { return };
    let mut piece = vec![0; PIECE];
    // A terminal that nobody has open any more is an error to read.
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        if messages.send(frame(channel, &piece[..count])).await.is_err() {
            return;
        }
    }
}

/// Listens until the client is gone. A command that does not want its input does not get it.
async fn listen(
    mut stream: SplitStream<WebSocket>,
    mut stdin: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    resize: Option<Resize>,
) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Binary(bytes) = message else {
            if matches!(message, Message::Close(_)) {
                return;
            }
            continue;
        };
        match bytes.split_first() {
            Some((&STDIN, input)) => {
                if let Some(to) = &mut stdin
                    && to.write_all(input).await.is_err()
                {
                    stdin = None;
                }
            }
            Some((&RESIZE, size)) => {
                if let (Some(resize), Some((columns, rows))) = (&resize, size_of(size)) {
                    resize(columns, rows);
                }
            }
            Some((&END, [STDIN])) => stdin = None,
            _ => {}
        }
    }
}

fn size_of(bytes: &[u8]) -> Option<(u16, u16)> {
    let size: Value = serde_json::from_slice(bytes).ok()?;
    let number = |key: &str| u16::try_from(size[key].as_u64()?).ok();
    Some((number("Width")?, number("Height")?))
}
