//! What the kernel is told of links, addresses and routes: netlink messages, as few as a pod needs.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

use crate::runner::failed::{Failed, Step as _};

/// The index of `lo` in every new namespace, and the one that we give to either end of the pair.
pub(super) const LOOPBACK: u32 = 1;
pub(super) const PAIR: u32 = 2;
/// As much as a packet of the pair may carry.
const PACKET: u32 = 65_520;

// From linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/veth.h and linux/neighbour.h.
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const RTM_NEWNEIGH: u16 = 28;
const NLMSG_ERROR: u16 = 2;
const CHANGE: u16 = 0x1 | 0x4; // request, acknowledge
const PUT: u16 = CHANGE | 0x400 | 0x100; // create, replace
const MAKE: u16 = CHANGE | 0x400 | 0x200; // create, it is not there yet
const IFF_UP: u32 = 1;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NUD_PERMANENT: u16 = 0x80;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PREFSRC: u16 = 7;
const RTNH_F_ONLINK: u32 = 4;
const TABLE_MAIN: u8 = 254;
const TABLE_LOCAL: u8 = 255;
const PROTOCOL_STATIC: u8 = 4;
const SCOPE_UNIVERSE: u8 = 0;
const SCOPE_LINK: u8 = 253;
const SCOPE_HOST: u8 = 254;
const TYPE_UNICAST: u8 = 1;
const TYPE_LOCAL: u8 = 2;
const AF_INET: u8 = 2;

/// One end of a pair of links: what it is called, and its hardware's address.
pub(super) struct End {
    pub(super) name: &'static str,
    pub(super) hardware: [u8; 6],
}

/// The network of one namespace: the one in which it was opened, wherever we go.
pub(super) struct Kernel(OwnedFd);

impl Kernel {
    pub(super) fn open() -> Result<Self, Failed> {
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None);
        socket.map(Self).step(|| "open a netlink socket".into())
    }

    /// Turns a link on.
    pub(super) fn up(&self, link: u32) -> Result<(), Failed> {
        self.ask(RTM_NEWLINK, CHANGE, &link_header(link, IFF_UP)).step(|| format!("bring link {link} up"))
    }

    /// Makes a pair of links: one end here, the other in another namespace.
    pub(super) fn pair(&self, here: &End, there: &End, namespace: &OwnedFd) -> Result<(), Failed> {
        let step = || "make a pair of links".to_owned();
        let fd = u32::try_from(namespace.as_raw_fd()).map_err(io::Error::other).step(step)?;
        let mut peer = link(there);
        attribute(&mut peer, IFLA_NET_NS_FD, &fd.to_ne_bytes());
        let (mut information, mut data) = (Vec::new(), Vec::new());
        attribute(&mut data, VETH_INFO_PEER, &peer);
        attribute(&mut information, IFLA_INFO_KIND, b"veth");
        attribute(&mut information, IFLA_INFO_DATA, &data);
        let mut body = link(here);
        attribute(&mut body, IFLA_LINKINFO, &information);
        self.ask(RTM_NEWLINK, MAKE, &body).step(step)
    }

    /// Gives a link an address.
    pub(super) fn address(&self, link: u32, ip: Ipv4Addr) -> Result<(), Failed> {
        let mut body = vec![AF_INET, 32, 0, 0];
        body.extend(link.to_ne_bytes());
        attribute(&mut body, IFA_LOCAL, &ip.octets());
        attribute(&mut body, IFA_ADDRESS, &ip.octets());
        self.ask(RTM_NEWADDR, PUT, &body).step(|| format!("give the pod its address {ip}"))
    }

    /// Says once and for all at which hardware an address is found.
    pub(super) fn neighbour(&self, link: u32, ip: Ipv4Addr, hardware: [u8; 6]) -> Result<(), Failed> {
        let mut body = vec![AF_INET, 0, 0, 0];
        body.extend(link.to_ne_bytes());
        body.extend(NUD_PERMANENT.to_ne_bytes());
        body.extend([0, 0]); // flags, type
        attribute(&mut body, NDA_DST, &ip.octets());
        attribute(&mut body, NDA_LLADDR, &hardware);
        self.ask(RTM_NEWNEIGH, PUT, &body).step(|| format!("say where {ip} is"))
    }

    /// All addresses of a range are our own.
    pub(super) fn take_in(&self, (network, length): (Ipv4Addr, u8)) -> Result<(), Failed> {
        let mut body = route(length, TABLE_LOCAL, SCOPE_HOST, TYPE_LOCAL, 0);
        attribute(&mut body, RTA_DST, &network.octets());
        attribute(&mut body, RTA_OIF, &LOOPBACK.to_ne_bytes());
        self.ask(RTM_NEWROUTE, PUT, &body).step(|| format!("route {network}/{length} into the pod"))
    }

    /// One address of a range that is our own is not: it is behind the pair.
    pub(super) fn leave_out(&self, ip: Ipv4Addr) -> Result<(), Failed> {
        let mut body = route(32, TABLE_LOCAL, SCOPE_LINK, TYPE_UNICAST, 0);
        attribute(&mut body, RTA_DST, &ip.octets());
        attribute(&mut body, RTA_OIF, &PAIR.to_ne_bytes());
        self.ask(RTM_NEWROUTE, PUT, &body).step(|| format!("route {ip} to the pod"))
    }

    /// All addresses of a range are behind the pair.
    pub(super) fn send_out(
        &self,
        (network, length): (Ipv4Addr, u8),
        gateway: Ipv4Addr,
        source: Ipv4Addr,
    ) -> Result<(), Failed> {
        let mut body = route(length, TABLE_MAIN, SCOPE_UNIVERSE, TYPE_UNICAST, RTNH_F_ONLINK);
        attribute(&mut body, RTA_DST, &network.octets());
        attribute(&mut body, RTA_GATEWAY, &gateway.octets());
        attribute(&mut body, RTA_OIF, &PAIR.to_ne_bytes());
        attribute(&mut body, RTA_PREFSRC, &source.octets());
        self.ask(RTM_NEWROUTE, PUT, &body).step(|| format!("route {network}/{length} out of the pod"))
    }

    fn ask(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 16).map_err(io::Error::other)?;
        let mut message = Vec::with_capacity(body.len() + 16);
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0u8; 8]); // sequence, port
        message.extend(body);
        send(&self.0, &message, SendFlags::empty())?;
        let mut answer = [0u8; 512];
        let (count, _) = recv(&self.0, &mut answer, RecvFlags::empty())?;
        let number = |at: usize| -> [u8; 4] { std::array::from_fn(|it| answer[at + it]) };
        if count < 20 || u16::from_ne_bytes([answer[4], answer[5]]) != NLMSG_ERROR {
            return Err(io::Error::other("the kernel's answer is not an acknowledgement"));
        }
        match i32::from_ne_bytes(number(16)) {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(-code)),
        }
    }
}

fn link_header(index: u32, flags: u32) -> Vec<u8> {
    let mut body = vec![0u8; 4]; // family, padding, type
    body.extend(index.to_ne_bytes());
    body.extend(flags.to_ne_bytes());
    body.extend(flags.to_ne_bytes()); // which of them to change
    body
}

fn link(end: &End) -> Vec<u8> {
    let mut body = link_header(PAIR, 0);
    attribute(&mut body, IFLA_IFNAME, &[end.name.as_bytes(), &[0]].concat());
    attribute(&mut body, IFLA_ADDRESS, &end.hardware);
    attribute(&mut body, IFLA_MTU, &PACKET.to_ne_bytes());
    body
}

fn route(length: u8, table: u8, scope: u8, kind: u8, flags: u32) -> Vec<u8> {
    let mut body = vec![AF_INET, length, 0, 0, table, PROTOCOL_STATIC, scope, kind];
    body.extend(flags.to_ne_bytes());
    body
}

/// Attributes begin at multiples of four bytes.
fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}
