//! Keeps an [`Index`] at the revision of the store, without a task: whoever reads it brings it there first.

use std::sync::{PoisonError, RwLock};

use fairway_store::{EventKind, ListQuery, Range, ReadError, Revision, Store, Watch};

use super::index::Index;
use super::{CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES};

/// How often everything is read anew before nobody is given any rights.
const ATTEMPTS: usize = 4;

/// An index that is never older than the last acknowledged write.
pub(crate) struct Followed {
    store: Store,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    index: Index,
    /// Everything up to here is in the index.
    revision: Option<Revision>,
    /// Of the four collections; empty before the first reading.
    watches: Vec<Watch>,
}

impl Followed {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, state: RwLock::default() }
    }

    /// Reads the index as of now.
    pub(crate) fn read<T>(&self, with: impl FnOnce(&Index) -> T) -> T {
        let now = self.store.revision();
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if state.revision.is_some_and(|it| it >= now) {
                return with(&state.index);
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.revision.is_none_or(|it| it < now) {
            state.advance(&self.store, now);
        }
        with(&state.index)
    }
}

impl State {
    fn advance(&mut self, store: &Store, to: Revision) {
        let drained = if self.watches.is_empty() { Err(ReadError::Closed) } else { self.drain() };
        // While much is written, history may leave behind what was just read: then it is read once more.
        if drained.is_err() && !(0..ATTEMPTS).any(|_| self.rebuild(store).is_ok()) {
            // Nothing can be read (the store closes): no rights at all rather than old ones.
            *self = Self::default();
            return;
        }
        self.revision = Some(self.revision.map_or(to, |it| it.max(to)));
    }

    fn drain(&mut self) -> Result<(), ReadError> {
        for watch in &mut self.watches {
            while let Some(event) = watch.try_next()? {
                match event.kind {
                    EventKind::Deleted => self.index.remove(&event.object.key),
                    EventKind::Created | EventKind::Updated => self.index.put(&event.object),
                }
            }
        }
        Ok(())
    }

    fn rebuild(&mut self, store: &Store) -> Result<(), ReadError> {
        *self = Self::default();
        for resource in [CLUSTER_ROLES, ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS] {
            let range = Range { resource: resource.into(), namespace: None };
            let page = store.list(&ListQuery::all(range.clone()))?;
            page.items.iter().for_each(|it| self.index.put(it));
            self.watches.push(store.watch(range, page.revision)?);
        }
        self.drain()
    }
}
