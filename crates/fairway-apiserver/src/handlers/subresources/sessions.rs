//! Sessions in pods: commands and connections, over channels of one WebSocket. The first byte of each message says which.

mod exec;
mod portforward;

use std::sync::Arc;

use bytes::Bytes;
use futures::SinkExt as _;
use futures::stream::SplitSink;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;

use crate::object::text_at;
use crate::server::{Call, Reply, Upgrade, WebSocket, lost};
use crate::{ApiError, AuditNote, PodRef};

pub(super) use exec::exec;
pub(super) use portforward::port_forward;

/// Messages on their way out: a client that does not read holds the command up, not our memory.
const IN_FLIGHT: usize = 8;
/// Bytes of one message out.
const PIECE: usize = 32 * 1024;
/// How long a client may take to say goodbye.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(2);

/// The pod of the path, if it could be running.
fn pod(call: &Call) -> Result<Value, ApiError> {
    let live = super::super::get::read(call)?;
    let pod = call.served.decode(&live);
    if text_at(&pod, "/spec/nodeName").is_empty() {
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", call.info.name)));
    }
    match text_at(&pod, "/status/phase") {
        phase @ ("Succeeded" | "Failed") => {
            let what = &call.info.subresource;
            Err(ApiError::bad_request(format!("cannot {what} a completed pod; current phase is {phase}")))
        }
        _ => Ok(pod),
    }
}

fn reference(call: &Call, pod: &Value, container: String) -> PodRef {
    PodRef {
        namespace: call.info.namespace.clone(),
        name: call.info.name.clone(),
        uid: text_at(pod, "/metadata/uid").to_owned(),
        container,
    }
}

fn upgrade(call: &Call) -> Result<&Upgrade, ApiError> {
    call.upgrade.as_ref().ok_or_else(|| ApiError::bad_request("Upgrade request required"))
}

/// A place among the sessions of this server.
fn place(call: &Call) -> Result<OwnedSemaphorePermit, ApiError> {
    let full = |_| ApiError::new(429, "TooManyRequests", "too many sessions in pods are open; end some and try again");
    Arc::clone(&call.shared.sessions).try_acquire_owned().map_err(full)
}

/// Tells the journal, which has it on the disk before anything happens.
async fn record(call: &Call, entered: Value) -> Result<(), ApiError> {
    let note = AuditNote { entered: Some(entered), ..call.note("") };
    let batch = fairway_store::Batch { ops: Vec::new(), note: Some(Arc::new(note)) };
    let failed = |error| {
        tracing::warn!(%error, "a session in a pod was not recorded, and so is refused");
        ApiError::internal("the session could not be recorded")
    };
    call.shared.store.commit(batch).await.map(drop).map_err(failed)
}

/// Runs a session once the client has switched; it ends with the right to it, and with the server.
fn begin<F>(
    call: &Call,
    upgrade: &Upgrade,
    protocol: &'static str,
    place: OwnedSemaphorePermit,
    session: impl FnOnce(WebSocket, CancellationToken) -> F + Send + 'static,
) -> Result<Reply, ApiError>
where
    F: Future<Output = ()> + Send,
{
    let (response, switching) = upgrade.accept(protocol)?;
    let lost = lost(&call.shared, upgrade.parts(), &call.info);
    let (stop, over) = (call.shared.stop.clone(), CancellationToken::new());
    let ends = over.clone();
    call.shared.tasks.spawn(async move {
        let run = async {
            if let Some(socket) = switching.done().await {
                session(socket, over).await;
            }
        };
        let end = async {
            tokio::select! {
                () = lost => {}
                () = stop.cancelled() => {}
            }
            ends.cancel();
            // It says so to its client, if that listens.
            tokio::time::sleep(2 * GOODBYE).await;
        };
        tokio::select! {
            () = run => {}
            () = end => {}
        }
        drop(place);
    });
    Ok(Reply::ready(response))
}

/// A message on a channel.
fn frame(channel: u8, bytes: &[u8]) -> Message {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(channel);
    message.extend_from_slice(bytes);
    Message::Binary(Bytes::from(message))
}

/// Sends until nobody has anything to say any more, and says goodbye.
async fn send(mut sink: SplitSink<WebSocket, Message>, mut messages: mpsc::Receiver<Message>) {
    while let Some(message) = messages.recv().await {
        if sink.send(message).await.is_err() {
            return;
        }
    }
    // With a code: to kubectl an end without one is a fault.
    let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let _gone = sink.send(Message::Close(Some(normal))).await;
}

/// The Status with which a session ends that could not begin.
fn failure(error: &ApiError) -> Value {
    json!({ "metadata": {}, "status": "Failure", "message": error.message, "reason": error.reason, "code": error.code })
}
