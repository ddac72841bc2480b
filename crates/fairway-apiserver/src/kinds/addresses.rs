//! Addresses of Services.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use fairway_schema::Cause;
use serde_json::json;

/// A range of addresses, `10.96.0.0/12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    network: u32,
    bits: u32,
}

/// Text that is not `address/bits` of IPv4 with room for a Service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a range of IPv4 addresses: write it as 10.96.0.0/12, with 8 to 30 bits")]
pub struct ParseRange {
    pub text: String,
}

impl FromStr for AddressRange {
    type Err = ParseRange;

    fn from_str(text: &str) -> Result<Self, ParseRange> {
        let parse = || {
            let (address, bits) = text.split_once('/')?;
            let (address, bits): (Ipv4Addr, u32) = (address.parse().ok()?, bits.parse().ok()?);
            let mask = (8..=30).contains(&bits).then(|| u32::MAX << (32 - bits))?;
            Some(Self { network: u32::from(address) & mask, bits })
        };
        parse().ok_or_else(|| ParseRange { text: text.to_owned() })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.network), self.bits)
    }
}

impl AddressRange {
    /// How many addresses a Service may have: not the network's own and not the broadcast one.
    fn usable(self) -> u32 {
        (1 << (32 - self.bits)) - 2
    }

    /// Whether a Service may have the address.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address).checked_sub(self.network).is_some_and(|it| (1..=self.usable()).contains(&it))
    }

    /// The address of the API server itself, the first of the range.
    pub fn first(self) -> Ipv4Addr {
        Ipv4Addr::from(self.network + 1)
    }

    /// The lower part of the range is left to those who choose an address themselves, as Kubernetes does.
    fn reserved(self) -> u32 {
        (self.usable() / 16).clamp(16, 256).min(self.usable() / 2)
    }
}

/// Gives a Service its address: the requested one if it is in the range and free, else the next free one after
/// `start` (any number; two servers that count on do not collide). The cause stands at `spec.clusterIPs`.
pub fn allocate_cluster_ip(
    range: AddressRange,
    used: &BTreeSet<Ipv4Addr>,
    requested: Option<Ipv4Addr>,
    start: u32,
) -> Result<Ipv4Addr, Cause> {
    let refuse = |address: Ipv4Addr, why: String| {
        let value = json!([address.to_string()]);
        Cause::invalid("spec.clusterIPs", &value, &format!("failed to allocate IP {address}: {why}"))
    };
    if let Some(address) = requested {
        if !range.contains(address) {
            let why =
                format!("the provided IP ({address}) is not in the valid range. The range of valid IPs is {range}");
            return Err(refuse(address, why));
        }
        if used.contains(&address) {
            return Err(refuse(address, "provided IP is already allocated".to_owned()));
        }
        return Ok(address);
    }
    let (usable, reserved) = (range.usable(), range.reserved());
    let open = usable - reserved;
    // The upper part first, from the start on and around; the reserved part only when nothing else is left.
    let upper = (0..open).map(|it| reserved + (start % open + it) % open);
    let free = upper.chain(0..reserved).map(|it| Ipv4Addr::from(range.network + 1 + it));
    let mut free = free.filter(|it| *it != range.first() && !used.contains(it));
    free.next().ok_or_else(|| {
        let text = format!("failed to allocate a serviceIP: range is full ({range})");
        Cause { reason: fairway_schema::CauseReason::InternalError, field: "spec.clusterIPs".to_owned(), message: text }
    })
}

#[cfg(test)]
mod tests;
