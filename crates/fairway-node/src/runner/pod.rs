//! The node's end of the connection to a pod's init.

use std::collections::HashMap;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags,
    SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg,
};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use thiserror::Error;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::protocol::{Answer, Ask, ExecResult, MESSAGE_LIMIT, MOST_FDS, Packet, PodState, Request, Sandbox};
use super::{folder, launch, raw};
use crate::sockets::{PodSockets, Transport, connections_in};

/// Why pod init did not do what it was asked.
#[derive(Debug, Error)]
pub enum AskPod {
    /// It is not there any more.
    #[error("the pod is gone")]
    Gone,
    /// It tried and failed.
    #[error("{message}")]
    Refused {
        /// Which step failed, and how.
        message: String,
        /// What the kernel said.
        errno: Option<i32>,
    },
    /// It answered something else than was asked.
    #[error("pod init answered something else than was asked")]
    Answer,
    /// Its socket does not work.
    #[error("talk to pod init")]
    Talk(#[from] io::Error),
}

impl From<AskPod> for io::Error {
    fn from(error: AskPod) -> Self {
        match error {
            AskPod::Gone => io::Error::new(io::ErrorKind::NotConnected, error),
            AskPod::Refused { errno: Some(errno), .. } => io::Error::from_raw_os_error(errno),
            AskPod::Talk(error) => error,
            other => io::Error::other(other),
        }
    }
}

type Waiting = HashMap<u64, oneshot::Sender<(Answer, Vec<OwnedFd>)>>;

/// What the reading task shares with those who ask.
pub(super) struct Line {
    socket: AsyncFd<OwnedFd>,
    waiting: Mutex<Waiting>,
    /// Who wants to know how the command of a request ended.
    attached: Mutex<HashMap<u64, oneshot::Sender<i32>>>,
    state: watch::Sender<PodState>,
    gone: watch::Sender<bool>,
}

/// A running pod. Dropping it hangs up; the pod goes on.
pub struct Pod {
    /// What the pod was made of.
    pub sandbox: Sandbox,
    /// Pod init's pid as the machine sees it.
    pub init_pid: i32,
    pidfd: AsyncFd<OwnedFd>,
    pub(super) line: Arc<Line>,
    last_id: AtomicU64,
    _reader: JoinSet<()>,
}

impl Pod {
    /// Connects to a pod's init and learns all it knows. One that does not answer in time (somebody stopped it) is killed:
    /// what cannot be talked to cannot be run either.
    pub(super) async fn connect(state: &Path, sandbox: Sandbox, patience: Duration) -> Result<Self, AskPod> {
        let socket = dial(state, &sandbox.uid)?;
        let init_pid = raw::peer_pid(&socket)?;
        let pid = Pid::from_raw(init_pid).ok_or(AskPod::Gone)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from)?;
        let line = Arc::new(Line {
            socket: raw::watched(socket, Interest::READABLE | Interest::WRITABLE)?,
            waiting: Mutex::default(),
            attached: Mutex::default(),
            state: watch::Sender::new(PodState::default()),
            gone: watch::Sender::new(false),
        });
        let mut reader = JoinSet::new();
        reader.spawn(Arc::clone(&line).read());
        let pidfd = raw::watched(pidfd, Interest::READABLE)?;
        let pod = Self { sandbox, init_pid, pidfd, line, last_id: AtomicU64::new(0), _reader: reader };
        match tokio::time::timeout(patience, pod.ask(Ask::State)).await {
            Ok(Ok((Answer::State(state), _))) => pod.line.state.send_replace(state),
            Ok(Ok(_)) => return Err(AskPod::Answer),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                tracing::warn!(pod.uid = pod.sandbox.uid, "a pod's init does not answer and is killed");
                pod.kill().await;
                return Err(AskPod::Gone);
            }
        };
        Ok(pod)
    }

    /// What is known of the containers, and every change of it.
    pub fn watch(&self) -> watch::Receiver<PodState> {
        self.line.state.subscribe()
    }

    /// What is known of the containers.
    pub fn state(&self) -> PodState {
        self.line.state.borrow().clone()
    }

    /// Whether pod init has hung up: then the pod is dead.
    pub fn is_gone(&self) -> bool {
        *self.line.gone.borrow()
    }

    /// Comes back when the pod is dead.
    pub async fn gone(&self) {
        let mut gone = self.line.gone.subscribe();
        let _sender_lives_as_long_as_we = gone.wait_for(|it| *it).await;
    }

    /// Starts a run that is described in its folder.
    pub(super) async fn start(&self, name: &str, attempt: u32) -> Result<(), AskPod> {
        self.done(Ask::Start { name: name.into(), attempt }).await
    }

    /// Sends a signal to a container's first process. Nothing happens if it has ended.
    pub async fn signal(&self, name: &str, attempt: u32, signal: i32) -> Result<(), AskPod> {
        self.done(Ask::Signal { name: name.into(), attempt, signal }).await
    }

    /// Runs a command in a running container.
    pub async fn exec(&self, name: &str, argv: &[String], timeout: Duration) -> Result<ExecResult, AskPod> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        match self.ask(Ask::Exec { name: name.into(), argv: argv.to_vec(), timeout_ms }).await? {
            (Answer::Exec(result), _) => Ok(result),
            _ => Err(AskPod::Answer),
        }
    }

    /// Kills the pod and all in it, and comes back when nothing of it runs.
    pub async fn kill(&self) {
        if let Err(Errno::PERM) = pidfd_send_signal(self.pidfd.get_ref(), Signal::KILL) {
            self.kill_as_its_user();
        }
        // A pidfd is readable once its process has ended; pid 1 ends only after all of its namespace has.
        let _ended = self.pidfd.readable().await;
    }

    /// Kills a pod of the node before, whose user namespace is another one though it has the same users: there we are nobody,
    /// and the pod's own user is the one who may.
    fn kill_as_its_user(&self) {
        let Some(user) = self.sandbox.host_user else { return };
        // A thread that is another user ends as that one.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let killed = launch::become_user(user)
                    .map_err(|it| it.line())
                    .and_then(|()| pidfd_send_signal(self.pidfd.get_ref(), Signal::KILL).map_err(|it| it.to_string()));
                if let Err(why) = killed {
                    tracing::warn!(pod.uid = self.sandbox.uid, "a pod is not killed: {why}");
                }
            });
        });
    }

    async fn done(&self, ask: Ask) -> Result<(), AskPod> {
        match self.ask(ask).await? {
            (Answer::Done, _) => Ok(()),
            _ => Err(AskPod::Answer),
        }
    }

    async fn socket(&self, ask: Ask) -> Result<OwnedFd, AskPod> {
        let (Answer::Done, fds) = self.ask(ask).await? else { return Err(AskPod::Answer) };
        fds.into_iter().next().ok_or(AskPod::Answer)
    }

    async fn ask(&self, ask: Ask) -> Result<(Answer, Vec<OwnedFd>), AskPod> {
        self.ask_as(self.next_id(), ask).await
    }

    /// The number of a request.
    pub(super) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) async fn ask_as(&self, id: u64, ask: Ask) -> Result<(Answer, Vec<OwnedFd>), AskPod> {
        let bytes = serde_json::to_vec(&Request { id, ask }).map_err(io::Error::from)?;
        if bytes.len() > MESSAGE_LIMIT {
            return Err(AskPod::Refused { message: "the request is too long for pod init".into(), errno: None });
        }
        let (sender, receiver) = oneshot::channel();
        self.line.waiting().insert(id, sender);
        if self.is_gone() {
            self.line.waiting().remove(&id);
            return Err(AskPod::Gone);
        }
        let sent = self.line.socket.async_io(Interest::WRITABLE, |it| {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            Ok(sendmsg(it, &[IoSlice::new(&bytes)], &mut SendAncillaryBuffer::default(), flags)?)
        });
        if let Err(error) = sent.await {
            self.line.waiting().remove(&id);
            return Err(if error.kind() == io::ErrorKind::BrokenPipe { AskPod::Gone } else { error.into() });
        }
        match receiver.await {
            Err(_) => Err(AskPod::Gone),
            Ok((Answer::Failed { message, errno }, _)) => Err(AskPod::Refused { message, errno }),
            Ok(answer) => Ok(answer),
        }
    }
}

/// A socket's path must be short and the state folder's may be long: the folder is opened, the path starts there.
fn dial(state: &Path, uid: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, state, flags, Mode::empty())?;
    let path = Path::new("/proc/self/fd").join(opened.as_raw_fd().to_string()).join(folder::socket(uid));
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

impl Line {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes to hear how the command of a request ends; ask before it can.
    pub(super) fn attach(&self, request: u64) -> oneshot::Receiver<i32> {
        let (sender, receiver) = oneshot::channel();
        self.lock_attached().insert(request, sender);
        receiver
    }

    /// Does not want to hear of it any more; has it killed, as far as it still runs.
    pub(super) fn leave(&self, request: u64) {
        if self.lock_attached().remove(&request).is_none() {
            return;
        }
        // Its answer interests nobody, so its number is nobody's.
        let Ok(bytes) = serde_json::to_vec(&Request { id: 0, ask: Ask::Stop { request } }) else { return };
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = sendmsg(self.socket.get_ref(), &[IoSlice::new(&bytes)], &mut SendAncillaryBuffer::default(), flags);
        if let Err(error) = sent {
            tracing::debug!(%error, "a command in a pod was not told to end");
        }
    }

    fn lock_attached(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<i32>>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(self: Arc<Self>) {
        let mut bytes = vec![0u8; MESSAGE_LIMIT + 1024];
        while let Ok((packet, fds)) = self.receive(&mut bytes).await {
            match packet {
                Packet::Ended { request, exit_code } => {
                    if let Some(attached) = self.lock_attached().remove(&request) {
                        let _gave_up = attached.send(exit_code);
                    }
                }
                Packet::Changed(change) => self.state.send_modify(|it| it.record(change)),
                Packet::Reply { id, answer } => {
                    if let Some(asker) = self.waiting().remove(&id) {
                        let _gave_up = asker.send((answer, fds));
                    }
                }
            }
        }
        self.gone.send_replace(true);
        self.waiting().clear();
        self.lock_attached().clear();
    }

    async fn receive(&self, bytes: &mut [u8]) -> io::Result<(Packet, Vec<OwnedFd>)> {
        let (count, fds) = self
            .socket
            .async_io(Interest::READABLE, |it| {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
                let mut ancillary = RecvAncillaryBuffer::new(&mut space);
                let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
                let count = recvmsg(it, &mut [IoSliceMut::new(bytes)], &mut ancillary, flags)?.bytes;
                let passed = ancillary.drain().filter_map(|it| match it {
                    RecvAncillaryMessage::ScmRights(fds) => Some(fds),
                    _ => None,
                });
                Ok((count, passed.flatten().collect::<Vec<_>>()))
            })
            .await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok((serde_json::from_slice(&bytes[..count])?, fds))
    }
}

#[async_trait]
impl PodSockets for Pod {
    async fn listen(&self, address: SocketAddr, transport: Transport) -> io::Result<OwnedFd> {
        Ok(self.socket(Ask::Listen { address, transport }).await?)
    }

    async fn connect(&self, source: IpAddr, target: SocketAddr) -> io::Result<OwnedFd> {
        Ok(self.socket(Ask::Connect { source, target }).await?)
    }

    fn connections(&self, to: IpAddr) -> usize {
        // A pod that is gone has none.
        let table = std::fs::read_to_string(format!("/proc/{}/net/tcp", self.init_pid)).unwrap_or_default();
        connections_in(&table, to)
    }
}
