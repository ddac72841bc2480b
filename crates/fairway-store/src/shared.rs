//! What the writer thread shares with everybody who reads.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use crate::model::{Event, Revision};
use crate::state::State;
use crate::watch::Bells;

/// The committed state, and how one hears that it changed.
pub(crate) struct Shared {
    state: RwLock<State>,
    pub(crate) bells: Bells,
    pub(crate) revision: watch::Sender<Revision>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        let revision = watch::Sender::new(state.revision);
        Self { state: RwLock::new(state), bells: Bells::new(), revision }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes committed changes visible.
    pub(crate) fn publish(&self, events: &[Arc<Event>]) {
        let Some(last) = events.last() else { return };
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            for event in events {
                state.apply(Arc::clone(event));
            }
        }
        self.revision.send_replace(last.object.revision);
    }

    /// Lets go of history up to and with this revision.
    pub(crate) fn forget(&self, oldest: Revision) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).forget(oldest);
    }
}
