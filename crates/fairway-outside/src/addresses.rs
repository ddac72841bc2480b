//! Which addresses are outside, and which are the machine's own, its network's, or nobody's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// Networks that are not outside, and what they are.
const INSIDE_V4: &[(Ipv4Addr, u8, &str)] = &[
    (Ipv4Addr::UNSPECIFIED, 8, "of this machine"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "private to a provider"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "of this machine (loopback)"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "reserved"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

const INSIDE_V6: &[(Ipv6Addr, u8, &str)] = &[
    (Ipv6Addr::LOCALHOST, 128, "of this machine (loopback)"),
    (Ipv6Addr::UNSPECIFIED, 96, "of this machine"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "private"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "reserved"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, "the end of a tunnel"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "the end of a tunnel"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "private"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "private"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

/// Why an address is not outside; nothing if it is. What carries an IPv4 address in itself is judged by that.
pub fn why_inside(address: IpAddr) -> Option<&'static str> {
    match plain(address) {
        IpAddr::V4(it) => INSIDE_V4.iter().find(|(net, bits, _)| has(*net, *bits, it)).map(|it| it.2),
        IpAddr::V6(it) => INSIDE_V6.iter().find(|(net, bits, _)| has_v6(*net, *bits, it)).map(|it| it.2),
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped (`::ffff:0:0/96`) or behind a translator (`64:ff9b::/96`).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(it) = address else { return address };
    let translated = it.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let [.., a, b, c, d] = it.octets();
    match it.to_ipv4_mapped() {
        Some(it) => it.into(),
        None if translated => Ipv4Addr::new(a, b, c, d).into(),
        None => address,
    }
}

fn has(network: Ipv4Addr, bits: u8, address: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
    network.to_bits() & mask == address.to_bits() & mask
}

fn has_v6(network: Ipv6Addr, bits: u8, address: Ipv6Addr) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    network.to_bits() & mask == address.to_bits() & mask
}

/// Networks inside that may be dialled all the same: a company's own, or a test's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions(Vec<Exception>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exception {
    network: IpAddr,
    bits: u8,
    port: Option<u16>,
}

/// A list of exceptions that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not a network like 10.20.0.0/16, or one with a port like 10.20.0.0/16:443")]
pub struct InvalidException(String);

impl Exceptions {
    /// Reads `network/bits[:port]`, separated by commas; an IPv6 network with a port is `[fd00::]/8:443`.
    pub fn parse(text: &str) -> Result<Self, InvalidException> {
        let words = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        words
            .map(|it| Exception::parse(it).ok_or_else(|| InvalidException(it.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Every address there is.
    pub(crate) fn everything() -> Self {
        let all = |network: IpAddr| Exception { network, bits: 0, port: None };
        Self(vec![all(Ipv4Addr::UNSPECIFIED.into()), all(Ipv6Addr::UNSPECIFIED.into())])
    }

    /// Whether this address and port may be dialled although they are inside.
    pub fn has(&self, target: SocketAddr) -> bool {
        let address = plain(target.ip());
        self.0
            .iter()
            .any(|it| it.port.is_none_or(|port| port == target.port()) && in_network(address, it.network, it.bits))
    }
}

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        let (network, rest) = text.split_once('/')?;
        let network: IpAddr =
            network.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(network).parse().ok()?;
        let (bits, port) = rest.split_once(':').map_or((rest, None), |(bits, port)| (bits, Some(port)));
        let bits: u8 = bits.parse().ok()?;
        let port = match port {
            Some(it) => Some(it.parse().ok()?),
            None => None,
        };
        (bits <= if network.is_ipv4() { 32 } else { 128 }).then_some(Self { network, bits, port })
    }
}

pub(crate) fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(it)) => has(network, bits, it),
        (IpAddr::V6(network), IpAddr::V6(it)) => has_v6(network, bits, it),
        _ => false,
    }
}

/// Why an address may not be dialled; nothing if it may. Whether it is one of the machine's own is asked of the machine: only
/// those can be bound.
pub(crate) fn why_not(target: SocketAddr, exceptions: &Exceptions) -> Option<&'static str> {
    if exceptions.has(target) {
        return None;
    }
    let own = || std::net::UdpSocket::bind(SocketAddr::new(target.ip(), 0)).is_ok();
    why_inside(target.ip()).or_else(|| own().then_some("of this machine"))
}

#[cfg(test)]
mod tests;
