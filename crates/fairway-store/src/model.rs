//! The words of the store: keys, values, operations, events.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;

/// The one counter every write of any object moves forward.
pub type Revision = u64;

/// Label pairs, sorted by key: parsed once at the write so that a list with a selector parses nothing.
pub type Labels = Arc<[(Box<str>, Box<str>)]>;

/// What the caller wants the journal to know about a batch; the store only carries it.
pub type Note = Arc<dyn Any + Send + Sync>;

/// The name of an object. Ordered by resource, then namespace, then name: the order of lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The collection, `apps/deployments`; the store gives it no meaning.
    pub resource: Arc<str>,
    /// Empty for cluster-scoped objects.
    pub namespace: Arc<str>,
    /// The object's name.
    pub name: Arc<str>,
}

/// An object as it was at one revision.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its name.
    pub key: Key,
    /// The revision of the write that made it so.
    pub revision: Revision,
    /// Its bytes as they were given.
    pub value: Bytes,
    /// Its labels.
    pub labels: Labels,
}

/// A part of the key space: a whole resource, or one namespace of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Range {
    /// The collection.
    pub resource: Arc<str>,
    /// One namespace, or all.
    pub namespace: Option<Arc<str>>,
}

/// Operations that commit wholly or not at all.
#[derive(Clone, Default)]
pub struct Batch {
    /// In this order, each with a revision of its own. May be empty: then only the note is recorded.
    pub ops: Vec<Op>,
    /// For the journal.
    pub note: Option<Note>,
}

/// One write of one object.
#[derive(Debug, Clone)]
pub struct Op {
    /// Which object.
    pub key: Key,
    /// What must hold when it is written, seen with all writes before it, committed or not yet.
    pub expect: Expect,
    /// What to do.
    pub action: Action,
}

/// What must hold of an object before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Any,
    /// It does not exist.
    Absent,
    /// It exists and was last written at this revision.
    At(Revision),
}

/// What to do with an object.
#[derive(Debug, Clone)]
pub enum Action {
    /// Make it or replace it.
    Put {
        /// The new bytes.
        value: Bytes,
        /// The new labels.
        labels: Labels,
    },
    /// Remove it. Watchers get its last bytes with the revision of the removal.
    Delete,
}

/// One change, as watchers get it.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The object after it (after a delete: its last bytes, with the revision of the delete).
    pub object: Stored,
    /// The object before it, if there was one: selectors need to know what left them.
    pub before: Option<Stored>,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// It was not there before.
    Created,
    /// It was there before.
    Updated,
    /// It is gone.
    Deleted,
}

impl Key {
    /// The name of an object; `namespace` is empty for those that have none.
    pub fn new(resource: impl Into<Arc<str>>, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl Range {
    /// Whether the object belongs to it.
    pub fn holds(&self, key: &Key) -> bool {
        *self.resource == *key.resource && self.namespace.as_ref().is_none_or(|it| **it == *key.namespace)
    }
}

impl Batch {
    /// These operations, with nothing for the journal.
    pub fn of(ops: impl Into<Vec<Op>>) -> Self {
        Self { ops: ops.into(), note: None }
    }
}

impl Op {
    /// The same operation with this expectation.
    pub fn expecting(self, expect: Expect) -> Self {
        Self { expect, ..self }
    }
}
