//! Handshakes under way, with a place for everybody who is quick: when there are too many, the one that has taken the
//! longest makes room. Somebody who opens connections and says nothing holds up nobody but themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// The handshakes of one listener.
pub(super) struct Handshakes {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// In the order in which they began.
    under_way: BTreeMap<u64, CancellationToken>,
}

/// One of them; dropping it makes room.
pub(super) struct Handshake {
    all: Arc<Handshakes>,
    number: u64,
    /// Cancelled when it must make room.
    pub(super) evicted: CancellationToken,
}

impl Handshakes {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default() })
    }

    /// Begins another.
    pub(super) fn begin(self: &Arc<Self>) -> Handshake {
        let evicted = CancellationToken::new();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.under_way.len() >= self.most
            && let Some((_, oldest)) = state.under_way.pop_first()
        {
            oldest.cancel();
        }
        let number = state.next;
        state.next += 1;
        state.under_way.insert(number, evicted.clone());
        drop(state);
        Handshake { all: Arc::clone(self), number, evicted }
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.all.state.lock().unwrap_or_else(PoisonError::into_inner).under_way.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
