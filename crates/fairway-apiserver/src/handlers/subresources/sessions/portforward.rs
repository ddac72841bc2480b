//! Connections to ports of a pod: of each port two channels, one for data and one for what went wrong.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::SplitStream;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{GOODBYE, IN_FLIGHT, PIECE, begin, frame, pod, record, reference, send, upgrade};
use crate::server::{Call, Reply, WebSocket};
use crate::{ApiError, PodRef, PodStreams};

const V4: &str = "v4.channel.k8s.io";
/// As many ports as one session has.
const MOST_PORTS: usize = 16;

pub(in crate::handlers::subresources) async fn port_forward(call: &Call) -> Result<Reply, ApiError> {
    let pod = pod(call)?;
    let upgrade = upgrade(call)?;
    let protocol = upgrade.choose(&[V4])?;
    let ports = ports(call)?;
    let place = super::place(call)?;
    record(call, json!({ "ports": ports })).await?;
    let pod = reference(call, &pod, String::new());
    let streams = Arc::clone(&call.shared.pod_streams);
    begin(call, upgrade, protocol, place, move |socket, over| forward(socket, streams, pod, ports, over))
}

fn ports(call: &Call) -> Result<Vec<u16>, ApiError> {
    let mut ports = Vec::new();
    for word in call.query.all("ports").into_iter().flat_map(|it| it.split(',')) {
        let port = word.trim().parse::<u16>().ok().filter(|it| *it > 0);
        ports.push(port.ok_or_else(|| ApiError::bad_request(format!("{word:?} is not a port")))?);
    }
    match ports.len() {
        0 => Err(ApiError::bad_request("you must specify at least 1 port with the query parameter ports")),
        1..=MOST_PORTS => Ok(ports),
        _ => Err(ApiError::bad_request(format!("at most {MOST_PORTS} ports are forwarded at a time"))),
    }
}

async fn forward(
    socket: WebSocket,
    streams: Arc<dyn PodStreams>,
    pod: PodRef,
    ports: Vec<u16>,
    over: CancellationToken,
) {
    let (sink, stream) = socket.split();
    let (messages, outgoing) = mpsc::channel(IN_FLIGHT);
    let mut inputs = Vec::new();
    let mut each = Vec::new();
    for (channel, port) in (0u8..).step_by(2).zip(ports) {
        let (input, received) = mpsc::channel(IN_FLIGHT);
        inputs.push(input);
        each.push(one(Arc::clone(&streams), pod.clone(), port, channel, received, messages.clone()));
    }
    drop(messages);
    let mut listen = std::pin::pin!(listen(stream, inputs));
    tokio::select! {
        () = &mut listen => return,
        _ = async { tokio::join!(over.run_until_cancelled(join_all(each)), send(sink, outgoing)) } => {}
    }
    let _never_said = tokio::time::timeout(GOODBYE, listen).await;
}

/// Hands out what the client sends, until it is gone.
async fn listen(mut stream: SplitStream<WebSocket>, inputs: Vec<mpsc::Sender<Bytes>>) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Binary(mut bytes) = message else {
            if matches!(message, Message::Close(_)) {
                return;
            }
            continue;
        };
        if bytes.is_empty() {
            continue;
        }
        let channel = bytes.split_to(1)[0];
        if let Some(input) = inputs.get(usize::from(channel / 2)).filter(|_| channel % 2 == 0) {
            // One whose connection has ended hears nothing more.
            let _over = input.send(bytes).await;
        }
    }
}

/// One port, until its server ends the connection.
async fn one(
    streams: Arc<dyn PodStreams>,
    pod: PodRef,
    port: u16,
    channel: u8,
    mut input: mpsc::Receiver<Bytes>,
    messages: mpsc::Sender<Message>,
) {
    let errors = channel + 1;
    for it in [channel, errors] {
        if messages.send(frame(it, &port.to_le_bytes())).await.is_err() {
            return;
        }
    }
    let connection = match streams.connect(pod, port).await {
        Ok(connection) => connection,
        Err(error) => {
            let _gone = messages.send(frame(errors, error.message.as_bytes())).await;
            return;
        }
    };
    let (mut from, mut to) = tokio::io::split(connection);
    let out = async {
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            if messages.send(frame(channel, &piece[..count])).await.is_err() {
                return;
            }
        }
    };
    let back = async {
        while let Some(bytes) = input.recv().await {
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // What was written last may still be answered.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = out => {}
        () = back => {}
    }
}
