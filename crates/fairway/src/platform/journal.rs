//! What goes into the ledger, decided in the transaction of the write itself.
//!
//! Recorded: every write by a person or an outside client; every change of a `fairway.dev` object that is more than a
//! heartbeat; every bundle that was applied; every push; every write or push that was refused to somebody outside. Not
//! recorded: Leases, Events, and the platform's own bookkeeping.

mod decide;

mod pushes;

use std::sync::Arc;

use fairway_apiserver::AuditNote;
use fairway_clock::World;
use fairway_ledger::{Appender, Event, Settings, Signer, by_id, new_id};
use fairway_store::{Entry, Journal, JournalError, Note};

use super::hub::PushNote;
use decide::Draft;

/// A signed checkpoint after so many events.
const CHECKPOINT_EVERY: u64 = 1000;

/// The journal of the platform's store.
pub(super) struct LedgerJournal {
    appender: Appender,
    world: World,
}

impl LedgerJournal {
    pub(super) fn new(signer: Signer, world: World) -> Self {
        let settings = Settings { signer: Some(signer), checkpoint_every: CHECKPOINT_EVERY };
        Self { appender: Appender::new(settings), world }
    }

    /// A draft with an id and its cause. The first event of a cause that a person's command announced *is* that cause:
    /// it takes the announced id, and everything after names it.
    fn finish(
        &self,
        transaction: &rusqlite::Transaction<'_>,
        made: &[Event],
        draft: Draft,
    ) -> Result<Event, JournalError> {
        let mut event = draft.event;
        event.id = new_id(event.time, self.world.entropy.as_ref());
        if let Some(announced) = event.cause.clone().filter(|it| is_trace(it)) {
            let known =
                made.iter().any(|it| it.id == announced) || by_id(transaction, &announced).map_err(failed)?.is_some();
            if draft.may_begin && !known {
                event.id = announced;
                event.cause = None;
            }
        } else {
            event.cause = None;
        }
        Ok(event)
    }
}

/// Whether a word is an id as commands announce them.
fn is_trace(word: &str) -> bool {
    word.len() == 32 && word.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> JournalError {
    JournalError(Box::new(error))
}

impl Journal for LedgerJournal {
    fn prepare(&mut self, transaction: &rusqlite::Transaction<'_>) -> Result<(), JournalError> {
        self.appender.prepare(transaction).map_err(failed)
    }

    fn record(&mut self, transaction: &rusqlite::Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), JournalError> {
        let mut events = Vec::new();
        for entry in entries {
            if let Some(push) = entry.note.and_then(|it| it.downcast_ref::<PushNote>()) {
                events.push(pushes::event(push));
            }
            let Some(note) = entry.note.and_then(audit_note) else { continue };
            for draft in decide::drafts(&note, entry) {
                let event = self.finish(transaction, &events, draft)?;
                events.push(event);
            }
        }
        if events.is_empty() { Ok(()) } else { self.appender.append(transaction, &events).map_err(failed) }
    }

    fn settled(&mut self, committed: bool) {
        self.appender.settled(committed);
    }
}

fn audit_note(note: &Note) -> Option<Arc<AuditNote>> {
    Arc::clone(note).downcast::<AuditNote>().ok()
}
