//! Addresses of pods: given in turn, so that one that was freed is not somebody else's at once.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The addresses of one node. The network's first one is the node's own.
#[derive(Debug)]
pub(crate) struct Addresses {
    network: u32,
    size: u32,
    taken: BTreeSet<u32>,
    last: u32,
}

impl Addresses {
    /// The addresses of a network.
    pub(crate) fn new(network: Ipv4Addr, length: u8) -> Self {
        let size = 1u32.checked_shl(u32::from(32 - length.min(32))).unwrap_or(u32::MAX);
        let network = u32::from(network) & !size.wrapping_sub(1);
        Self { network, size, taken: BTreeSet::new(), last: 1 }
    }

    /// Takes an address that a pod has already. False if another has it, or it is not of this network.
    pub(crate) fn take(&mut self, address: Ipv4Addr) -> bool {
        let offset = u32::from(address).wrapping_sub(self.network);
        let is_ours = offset < self.size;
        if is_ours {
            self.last = self.last.max(offset);
        }
        is_ours && self.taken.insert(offset)
    }

    /// Gives the next free address. `None` when all are taken.
    pub(crate) fn next(&mut self) -> Option<Ipv4Addr> {
        // Neither the network itself, nor the node, nor the broadcast address.
        let usable = 2..self.size.saturating_sub(1);
        let after = (self.last + 1).max(usable.start);
        let offset =
            (after..usable.end).chain(usable.start..after.min(usable.end)).find(|it| !self.taken.contains(it))?;
        self.taken.insert(offset);
        self.last = offset;
        Some(Ipv4Addr::from(self.network + offset))
    }

    /// Gives an address back.
    pub(crate) fn free(&mut self, address: Ipv4Addr) {
        self.taken.remove(&u32::from(address).wrapping_sub(self.network));
    }
}

#[cfg(test)]
mod tests;
