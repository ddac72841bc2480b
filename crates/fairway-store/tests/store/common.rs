//! A store in a folder of its own, and short words for the objects in it.

use std::ops::Deref;
use std::path::Path;

use fairway_store::{Action, Expect, Journal, Key, ListQuery, NoJournal, Op, Options, Range, Revision, Store, Stored};

pub(crate) struct TestStore {
    store: Option<Store>,
    options: Options,
    _folder: tempfile::TempDir,
}

impl TestStore {
    pub(crate) fn open() -> Self {
        Self::open_with(|_| ())
    }

    pub(crate) fn open_with(change: impl FnOnce(&mut Options)) -> Self {
        Self::open_journal(change, Box::new(NoJournal))
    }

    pub(crate) fn open_journal(change: impl FnOnce(&mut Options), journal: Box<dyn Journal>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path().join("store.db"));
        change(&mut options);
        let store = Store::open(options.clone(), journal).unwrap();
        Self { store: Some(store), options, _folder: folder }
    }

    pub(crate) async fn reopen(&mut self) {
        self.store.take().unwrap().close().await;
        self.store = Some(Store::open(self.options.clone(), Box::new(NoJournal)).unwrap());
    }

    pub(crate) fn handle(&self) -> Store {
        self.store.clone().unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.options.path
    }

    /// The bytes of the file that is left when the store is closed.
    pub(crate) async fn close_and_read(mut self) -> Vec<u8> {
        self.store.take().unwrap().close().await;
        std::fs::read(self.path()).unwrap()
    }

    pub(crate) fn dump(&self, range: Range, oldest: Revision) -> Vec<String> {
        dump(self, range, oldest)
    }
}

/// Everything a reader can tell of a range: its objects at each revision of history, and its changes.
pub(crate) fn dump(store: &Store, range: Range, oldest: Revision) -> Vec<String> {
    let mut told = Vec::new();
    for at in oldest..=store.revision() {
        let page = store.list(&ListQuery { at: Some(at), ..ListQuery::all(range.clone()) }).unwrap();
        told.push(format!("{at}: {:?}", page.items));
    }
    let mut watch = store.watch(range, oldest).unwrap();
    while let Some(event) = watch.try_next().unwrap() {
        told.push(format!("{event:?}"));
    }
    told
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        self.store.as_ref().unwrap()
    }
}

pub(crate) fn key(resource: &str, namespace: &str, name: &str) -> Key {
    Key::new(resource, namespace, name)
}

pub(crate) fn range(resource: &str, namespace: Option<&str>) -> Range {
    Range { resource: resource.into(), namespace: namespace.map(Into::into) }
}

pub(crate) fn put(resource: &str, namespace: &str, name: &str, value: &str) -> Op {
    put_labelled(resource, namespace, name, value, &[])
}

pub(crate) fn put_labelled(resource: &str, namespace: &str, name: &str, value: &str, labels: &[(&str, &str)]) -> Op {
    let mut labels: Vec<(Box<str>, Box<str>)> = labels.iter().map(|it| (it.0.into(), it.1.into())).collect();
    labels.sort();
    let action = Action::Put { value: value.to_owned().into(), labels: labels.into() };
    Op { key: key(resource, namespace, name), expect: Expect::Any, action }
}

pub(crate) fn delete(resource: &str, namespace: &str, name: &str) -> Op {
    Op { key: key(resource, namespace, name), expect: Expect::Any, action: Action::Delete }
}

pub(crate) fn keys(items: &[Stored]) -> Vec<String> {
    items.iter().map(|it| format!("{}/{}", it.key.namespace, it.key.name)).collect()
}

pub(crate) fn names(store: &Store, range: Range) -> Vec<String> {
    keys(&store.list(&ListQuery::all(range)).unwrap().items)
}
