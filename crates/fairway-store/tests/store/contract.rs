//! What everybody may rely on.

use crate::common::{TestStore, delete, key, keys, names, put, put_labelled, range};
use fairway_store::{Batch, CommitError, EventKind, Expect, ListQuery, ReadError, Stored};

fn current(error: CommitError) -> (usize, Option<Stored>) {
    match error {
        CommitError::Conflict { op, current } => (op, current.map(|it| *it)),
        other => panic!("not a conflict: {other}"),
    }
}

#[tokio::test]
async fn a_created_object_is_read_back_with_its_revision() {
    let store = TestStore::open();
    let made = store.commit(Batch::of([put("pods", "a", "x", "1")])).await.unwrap();
    assert_eq!(made.objects[0].revision, 1);
    let read = store.get(&key("pods", "a", "x")).unwrap();
    assert_eq!((read.revision, &*read.value), (1, &b"1"[..]));
    assert_eq!(store.revision(), 1);
    assert!(store.get(&key("pods", "b", "x")).is_none());
    assert!(store.get(&key("secrets", "a", "x")).is_none());
}

#[tokio::test]
async fn an_expectation_that_is_not_met_says_what_is_there() {
    let store = TestStore::open();
    store.commit(Batch::of([put("pods", "a", "x", "1")])).await.unwrap();
    let refused = [
        (put("pods", "a", "x", "2").expecting(Expect::Absent), Some(1)),
        (put("pods", "a", "x", "2").expecting(Expect::At(7)), Some(1)),
        (put("pods", "a", "y", "2").expecting(Expect::At(1)), None),
        (delete("pods", "a", "y"), None),
        (delete("pods", "a", "x").expecting(Expect::At(2)), Some(1)),
    ];
    for (op, there) in refused {
        let (index, found) = current(store.commit(Batch::of([op.clone()])).await.unwrap_err());
        assert_eq!((index, found.map(|it| it.revision)), (0, there), "{op:?}");
    }
    assert_eq!(store.revision(), 1);
}

#[tokio::test]
async fn a_batch_is_written_wholly_or_not_at_all() {
    let store = TestStore::open();
    store.commit(Batch::of([put("pods", "a", "taken", "1")])).await.unwrap();
    let batch = Batch::of([
        put("pods", "a", "new", "1"),
        put("pods", "a", "new", "2").expecting(Expect::At(2)),
        put("pods", "a", "taken", "2").expecting(Expect::Absent),
    ]);
    let (op, found) = current(store.commit(batch).await.unwrap_err());
    assert_eq!((op, found.unwrap().revision), (2, 1));
    assert!(store.get(&key("pods", "a", "new")).is_none());
    assert_eq!(store.revision(), 1);
    let made = store.commit(Batch::of([put("pods", "a", "new", "1"), delete("pods", "a", "taken")])).await.unwrap();
    assert_eq!(made.objects.iter().map(|it| it.revision).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(&*made.objects[1].value, b"1");
}

#[tokio::test]
async fn lists_are_ordered_and_bounded_to_their_range() {
    let store = TestStore::open();
    for (resource, namespace, name) in [("pods", "b", "x"), ("pods", "a", "y"), ("pods", "a", "x"), ("nodes", "", "n")]
    {
        store.commit(Batch::of([put(resource, namespace, name, "1")])).await.unwrap();
    }
    assert_eq!(names(&store, range("pods", None)), ["a/x", "a/y", "b/x"]);
    assert_eq!(names(&store, range("pods", Some("a"))), ["a/x", "a/y"]);
    assert_eq!(names(&store, range("pods", Some("c"))), [""; 0]);
    assert_eq!(names(&store, range("nodes", None)), ["/n"]);
    assert_eq!(names(&store, range("secrets", None)), [""; 0]);
}

#[tokio::test]
async fn a_list_is_continued_at_the_revision_of_its_first_page() {
    let store = TestStore::open();
    for index in 0..10 {
        let namespace = if index < 5 { "a" } else { "b" };
        store.commit(Batch::of([put("pods", namespace, &format!("x{index}"), "1")])).await.unwrap();
    }
    let mut query = ListQuery { limit: Some(3), ..ListQuery::all(range("pods", None)) };
    let first = store.list(&query).unwrap();
    assert_eq!((keys(&first.items), first.remaining), (vec!["a/x0".into(), "a/x1".into(), "a/x2".into()], 7));
    // What happens meanwhile is not seen by the pages that follow.
    store.commit(Batch::of([delete("pods", "a", "x4"), put("pods", "a", "x33", "1")])).await.unwrap();
    store.commit(Batch::of([put("pods", "b", "x6", "2"), put("pods", "b", "x9z", "2")])).await.unwrap();
    let mut seen = keys(&first.items);
    let mut page = first;
    while page.remaining > 0 {
        let last = page.items.last().unwrap().key.clone();
        query.at = Some(page.revision);
        query.after = Some((last.namespace, last.name));
        let next = store.list(&query).unwrap();
        assert_eq!(next.remaining, page.remaining - next.items.len());
        assert!(next.items.iter().all(|it| &*it.value == b"1"));
        seen.extend(keys(&next.items));
        page = next;
    }
    let expected = (0..10).map(|it| format!("{}/x{it}", if it < 5 { "a" } else { "b" })).collect::<Vec<_>>();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_list_after_a_name_starts_behind_it_even_if_it_is_gone() {
    let store = TestStore::open();
    for (namespace, name) in [("a", "x"), ("b", "x"), ("b", "z"), ("c", "x")] {
        store.commit(Batch::of([put("pods", namespace, name, "1")])).await.unwrap();
    }
    let after = |namespace: &str, name: &str, of: Option<&str>| {
        let query = ListQuery { after: Some((namespace.into(), name.into())), ..ListQuery::all(range("pods", of)) };
        keys(&store.list(&query).unwrap().items)
    };
    assert_eq!(after("b", "y", None), ["b/z", "c/x"]);
    assert_eq!(after("bb", "", None), ["c/x"]);
    assert_eq!(after("a", "x", Some("b")), ["b/x", "b/z"]);
    assert_eq!(after("c", "x", Some("b")), [""; 0]);
    assert_eq!(after("", "", None), ["a/x", "b/x", "b/z", "c/x"]);
}

#[tokio::test]
async fn a_watch_tells_each_revision_once_and_in_order() {
    let store = TestStore::open();
    let mut all = store.watch(range("pods", None), 0).unwrap();
    let mut one = store.watch(range("pods", Some("a")), 0).unwrap();
    store.commit(Batch::of([put_labelled("pods", "a", "x", "1", &[("app", "web")])])).await.unwrap();
    store.commit(Batch::of([put("pods", "b", "x", "1"), put("nodes", "", "n", "1")])).await.unwrap();
    store.commit(Batch::of([put("pods", "a", "x", "2")])).await.unwrap();
    store.commit(Batch::of([delete("pods", "a", "x")])).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let event = all.next().await.unwrap();
        let before = event.before.as_ref().map(|it| it.revision);
        seen.push((
            event.kind,
            event.object.revision,
            String::from_utf8_lossy(&event.object.value).into_owned(),
            before,
        ));
    }
    let expected = [
        (EventKind::Created, 1, "1".into(), None),
        (EventKind::Created, 2, "1".into(), None),
        (EventKind::Updated, 4, "2".into(), Some(1)),
        (EventKind::Deleted, 5, "2".into(), Some(4)),
    ];
    assert_eq!(seen, expected);
    let many = one.next_many().await.unwrap();
    assert_eq!(many.iter().map(|it| it.object.revision).collect::<Vec<_>>(), [1, 4, 5]);
    assert_eq!(&*many[0].object.labels[0].0, "app");
    assert_eq!(&*many[1].before.as_ref().unwrap().labels[0].1, "web");
    assert_eq!(one.caught_up().unwrap(), Some(5));
    assert!(one.try_next().unwrap().is_none());
}

#[tokio::test]
async fn a_watch_resumes_after_any_revision_of_history() {
    let store = TestStore::open();
    for index in 1..=20 {
        store.commit(Batch::of([put("pods", "a", "x", &index.to_string())])).await.unwrap();
    }
    for after in 0..20 {
        let mut watch = store.watch(range("pods", None), after).unwrap();
        for expected in after + 1..=20 {
            assert_eq!(watch.next().await.unwrap().object.revision, expected);
        }
    }
    assert_eq!(store.watch(range("pods", None), 21).err(), Some(ReadError::Future { current: 20 }));
}

#[tokio::test]
async fn a_waiting_watch_hears_the_next_change_of_its_namespace() {
    let store = TestStore::open();
    let mut watch = store.watch(range("pods", Some("a")), 0).unwrap();
    let writes = async {
        tokio::task::yield_now().await;
        store.commit(Batch::of([put("pods", "b", "x", "1")])).await.unwrap();
        store.commit(Batch::of([put("pods", "a", "x", "1")])).await.unwrap();
    };
    let (event, ()) = tokio::join!(watch.next(), writes);
    assert_eq!(event.unwrap().object.revision, 2);
}

#[tokio::test]
async fn history_is_bounded_and_what_lies_before_it_is_expired() {
    let store = TestStore::open_with(|it| it.history_revisions = 100);
    let mut slow = store.watch(range("pods", None), 0).unwrap();
    for index in 0..2000 {
        store.commit(Batch::of([put("pods", "a", &format!("x{}", index % 7), "1")])).await.unwrap();
    }
    let oldest = store.oldest();
    assert!(oldest > 1000, "history was never trimmed: {oldest}");
    assert_eq!(slow.next().await.err(), Some(ReadError::Expired { oldest }));
    assert_eq!(store.watch(range("pods", None), oldest - 1).err(), Some(ReadError::Expired { oldest }));
    let at = |revision| store.list(&ListQuery { at: Some(revision), ..ListQuery::all(range("pods", None)) });
    assert_eq!(at(oldest - 1).err(), Some(ReadError::Expired { oldest }));
    assert_eq!(at(2001).err(), Some(ReadError::Future { current: 2000 }));
    assert_eq!(at(oldest).unwrap().items.len(), 7);
    let mut watch = store.watch(range("pods", None), oldest).unwrap();
    assert_eq!(watch.next().await.unwrap().object.revision, oldest + 1);
}

#[tokio::test]
async fn a_quiet_collection_is_watched_across_any_number_of_other_changes() {
    let mut store = TestStore::open_with(|it| it.history_revisions = 100);
    store.commit(Batch::of([put("nodes", "", "n", "1")])).await.unwrap();
    let mut quiet = store.watch(range("nodes", None), 1).unwrap();
    for _ in 0..200 {
        let ops = (0..10).map(|it| put("pods", "a", &format!("x{it}"), "1")).collect::<Vec<_>>();
        store.commit(Batch::of(ops)).await.unwrap();
    }
    assert!(store.oldest() > 1);
    let mut resumed = store.watch(range("nodes", None), 1).unwrap();
    let made = store.commit(Batch::of([put("nodes", "", "n", "2")])).await.unwrap();
    for watch in [&mut quiet, &mut resumed] {
        assert_eq!(watch.next().await.unwrap().object.revision, made.objects[0].revision);
    }
    // After a restart nobody knows what happened before history begins.
    store.reopen().await;
    let oldest = store.oldest();
    assert_eq!(store.watch(range("nodes", None), 1).err(), Some(ReadError::Expired { oldest }));
}

#[tokio::test]
async fn two_may_close_the_same_store() {
    let store = TestStore::open();
    tokio::join!(store.handle().close(), store.handle().close());
    store.handle().close().await;
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart() {
    let mut store = TestStore::open_with(|it| it.history_revisions = 50);
    for index in 0..1500 {
        let name = format!("x{}", index % 11);
        let op =
            if index % 13 == 12 { delete("pods", "a", &name) } else { put("pods", "a", &name, &index.to_string()) };
        let _conflict_where_it_was_deleted_before = store.commit(Batch::of([op])).await;
    }
    store.commit(Batch::of([put_labelled("pods", "a", "last", "1", &[("b", "2"), ("a", "1")])])).await.unwrap();
    store.commit(Batch::of([delete("pods", "a", "last")])).await.unwrap();
    let (revision, oldest) = (store.revision(), store.oldest());
    let before = store.dump(range("pods", None), oldest);
    store.reopen().await;
    assert_eq!((store.revision(), store.oldest()), (revision, oldest));
    assert_eq!(store.dump(range("pods", None), oldest), before);
    let made = store.commit(Batch::of([put("pods", "a", "last", "1")])).await.unwrap();
    assert_eq!(made.objects[0].revision, revision + 1);
}

#[tokio::test]
async fn closing_ends_watches_and_refuses_writes() {
    let store = TestStore::open();
    let mut watch = store.watch(range("pods", None), 0).unwrap();
    store.commit(Batch::of([put("pods", "a", "x", "1")])).await.unwrap();
    let other = store.handle();
    other.clone().close().await;
    assert_eq!(watch.next().await.unwrap().object.revision, 1);
    assert_eq!(watch.next().await.err(), Some(ReadError::Closed));
    assert!(matches!(other.commit(Batch::of([put("pods", "a", "y", "1")])).await, Err(CommitError::Stopped)));
    assert!(other.get(&key("pods", "a", "x")).is_some());
}

#[tokio::test]
async fn waiting_for_a_revision_returns_when_it_can_be_read() {
    let store = TestStore::open();
    let ((), made) = tokio::join!(store.wait_for(1), store.commit(Batch::of([put("pods", "a", "x", "1")])));
    assert_eq!(made.unwrap().objects[0].revision, 1);
    store.wait_for(0).await;
}
