//! The few system calls that Rust cannot check: each with the reason why it is sound here.
#![expect(unsafe_code, reason = "fork, unshare and close_range have no safe form; every use says why it holds")]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd, FromRawFd as _, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Which side of a fork this is.
pub(super) enum Fork {
    /// The new process.
    Child,
    /// The old one, with the new one's pid.
    Parent(Pid),
}

/// Forks. Only launcher and pod init call this, and they have exactly one thread for all their life.
pub(super) fn fork() -> io::Result<Fork> {
    // SAFETY: the process is single-threaded (it was re-executed for this and starts no thread), so the child
    // inherits no lock held by somebody who is gone.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Pid::from_raw(pid).map(Fork::Parent).ok_or_else(|| io::Error::other("fork gave no pid")),
    }
}

/// Leaves namespaces for new ones.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: no flag used here (new namespaces only, never FILES or FS) takes descriptors or the working folder
    // from under other threads, and there are none.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Closes every descriptor above the standard three: nothing leaks in from whoever started us.
pub(super) fn close_inherited() -> io::Result<()> {
    close_range(0)
}

/// Takes every signal as it is by default: what whoever started us ignores (a shell does so with the interrupt of what it
/// starts in the background) would be ignored in every container. A broken pipe stays an error of a write: init outlives
/// its clients, and containers get the default back when they are executed.
pub(super) fn default_signals() {
    for signal in (1..=libc::SIGRTMAX()).filter(|it| *it != libc::SIGPIPE) {
        // SAFETY: sets dispositions of this process only, before it has set any; SIGKILL, SIGSTOP and those that the C
        // library keeps for itself are refused, and that is as it should be.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Marks every descriptor above the standard three to be closed by the next exec: nothing leaks into a container.
pub(super) fn close_on_exec() -> io::Result<()> {
    close_range(libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: called before this process owns any descriptor above 2 (flags 0), or only sets a flag (CLOEXEC).
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, flags) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The pid of whoever connected to a Unix socket, as seen from here; 0 when it lives outside this PID namespace.
pub(super) fn peer_pid(socket: &impl AsRawFd) -> io::Result<i32> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(io::Error::other)?;
    let into = (&raw mut credentials).cast();
    // SAFETY: the kernel writes at most `size` bytes into a plain structure of that size. (The safe form takes the pid
    // for non-zero, which it is not for a peer of another namespace.)
    let done =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, into, &raw mut size) };
    if done == 0 { Ok(credentials.pid) } else { Err(io::Error::last_os_error()) }
}

/// `struct mount_attr` of linux/mount.h.
#[repr(C)]
#[derive(Default)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    namespace: u64,
}

/// Shows a mount that is nowhere yet with the users of a namespace in place of those on disk.
pub(super) fn map_mount(mount: &OwnedFd, namespace: &OwnedFd) -> io::Result<()> {
    const IDMAP: u64 = 0x0010_0000;
    let namespace = u64::try_from(namespace.as_raw_fd()).map_err(io::Error::other)?;
    set_mount(mount, 0, &MountAttributes { set: IDMAP, namespace, ..MountAttributes::default() })
}

/// Takes rights from a mount and all below it: devices, set-user programs, and writing.
pub(super) fn limit_mount(mount: &OwnedFd, read_only: bool) -> io::Result<()> {
    const READ_ONLY: u64 = 1;
    const NOTHING_SPECIAL: u64 = 2 | 4;
    let set = NOTHING_SPECIAL | if read_only { READ_ONLY } else { 0 };
    let propagation = libc::MS_PRIVATE;
    set_mount(mount, libc::AT_RECURSIVE, &MountAttributes { set, propagation, ..MountAttributes::default() })
}

fn set_mount(mount: &OwnedFd, flags: libc::c_int, attributes: &MountAttributes) -> io::Result<()> {
    let (empty, flags) = (c"".as_ptr(), flags | libc::AT_EMPTY_PATH);
    // SAFETY: both pointers are to live data, of the size that is given; the kernel only reads them.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            empty,
            flags,
            std::ptr::from_ref(attributes),
            size_of::<MountAttributes>(),
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets the runtime watch a descriptor.
pub(super) fn watched(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` always gives the same descriptor, open for as long as it lives, and the `AsyncFd` owns it.
    unsafe { AsyncFd::register_with_interest(fd, interest) }.map_err(io::Error::from)
}

/// Installs a filter of system calls that asks; gives what the questions come out of.
pub(super) fn listen_to_calls(program: &[seccompiler::sock_filter]) -> io::Result<OwnedFd> {
    let length = libc::c_ushort::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // SAFETY: the kernel reads `len` instructions, which have the layout of its own structure, and keeps a copy.
    let done =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, std::ptr::from_ref(&program)) };
    match i32::try_from(done) {
        // SAFETY: it is a new descriptor that nobody else knows.
        Ok(fd @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A call that waits: its number and arguments. It goes on as if nobody had asked.
pub(super) fn hear_call(calls: &OwnedFd) -> io::Result<(i64, [u64; 6])> {
    // SAFETY: plain numbers, for which zero is good; the kernel insists on it.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one structure of this size.
    if unsafe { libc::ioctl(calls.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).map_err(io::Error::other)?;
    let mut answer = libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags };
    // SAFETY: the kernel reads one structure of this size. (A caller that is gone needs no answer.)
    let _gone = unsafe { libc::ioctl(calls.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    Ok((call.data.nr.into(), call.data.args))
}

/// Gives a descriptor to whoever has the other end of a socket.
pub(super) fn hand_over(socket: &OwnedFd, fd: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [fd.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(socket, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes what was handed over, if anything was.
pub(super) fn take_over(socket: &OwnedFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    recvmsg(socket, &mut [IoSliceMut::new(&mut [0])], &mut ancillary, flags).ok()?;
    ancillary.drain().find_map(|it| match it {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    })
}

/// Ends this process at once, without running what its parent registered to run at exit.
pub(super) fn exit(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(code) }
}
