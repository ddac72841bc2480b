//! Who talks to pod init, and the sockets that leave the pod with the answers.

use std::fs;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg, sockopt,
};

use super::Init;
use crate::runner::failed::{Failed, Step as _};
use crate::runner::protocol::{Answer, MESSAGE_LIMIT, MOST_FDS, Packet, Request};
use crate::runner::raw;

/// More connections than any owner needs.
const PEER_LIMIT: usize = 16;

/// One connection.
pub(super) struct Peer {
    pub(super) fd: OwnedFd,
}

/// A socket on its way to its target.
pub(super) struct Connecting {
    peer: u64,
    id: u64,
    pub(super) socket: OwnedFd,
    target: SocketAddr,
}

/// Makes the pod's own socket; only its owner and root may connect.
pub(super) fn listen(path: &Path) -> Result<OwnedFd, Failed> {
    let _absent = fs::remove_file(path);
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let what = || format!("listen on {}", path.display());
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).step(what)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).step(what)?).step(what)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).step(what)?;
    rustix::net::listen(&socket, 16).step(what)?;
    Ok(socket)
}

impl Init {
    pub(super) fn accept(&mut self) {
        let Ok(fd) = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) else {
            return;
        };
        if self.peers.len() < PEER_LIMIT && comes_from_outside(&fd) {
            let key = self.key();
            self.peers.insert(key, Peer { fd });
        }
    }

    /// Reads one request. A peer that is gone, or talks nonsense, is let go.
    pub(super) fn hear(&mut self, key: u64) {
        let Some(peer) = self.peers.get(&key) else { return };
        let mut bytes = vec![0u8; MESSAGE_LIMIT];
        let heard = recvmsg(
            &peer.fd,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut RecvAncillaryBuffer::new(&mut []),
            RecvFlags::DONTWAIT,
        );
        match heard {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.forget_peer(key),
            Ok(heard) => match serde_json::from_slice::<Request>(&bytes[..heard.bytes]) {
                Ok(request) => self.answer(key, request),
                Err(_) => self.forget_peer(key),
            },
        }
    }

    /// Sends a packet. A peer that does not read is let go: it comes back and asks for the state.
    pub(super) fn send(&mut self, key: u64, packet: &Packet, fds: impl IntoIterator<Item = OwnedFd>) {
        let Some(peer) = self.peers.get(&key) else { return };
        let bytes = serde_json::to_vec(packet).expect("plain data becomes JSON");
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let fds: Vec<OwnedFd> = fds.into_iter().collect();
        let fds: Vec<_> = fds.iter().map(|it| it.as_fd()).collect();
        if !fds.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&fds));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        if sendmsg(&peer.fd, &[IoSlice::new(&bytes)], &mut ancillary, flags).is_err() {
            self.forget_peer(key);
        }
    }

    fn forget_peer(&mut self, key: u64) {
        self.peers.remove(&key);
        self.connecting.retain(|_, it| it.peer != key);
        self.stop_execs_of(key);
    }

    pub(super) fn connect(&mut self, peer: u64, id: u64, source: IpAddr, target: SocketAddr) -> Result<(), Failed> {
        let socket = self.network.connect(source, target)?;
        let key = self.key();
        self.connecting.insert(key, Connecting { peer, id, socket, target });
        // On the loopback the answer is there at once: no need to wait for the next round.
        self.end_connect(key);
        Ok(())
    }

    pub(super) fn end_connect(&mut self, key: u64) {
        let Some(found) = self.connecting.get(&key) else { return };
        let outcome = match sockopt::socket_error(&found.socket) {
            Ok(Ok(())) if rustix::net::getpeername(&found.socket).is_err() => return, // still on its way
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) | Err(error) => Err(error),
        };
        let Some(Connecting { peer, id, socket, target }) = self.connecting.remove(&key) else { return };
        match outcome.step(|| format!("connect to {target}")) {
            Ok(()) => self.send(peer, &Packet::Reply { id, answer: Answer::Done }, Some(socket)),
            Err(failed) => {
                let answer = Answer::Failed { message: failed.line(), errno: failed.errno() };
                self.send(peer, &Packet::Reply { id, answer }, None);
            }
        }
    }
}

/// Whether a peer is no process of the pod: those that live outside its PID namespace have no pid here.
/// The socket's mode has already kept away everybody but its owner and root.
fn comes_from_outside(fd: &OwnedFd) -> bool {
    raw::peer_pid(fd).is_ok_and(|pid| pid == 0)
}
