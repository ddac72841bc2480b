//! The resolver that a pod sees: sockets on the resolver's address inside its namespace, answers from the node's picture.
//!
//! A name that is answered is a name that can be called: its sockets stand before the answer leaves.

mod message;
mod names;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use super::pod::Attached;
use super::{Shared, egress};
use crate::sockets::Transport;
use message::Parsed;

pub(super) use message::{A, ANY, Query, Rcode, Record, Reply};
pub(super) use names::Found;

/// How long an answer waits for the sockets of what it names.
const STAND: Duration = Duration::from_secs(1);
/// How long a stream of questions may stay silent.
const TCP_IDLE: Duration = Duration::from_secs(10);
/// Streams of questions that a pod may have open.
const TCP_STREAMS: usize = 32;
/// Questions of a pod that are answered at a time: one for a slow host outside must not hold up the others.
const QUESTIONS: usize = 64;
/// How long to wait after a socket fails.
const PAUSE: Duration = Duration::from_millis(50);
/// The largest question: a name, and an OPT record.
const QUESTION: usize = 1232;

/// Stands the resolver in a pod.
pub(super) async fn stand(shared: &Arc<Shared>, pod: &Arc<Attached>) -> io::Result<()> {
    let address = shared.settings.resolver;
    let datagrams = UdpSocket::from_std(pod.socket(address, Transport::Udp).await?.into())?;
    let streams = TcpListener::from_std(pod.socket(address, Transport::Tcp).await?.into())?;
    pod.spawn(shared, answer_datagrams(shared.clone(), pod.clone(), datagrams));
    pod.spawn(shared, answer_streams(shared.clone(), pod.clone(), streams));
    Ok(())
}

async fn answer_datagrams(shared: Arc<Shared>, pod: Arc<Attached>, socket: UdpSocket) {
    let (socket, room) = (Arc::new(socket), Arc::new(Semaphore::new(QUESTIONS)));
    let mut buffer = [0; QUESTION];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                // A question beyond these is dropped like a datagram that gets lost.
                let Ok(place) = room.clone().try_acquire_owned() else { continue };
                let (of, asking, socket) = (shared.clone(), pod.clone(), socket.clone());
                let question = buffer[..length].to_vec();
                pod.spawn(&shared, async move {
                    if let Some(answer) = answer(&of, &asking, &question, false).await {
                        // Best effort, as all datagrams are: who asked asks again.
                        let _ = socket.send_to(&answer, from).await;
                    }
                    drop(place);
                });
            }
            Err(why) => {
                tracing::debug!(error = %why, "question not received");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer_streams(shared: Arc<Shared>, pod: Arc<Attached>, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(TCP_STREAMS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if let Ok(place) = room.clone().try_acquire_owned() {
            let (of, asking) = (shared.clone(), pod.clone());
            pod.spawn(&shared, async move {
                // Its end, in order or not, concerns nobody.
                let _ = answer_stream(&of, &asking, stream).await;
                drop(place);
            });
        }
    }
}

async fn answer_stream(shared: &Arc<Shared>, pod: &Arc<Attached>, mut stream: TcpStream) -> io::Result<()> {
    loop {
        let read = async {
            let length = usize::from(stream.read_u16().await?);
            let mut question = vec![0; length];
            stream.read_exact(&mut question).await?;
            io::Result::Ok(question)
        };
        let question = tokio::time::timeout(TCP_IDLE, read).await??;
        let Some(answer) = answer(shared, pod, &question, true).await else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(answer);
        stream.write_all(&framed).await?;
    }
}

/// The answer to a message; none to what is no question.
async fn answer(shared: &Arc<Shared>, pod: &Arc<Attached>, bytes: &[u8], stream: bool) -> Option<Vec<u8>> {
    let query = match message::parse(bytes) {
        Parsed::Query(query) => query,
        Parsed::Refused(answer) => return Some(answer),
        Parsed::Nothing => return None,
    };
    shared.counters.questions.fetch_add(1, Ordering::Relaxed);
    let view = shared.now_view();
    let found = names::look_up(&query.name, &pod.namespace, &view);
    // Before the first picture nobody can say that a name does not exist.
    let reply = if !view.complete {
        Reply::failure(Rcode::ServerFailure)
    } else if let Some(outside) = egress::asked(shared, pod, &view, &query, &found).await {
        outside
    } else {
        let (behind, sockets) = found.sockets();
        // An answer without sockets behind it would send the caller into a refusal.
        let _ = tokio::time::timeout(STAND, pod.stand(shared, &sockets, &behind)).await;
        explain(shared, pod, &query, &found);
        in_turn(shared, found.reply(&query))
    };
    Some(message::encode(&query, &reply, stream))
}

/// Most programs take the first of several addresses: each is the first now and then.
fn in_turn(shared: &Shared, mut reply: Reply) -> Reply {
    if let Ok(count @ 2..) = u64::try_from(reply.answers.len()) {
        let mut start = [0; 8];
        shared.settings.world.entropy.fill(&mut start);
        reply.answers.rotate_left(usize::try_from(u64::from_le_bytes(start) % count).unwrap_or_default());
    }
    reply
}

/// Tells the log what an answer code cannot.
fn explain(shared: &Shared, pod: &Attached, query: &Query, found: &names::Found) {
    if let Some(why) = found.unsupported() {
        let name = query.name.join(".");
        shared.complain(format!("{} {name}", pod.uid), || {
            tracing::warn!(pod.namespace = pod.namespace, pod.name = pod.name, name, "name not answered: {why}");
        });
    }
}

#[cfg(test)]
pub(super) use message::tests as tests_of_messages;

#[cfg(test)]
mod tests;
