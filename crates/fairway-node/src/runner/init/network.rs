//! The pod's own network: a loopback that carries the pod's address and takes in all that is meant for Services and
//! other pods, and sockets on it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with, sockopt,
};

use crate::runner::failed::{Failed, Step as _};
use crate::sockets::Transport;

const LOOPBACK: u32 = 1; // the index of `lo` in every new namespace
const BACKLOG: i32 = 1024;

// From linux/netlink.h and linux/rtnetlink.h.
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const NLMSG_ERROR: u16 = 2;
const CHANGE: u16 = 0x1 | 0x4; // request, acknowledge
const PUT: u16 = CHANGE | 0x400 | 0x100; // create, replace
const IFF_UP: u32 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const TABLE_LOCAL: u8 = 255;
const PROTOCOL_STATIC: u8 = 4;
const SCOPE_HOST: u8 = 254;
const TYPE_LOCAL: u8 = 2;

/// Brings the loopback up with the pod's address and its local ranges, and opens low ports to everybody: there is no
/// privileged user in a pod who could be asked.
pub(super) fn bring_up(ip: Ipv4Addr, ranges: &[(Ipv4Addr, u8)]) -> Result<(), Failed> {
    let flags = SocketFlags::CLOEXEC;
    let kernel =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None).step(|| "open a netlink socket".into())?;
    ask(&kernel, RTM_NEWLINK, CHANGE, &link_up()).step(|| "bring the loopback up".into())?;
    ask(&kernel, RTM_NEWADDR, PUT, &address(ip)).step(|| format!("give the pod its address {ip}"))?;
    for (network, length) in ranges {
        ask(&kernel, RTM_NEWROUTE, PUT, &local_route(*network, *length))
            .step(|| format!("route {network}/{length} into the pod"))?;
    }
    std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0").step(|| "open low ports".into())
}

fn link_up() -> Vec<u8> {
    let mut body = vec![0u8; 4]; // family, padding, type
    body.extend(LOOPBACK.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes()); // flags
    body.extend(IFF_UP.to_ne_bytes()); // which of them to change
    body
}

fn address(ip: Ipv4Addr) -> Vec<u8> {
    let mut body = vec![AF_INET, 32, 0, 0];
    body.extend(LOOPBACK.to_ne_bytes());
    attribute(&mut body, IFA_LOCAL, ip.octets());
    attribute(&mut body, IFA_ADDRESS, ip.octets());
    body
}

fn local_route(network: Ipv4Addr, length: u8) -> Vec<u8> {
    let mut body = vec![AF_INET, length, 0, 0, TABLE_LOCAL, PROTOCOL_STATIC, SCOPE_HOST, TYPE_LOCAL];
    body.extend(0u32.to_ne_bytes());
    attribute(&mut body, RTA_DST, network.octets());
    attribute(&mut body, RTA_OIF, LOOPBACK.to_ne_bytes());
    body
}

const AF_INET: u8 = 2;

/// Both attribute kinds here carry exactly four bytes, so no padding is needed.
fn attribute(body: &mut Vec<u8>, kind: u16, value: [u8; 4]) {
    body.extend(8u16.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
}

fn ask(kernel: &OwnedFd, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 16).map_err(io::Error::other)?;
    let mut message = Vec::with_capacity(body.len() + 16);
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0u8; 8]); // sequence, port
    message.extend(body);
    send(kernel, &message, SendFlags::empty())?;
    let mut answer = [0u8; 512];
    let (count, _) = recv(kernel, &mut answer, RecvFlags::empty())?;
    let number = |at: usize| -> [u8; 4] { std::array::from_fn(|it| answer[at + it]) };
    if count < 20 || u16::from_ne_bytes([answer[4], answer[5]]) != NLMSG_ERROR {
        return Err(io::Error::other("the kernel's answer is not an acknowledgement"));
    }
    match i32::from_ne_bytes(number(16)) {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(-code)),
    }
}

fn family(address: &SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

/// A socket that stands on an address of the pod.
pub(super) fn listen(address: SocketAddr, transport: Transport) -> Result<OwnedFd, Failed> {
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

/// A socket that is connected, or about to be.
pub(super) fn connect(source: IpAddr, target: SocketAddr) -> Result<OwnedFd, Failed> {
    let what = || format!("connect from {source} to {target} in the pod");
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family(&target), SocketType::STREAM, flags, None).step(what)?;
    bind(&socket, &SocketAddr::new(source, 0)).step(what)?;
    match rustix::net::connect(&socket, &target) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error).step(what),
    }
}
