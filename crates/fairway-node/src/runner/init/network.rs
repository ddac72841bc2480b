//! The pod's network: two namespaces and a pair of links between them.
//!
//! In the one on the node's side the loopback takes in all that is meant for Services and other pods, and the node's sockets
//! stand there. In the other one the pod's programs run, with the pod's address and nothing else of the node's: a program that
//! listens on every address at some port is in nobody's way, and never gets what it sends to somebody else's address back
//! itself. A kernel that cannot make such pairs has both in one namespace.

mod kernel;

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use crate::runner::failed::{Failed, Step as _};
use crate::runner::raw;
use crate::sockets::Transport;
use kernel::{End, Kernel, LOOPBACK, PAIR};

const BACKLOG: i32 = 1024;
/// Where the pod's namespace sends everything; nobody can call it.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);
const NODE_END: End = End { name: "pod", hardware: [2, 0, 0, 0, 0, 1] };
const POD_END: End = End { name: "eth0", hardware: [2, 0, 0, 0, 0, 2] };

/// The pod's network.
pub(super) struct Network {
    ip: Ipv4Addr,
    /// The node's side, where we are.
    here: OwnedFd,
    /// Where the pod's programs are, if that is somewhere else.
    pod: Option<OwnedFd>,
}

impl Network {
    /// Brings it up, in a fresh namespace that is the node's side from now on.
    pub(super) fn bring_up(ip: Ipv4Addr, ranges: &[(Ipv4Addr, u8)]) -> Result<Self, Failed> {
        let here = this_namespace()?;
        let node = Kernel::open()?;
        node.up(LOOPBACK)?;
        ranges.iter().try_for_each(|it| node.take_in(*it))?;
        open_low_ports()?;
        let made = make_pod_side(ip, ranges, &here);
        enter(&here)?;
        let pod = match made {
            Ok(pod) => {
                close_to_version_six(NODE_END.name);
                node.up(PAIR)?;
                node.neighbour(PAIR, ip, POD_END.hardware)?;
                node.leave_out(ip)?;
                Some(pod)
            }
            Err(failed) => {
                let _diary_is_full = writeln!(io::stderr(), "the pod has one network namespace: {}", failed.line());
                node.address(LOOPBACK, ip)?;
                None
            }
        };
        Ok(Self { ip, here, pod })
    }

    /// Where the pod's programs run, if not where we do.
    pub(super) fn of_programs(&self) -> Option<&OwnedFd> {
        self.pod.as_ref()
    }

    /// What is asked for by the pod's own address is made among its programs.
    fn at<T>(&self, address: IpAddr, make: impl FnOnce() -> Result<T, Failed>) -> Result<T, Failed> {
        match &self.pod {
            Some(pod) if address == self.ip => {
                enter(pod)?;
                let made = make();
                enter(&self.here)?;
                made
            }
            _ => make(),
        }
    }

    /// A socket that stands on an address in the pod.
    pub(super) fn listen(&self, address: SocketAddr, transport: Transport) -> Result<OwnedFd, Failed> {
        self.at(address.ip(), || listen(address, transport))
    }

    /// A socket that is connected, or about to be.
    pub(super) fn connect(&self, source: IpAddr, target: SocketAddr) -> Result<OwnedFd, Failed> {
        self.at(source, || connect(source, target))
    }
}

fn this_namespace() -> Result<OwnedFd, Failed> {
    Ok(fs::File::open("/proc/self/ns/net").step(|| "open the own network namespace".into())?.into())
}

fn enter(namespace: &OwnedFd) -> Result<(), Failed> {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .step(|| "enter a network namespace".into())
}

/// Makes the namespace of the pod's programs. We are in it afterwards, or not, if it fails.
fn make_pod_side(ip: Ipv4Addr, ranges: &[(Ipv4Addr, u8)], node_side: &OwnedFd) -> Result<OwnedFd, Failed> {
    raw::unshare(UnshareFlags::NEWNET).step(|| "make the network namespace of the pod's programs".into())?;
    let pod = Kernel::open()?;
    pod.pair(&POD_END, &NODE_END, node_side)?;
    close_to_version_six(POD_END.name);
    pod.up(LOOPBACK)?;
    pod.up(PAIR)?;
    pod.address(PAIR, ip)?;
    pod.neighbour(PAIR, GATEWAY, NODE_END.hardware)?;
    ranges.iter().try_for_each(|it| pod.send_out(*it, GATEWAY, ip))?;
    open_low_ports()?;
    this_namespace()
}

/// There is no privileged user in a pod who could be asked.
fn open_low_ports() -> Result<(), Failed> {
    fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0").step(|| "open low ports".into())
}

/// A link would give itself an address of that version, and programs would take it for a way out.
fn close_to_version_six(link: &str) {
    let _the_kernel_does_not_know_it = fs::write(format!("/proc/sys/net/ipv6/conf/{link}/disable_ipv6"), "1");
}

fn family(address: &SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

fn listen(address: SocketAddr, transport: Transport) -> Result<OwnedFd, Failed> {
    let what = || format!("listen on {address} in the pod");
    let kind = match transport {
        Transport::Tcp => SocketType::STREAM,
        Transport::Udp => SocketType::DGRAM,
    };
    let socket = socket_with(family(&address), kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None).step(what)?;
    sockopt::set_socket_reuseaddr(&socket, true).step(what)?;
    bind(&socket, &address).step(what)?;
    if transport == Transport::Tcp {
        rustix::net::listen(&socket, BACKLOG).step(what)?;
    }
    Ok(socket)
}

fn connect(source: IpAddr, target: SocketAddr) -> Result<OwnedFd, Failed> {
    let what = || format!("connect from {source} to {target} in the pod");
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family(&target), SocketType::STREAM, flags, None).step(what)?;
    bind(&socket, &SocketAddr::new(source, 0)).step(what)?;
    match rustix::net::connect(&socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error).step(what),
    }
}
