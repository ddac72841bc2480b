//! Uploads that are going on, and what came of the last ones.

use std::collections::{BTreeMap, VecDeque};

use crate::digest::Digest;
use crate::document::Descriptor;
use crate::layout::Ingest;

/// How many uploaded blobs are remembered until a manifest leads to them.
const MOST_RECENT: usize = 10_000;

/// Open uploads by their id. They do not outlive the process; clients begin anew.
pub(super) struct Sessions {
    open: BTreeMap<String, Session>,
    most: usize,
    clock: u64,
}

struct Session {
    repository: String,
    /// Away while a request writes to it.
    ingest: Option<Ingest>,
    touched: u64,
}

/// Why an upload is not at hand.
pub(super) enum Missing {
    Unknown,
    Busy,
}

impl Sessions {
    pub(super) fn new(most: usize) -> Self {
        Self { open: BTreeMap::new(), most, clock: 0 }
    }

    /// Opens an upload. The one that was left alone longest makes room.
    pub(super) fn open(&mut self, id: String, repository: &str, ingest: Ingest) {
        while self.open.len() >= self.most.max(1) {
            let idle = self.open.iter().min_by_key(|(_, it)| (it.ingest.is_none(), it.touched));
            let Some(id) = idle.map(|(id, _)| id.clone()) else { break };
            self.open.remove(&id);
        }
        self.clock += 1;
        let session = Session { repository: repository.to_owned(), ingest: Some(ingest), touched: self.clock };
        self.open.insert(id, session);
    }

    /// Takes the content of an upload to write to it. Uploads of other repositories are unknown.
    pub(super) fn take(&mut self, id: &str, repository: &str) -> Result<Ingest, Missing> {
        let session = self.open.get_mut(id).filter(|it| it.repository == repository).ok_or(Missing::Unknown)?;
        session.ingest.take().ok_or(Missing::Busy)
    }

    /// Gives the content back.
    pub(super) fn put_back(&mut self, id: &str, ingest: Ingest) {
        self.clock += 1;
        if let Some(session) = self.open.get_mut(id) {
            session.ingest = Some(ingest);
            session.touched = self.clock;
        }
    }

    /// Ends an upload whose content was not put back.
    pub(super) fn close_taken(&mut self, id: &str) {
        if self.open.get(id).is_some_and(|it| it.ingest.is_none()) {
            self.open.remove(id);
        }
    }
}

/// Content that was uploaded to a repository lately: a push sends its blobs before the manifest that leads to them.
#[derive(Default)]
pub(super) struct Recent {
    known: BTreeMap<(String, Digest), Descriptor>,
    order: VecDeque<(String, Digest)>,
}

impl Recent {
    pub(super) fn add(&mut self, repository: &str, descriptor: Descriptor) {
        let key = (repository.to_owned(), descriptor.digest.clone());
        if self.known.insert(key.clone(), descriptor).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MOST_RECENT {
            self.order.pop_front().and_then(|oldest| self.known.remove(&oldest));
        }
    }

    pub(super) fn find(&self, repository: &str, digest: &Digest) -> Option<Descriptor> {
        self.known.get(&(repository.to_owned(), digest.clone())).cloned()
    }
}
