//! The addresses by which one pod knows hosts outside: synthetic ones, local to the pod, that mean nothing anywhere else.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The network that synthetic addresses come from: set aside for measuring between networks, so nobody is reached by it.
pub const SYNTHETIC: (Ipv4Addr, u8) = (Ipv4Addr::new(198, 18, 0, 0), 15);
/// Hosts that one pod may know at a time.
pub(in crate::network) const MAX_HOSTS: usize = 128;

/// The hosts that a pod has asked for.
#[derive(Debug, Default)]
pub(in crate::network) struct Names {
    by_host: BTreeMap<Arc<str>, Ipv4Addr>,
    by_address: HashMap<Ipv4Addr, Arc<str>>,
}

impl Names {
    /// The address of a host: its own for as long as the host stays, and (but for collisions, one in hundreds of pods) the
    /// same in every pod and after a restart, as it follows from the name. Nothing when there are too many.
    pub(in crate::network) fn take(&mut self, host: &str) -> Option<(Arc<str>, Ipv4Addr)> {
        if let Some((host, address)) = self.by_host.get_key_value(host) {
            return Some((host.clone(), *address));
        }
        if self.by_host.len() >= MAX_HOSTS {
            return None;
        }
        // FNV-1a. The first and the last address of the network stay free, as people expect.
        let hash = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let start = host.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
        let room = (1u64 << (32 - SYNTHETIC.1)) - 2;
        let places = (0..room).map(|it| u32::try_from((start % room + it) % room + 1).unwrap_or(1));
        let mut addresses = places.map(|it| Ipv4Addr::from_bits(SYNTHETIC.0.to_bits() + it));
        let address = addresses.find(|it| !self.by_address.contains_key(it))?;
        let host: Arc<str> = host.into();
        self.by_host.insert(host.clone(), address);
        self.by_address.insert(address, host.clone());
        Some((host, address))
    }

    /// All of them.
    pub(in crate::network) fn all(&self) -> Vec<(Arc<str>, Ipv4Addr)> {
        self.by_host.iter().map(|(host, address)| (host.clone(), *address)).collect()
    }

    /// Forgets the hosts that are not kept.
    pub(in crate::network) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.by_host.retain(|host, _| keep(host));
        self.by_address.retain(|_, host| keep(host));
    }
}

#[cfg(test)]
mod tests;
