//! The handle that everybody holds.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::commit::{CommitError, Committed};
use crate::disk::{self, OpenStore};
use crate::journal::Journal;
use crate::model::{Batch, Key, Range, Revision, Stored};
use crate::options::Options;
use crate::read::{ListQuery, Page, ReadError};
use crate::shared::Shared;
use crate::watch::Watch;
use crate::writer::{Queue, Writer};

/// An open store. Clones are the same store; when the last is gone, what waits is written and the file is let go.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    lock: Mutex<Option<Arc<File>>>,
    /// None once somebody has waited for it.
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<()>>>,
}

impl Store {
    /// Opens the file, or makes it, reads everything in it, and starts the writer thread. It blocks while it reads.
    pub fn open(options: Options, mut journal: Box<dyn Journal>) -> Result<Self, OpenStore> {
        let mut opened = disk::open(&options)?;
        opened.disk.prepare(&mut *journal).map_err(|it| OpenStore::of_journal(&options.path, it))?;
        let shared = Arc::new(Shared::new(opened.state));
        let queue = Arc::new(Queue::new());
        let lock = Arc::new(opened.lock);
        let (running, ended) = oneshot::channel();
        let writer = Writer {
            queue: Arc::clone(&queue),
            shared: Arc::clone(&shared),
            disk: opened.disk,
            journal,
            options,
            lock: Arc::clone(&lock),
            running,
        };
        let thread = std::thread::Builder::new().name("store-writer".into());
        thread.spawn(move || writer.run()).map_err(OpenStore::StartWriter)?;
        let inner = Inner { shared, queue, lock: Mutex::new(Some(lock)), ended: tokio::sync::Mutex::new(Some(ended)) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The revision of the last committed write.
    pub fn revision(&self) -> Revision {
        self.inner.shared.read().revision
    }

    /// The oldest revision that watches of any range can start after and lists can be read at; a quiet collection can
    /// be read further back.
    pub fn oldest(&self) -> Revision {
        self.inner.shared.read().oldest
    }

    /// The object as it is now.
    pub fn get(&self, key: &Key) -> Option<Stored> {
        self.inner.shared.read().get(key).cloned()
    }

    /// The objects of a range by namespace and name.
    pub fn list(&self, query: &ListQuery) -> Result<Page, ReadError> {
        self.inner.shared.read().list(query)
    }

    /// Every change of a range after a revision, each once and in order.
    pub fn watch(&self, range: Range, after: Revision) -> Result<Watch, ReadError> {
        Watch::start(Arc::clone(&self.inner.shared), range, after)
    }

    /// Writes all operations of a batch or none, and returns once they are on disk and visible.
    /// A batch whose future is dropped may still be written.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        let answered = self.inner.queue.push(batch).ok_or(CommitError::Stopped)?;
        answered.await.unwrap_or(Err(CommitError::Stopped))
    }

    /// Whether writes are taken: not after it was closed, nor once the disk has failed it.
    pub fn takes_writes(&self) -> bool {
        self.inner.queue.is_open()
    }

    /// Returns once this revision can be read; at once if it can already, or if it never will.
    pub async fn wait_for(&self, revision: Revision) {
        let mut newest = self.inner.shared.revision.subscribe();
        let _closed = newest.wait_for(|it| *it >= revision).await;
    }

    /// Takes no more writes, finishes those that wait, and lets go of the file.
    pub async fn close(self) {
        self.inner.queue.close();
        let mut ended = self.inner.ended.lock().await;
        if let Some(running) = ended.as_mut() {
            let _dropped = running.await;
            *ended = None;
        }
        self.inner.shared.bells.silence();
        self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}
