//! One served resource: how its objects are written into answers and read from the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fairway_store::{Revision, Stored};
use serde_json::Value;

use crate::object::{self, Splice};
use crate::{Origin, Resource, Subresource, crd, kinds};

/// A served resource with what every request for it needs.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) resource: Resource,
    splice: Splice,
    /// Whether it is served in another form than it is kept.
    pub(crate) converted: bool,
    /// Objects that were written before this revision may not be what the schema says today, and are brought to it
    /// when they are read. Later ones were, when they were written.
    pub(crate) schema_since: Revision,
    /// Its definition is being deleted: nothing new is made.
    pub(crate) terminating: bool,
    /// What every user of a deprecated version is told.
    pub(crate) deprecation: Option<String>,
}

/// A definition of custom resources, as far as it is served.
#[derive(Debug)]
pub(crate) struct Definition {
    /// What it was made from: as long as this stays the same, so does everything else here.
    pub(crate) mark: (String, i64, bool, bool),
    pub(crate) served: Vec<Arc<Served>>,
    /// `openAPIV3Schema` by version.
    pub(crate) schemas: BTreeMap<Arc<str>, Arc<Value>>,
}

impl Served {
    /// A resource whose objects are kept as its schema says.
    pub(crate) fn new(resource: Resource) -> Self {
        let (splice, converted) = (Splice::new(&resource), kinds::is_converted(&resource));
        Self { resource, splice, converted, schema_since: 0, terminating: false, deprecation: None }
    }

    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.resource.subresources.iter().find(|it| &*it.name == name)
    }

    pub(crate) fn serves(&self, verb: &str) -> bool {
        self.resource.verbs.iter().any(|it| &**it == verb)
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.resource.origin != Origin::BuiltIn
    }

    /// The bytes under which an object is kept.
    pub(crate) fn encode(&self, object: &Value) -> Bytes {
        if !self.converted {
            return object::encode(object);
        }
        let mut kept = object.clone();
        kinds::to_stored(&self.resource, &mut kept);
        object::encode(&kept)
    }

    /// An object as it is served.
    pub(crate) fn decode(&self, stored: &Stored) -> Value {
        self.tree(&stored.value, Some(stored.revision))
    }

    /// Kept bytes as an object that is served.
    pub(crate) fn tree(&self, value: &[u8], revision: Option<Revision>) -> Value {
        let mut tree = object::parse(value);
        object::complete(&self.resource, &mut tree, revision);
        if self.converted {
            kinds::from_stored(&self.resource, &mut tree);
        }
        if self.is_outdated(revision) {
            crd::read(&self.resource, &mut tree);
        }
        tree
    }

    fn is_outdated(&self, revision: Option<Revision>) -> bool {
        revision.is_some_and(|it| it < self.schema_since)
    }

    /// Appends an object on its own.
    pub(crate) fn write(&self, out: &mut Vec<u8>, value: &[u8], revision: Option<Revision>) {
        if self.converted || self.is_outdated(revision) {
            self.write_tree(out, value, revision);
        } else {
            self.splice.write(out, value, revision);
        }
    }

    /// Appends an object as an item of a list.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>, value: &[u8], revision: Revision) {
        if self.converted || self.is_outdated(Some(revision)) {
            self.write_tree(out, value, Some(revision));
        } else {
            self.splice.write_item(out, value, revision);
        }
    }

    fn write_tree(&self, out: &mut Vec<u8>, value: &[u8], revision: Option<Revision>) {
        let value = object::encode(&self.tree(value, revision));
        self.splice.write(out, &value, revision);
    }

    /// An object on its own.
    pub(crate) fn bytes(&self, value: &[u8], revision: Option<Revision>) -> Vec<u8> {
        let mut out = Vec::with_capacity(value.len() + 192);
        self.write(&mut out, value, revision);
        out
    }
}

impl std::ops::Deref for Served {
    type Target = Resource;

    fn deref(&self) -> &Resource {
        &self.resource
    }
}
