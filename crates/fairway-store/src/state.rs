//! What readers see: every committed object and the recent changes, in memory.
//!
//! Objects stand in one ordered map per collection and namespace. An older revision is read by undoing the changes
//! since, which costs nothing while nobody asks, and little when a list is continued a moment later.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::model::{Event, EventKind, Key, Range, Revision, Stored};
use crate::read::{ListQuery, Page, ReadError};

/// What one change costs in memory beside the bytes of the object it replaced.
const CHANGE_OVERHEAD: usize = 256;

/// The committed objects and changes.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) revision: Revision,
    pub(crate) oldest: Revision,
    /// Where history began when the file was opened: what came before is known of no collection.
    recovered: Revision,
    collections: HashMap<Arc<str>, Collection>,
    history: VecDeque<Arc<Event>>,
    history_bytes: usize,
}

type Names = BTreeMap<Arc<str>, Stored>;

#[derive(Default)]
struct Collection {
    namespaces: BTreeMap<Arc<str>, Names>,
    log: VecDeque<Arc<Event>>,
    /// The newest change that is no longer in the log.
    forgotten: Revision,
}

impl State {
    /// A state whose history begins after this revision.
    pub(crate) fn starting(oldest: Revision) -> Self {
        Self { oldest, recovered: oldest, ..Self::default() }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Stored> {
        self.collections.get(&key.resource)?.namespaces.get(&key.namespace)?.get(&key.name)
    }

    /// The same key, sharing its strings with the objects that are already here.
    pub(crate) fn intern(&self, key: &Key) -> Key {
        let mut key = key.clone();
        if let Some((resource, collection)) = self.collections.get_key_value(&key.resource) {
            key.resource = Arc::clone(resource);
            if let Some((namespace, _)) = collection.namespaces.get_key_value(&key.namespace) {
                key.namespace = Arc::clone(namespace);
            }
        }
        key
    }

    /// Puts an object in its place without a change that anybody could watch: what was there when history began.
    pub(crate) fn restore(&mut self, object: Stored) {
        let collection = self.collections.entry(Arc::clone(&object.key.resource)).or_default();
        collection.put(object);
    }

    /// Makes a committed change visible.
    pub(crate) fn apply(&mut self, event: Arc<Event>) {
        let key = &event.object.key;
        let collection = self.collections.entry(Arc::clone(&key.resource)).or_default();
        match event.kind {
            EventKind::Deleted => collection.remove(key),
            EventKind::Created | EventKind::Updated => collection.put(event.object.clone()),
        }
        self.revision = event.object.revision;
        self.history_bytes += cost(&event);
        collection.log.push_back(Arc::clone(&event));
        self.history.push_back(event);
    }

    /// The oldest changes that exceed the bounds, no more than `limit` of them.
    pub(crate) fn excess(&self, revisions: usize, bytes: usize, limit: usize) -> Vec<Arc<Event>> {
        let mut count = self.history.len();
        let mut held = self.history_bytes;
        let over = self.history.iter().take(limit).take_while(|it| {
            let over = count > revisions || held > bytes;
            count -= 1;
            held -= cost(it);
            over
        });
        over.cloned().collect()
    }

    /// How many changes and bytes of replaced objects are kept.
    pub(crate) fn history(&self) -> (usize, usize) {
        (self.history.len(), self.history_bytes)
    }

    /// Forgets the changes up to and with this revision.
    pub(crate) fn forget(&mut self, oldest: Revision) {
        while let Some(event) = self.history.pop_front_if(|it| it.object.revision <= oldest) {
            self.history_bytes -= cost(&event);
            if let Some(collection) = self.collections.get_mut(&event.object.key.resource) {
                collection.log.pop_front();
                collection.forgotten = event.object.revision;
            }
        }
        self.oldest = oldest;
    }

    /// Whether changes after this revision can still be told. A collection in which nothing happens does not age.
    pub(crate) fn readable(&self, range: &Range, revision: Revision) -> Result<(), ReadError> {
        let forgotten = self.collections.get(&range.resource).map_or(0, |it| it.forgotten);
        if revision < forgotten.max(self.recovered) {
            return Err(ReadError::Expired { oldest: self.oldest });
        }
        if revision > self.revision {
            return Err(ReadError::Future { current: self.revision });
        }
        Ok(())
    }

    /// Up to `limit` changes of the range after a revision.
    pub(crate) fn changes(&self, range: &Range, after: Revision, limit: usize, into: &mut Vec<Arc<Event>>) {
        let Some(collection) = self.collections.get(&range.resource) else { return };
        let start = collection.log.partition_point(|it| it.object.revision <= after);
        let matching = collection.log.range(start..).filter(|it| range.holds(&it.object.key));
        into.extend(matching.take(limit).cloned());
    }

    pub(crate) fn list(&self, query: &ListQuery) -> Result<Page, ReadError> {
        let revision = query.at.unwrap_or(self.revision);
        self.readable(&query.range, revision)?;
        let Some(collection) = self.collections.get(&query.range.resource) else {
            return Ok(Page { items: Vec::new(), revision, remaining: 0 });
        };
        let undone = collection.undone(&query.range, revision);
        let (items, remaining) =
            if undone.is_empty() { collection.page(query) } else { collection.page_undone(query, undone) };
        Ok(Page { items, revision, remaining })
    }
}

fn cost(event: &Event) -> usize {
    CHANGE_OVERHEAD + event.before.as_ref().map_or(0, |it| it.value.len())
}

/// Objects by name as they were, where they were otherwise than now; `None`: they were not there.
type Undone<'a> = BTreeMap<(&'a str, &'a str), Option<&'a Stored>>;

impl Collection {
    fn put(&mut self, object: Stored) {
        let names = self.namespaces.entry(Arc::clone(&object.key.namespace)).or_default();
        names.insert(Arc::clone(&object.key.name), object);
    }

    fn remove(&mut self, key: &Key) {
        let Some(names) = self.namespaces.get_mut(&key.namespace) else { return };
        names.remove(&key.name);
        if names.is_empty() {
            self.namespaces.remove(&key.namespace);
        }
    }

    fn undone(&self, range: &Range, at: Revision) -> Undone<'_> {
        let later = self.log.iter().rev().take_while(|it| it.object.revision > at);
        let later = later.filter(|it| range.holds(&it.object.key));
        later.map(|it| ((&*it.object.key.namespace, &*it.object.key.name), it.before.as_ref())).collect()
    }

    /// The namespaces of the query, from that of `after` on.
    fn spaces<'a>(&'a self, query: &'a ListQuery) -> impl Iterator<Item = (&'a str, &'a Names)> {
        let start = query.after.as_ref().map_or("", |it| &*it.0);
        let (start, end) = match query.range.namespace.as_deref() {
            None => (start, Bound::Unbounded),
            Some(one) => (start.max(one), Bound::Included(one)),
        };
        let in_order = match end {
            Bound::Included(end) if start > end => None,
            _ => Some(self.namespaces.range::<str, _>((Bound::Included(start), end))),
        };
        in_order.into_iter().flatten().map(|(namespace, names)| (&**namespace, names))
    }

    fn page(&self, query: &ListQuery) -> (Vec<Stored>, usize) {
        let limit = query.limit.unwrap_or(usize::MAX);
        let most: usize = self.spaces(query).map(|it| it.1.len()).sum();
        let mut items = Vec::with_capacity(most.min(limit));
        let mut remaining = 0;
        for (namespace, names) in self.spaces(query) {
            let after = query.after.as_ref().filter(|it| &*it.0 == namespace).map(|it| &*it.1);
            let from = names.range::<str, _>((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
            let room = limit - items.len();
            if after.is_none() && room == 0 {
                remaining += names.len();
            } else if after.is_none() && names.len() <= room {
                items.extend(from.map(|it| it.1.clone()));
            } else {
                let mut from = from;
                items.extend(from.by_ref().take(room).map(|it| it.1.clone()));
                remaining += from.count();
            }
        }
        (items, remaining)
    }

    /// The same as things were: the objects of now and those of then, both in order, walked together.
    fn page_undone(&self, query: &ListQuery, undone: Undone<'_>) -> (Vec<Stored>, usize) {
        let after = query.after.as_ref().map(|it| (&*it.0, &*it.1));
        let mut were = undone.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)).peekable();
        let now = self.spaces(query).flat_map(|(space, it)| it.iter().map(move |(name, it)| ((space, &**name), it)));
        let limit = query.limit.unwrap_or(usize::MAX);
        let (mut items, mut remaining) = (Vec::new(), 0);
        let mut take = |it: &Stored| if items.len() < limit { items.push(it.clone()) } else { remaining += 1 };
        for (name, object) in now.filter(|it| after.is_none_or(|after| it.0 > after)) {
            while let Some((_, was)) = were.next_if(|it| *it.0 < name) {
                was.map(&mut take);
            }
            match were.next_if(|it| *it.0 == name) {
                Some((_, was)) => drop(was.map(&mut take)),
                None => take(object),
            }
        }
        were.filter_map(|it| *it.1).for_each(take);
        (items, remaining)
    }
}
