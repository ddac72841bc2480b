use std::sync::{Arc, Mutex, PoisonError};

use fairway_apiserver::AuditNote;
use fairway_store::{Entry, Journal, JournalError};

/// A journal that remembers its notes: what the server tells of each batch.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<Vec<AuditNote>>>);

impl Notes {
    /// All there are so far.
    pub fn all(&self) -> Vec<AuditNote> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Journal for Notes {
    fn prepare(&mut self, _: &rusqlite::Transaction<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn record(&mut self, _: &rusqlite::Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), JournalError> {
        let notes = entries.iter().filter_map(|it| it.note?.downcast_ref::<AuditNote>().cloned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(notes);
        Ok(())
    }

    fn settled(&mut self, _: bool) {}
}
