//! Whatever is done to it, the store says what a plain map would.

use std::collections::BTreeMap;

use fairway_store::{Batch, CommitError, EventKind, Expect, ListQuery, Revision};
use proptest::prelude::*;

use crate::common::{TestStore, delete, key, keys, put, range};

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Change>),
    Reopen,
}

#[derive(Debug, Clone)]
struct Change {
    resource: usize,
    namespace: usize,
    name: usize,
    expect: Guess,
    delete: bool,
}

/// What the writer believes of the object; right more often than not.
#[derive(Debug, Clone, Copy)]
enum Guess {
    Any,
    Absent,
    Right,
    Wrong,
}

const RESOURCES: [&str; 2] = ["core/pods", "core/nodes"];
const NAMESPACES: [&str; 3] = ["", "a", "a--b"];

type Name = (usize, String, String);
type Objects = BTreeMap<Name, (Revision, String)>;

/// The plain map: every state that ever was, by revision, and every change.
#[derive(Default)]
struct Model {
    states: Vec<Objects>,
    changes: Vec<(Name, EventKind, Option<Revision>)>,
}

impl Model {
    fn revision(&self) -> Revision {
        self.changes.len() as Revision
    }

    /// Does a batch; `Err`: the operation that stands against it.
    fn commit(&mut self, changes: &[Change]) -> Result<Batch, (Batch, usize)> {
        let (mut now, mut made) = (self.states.last().cloned().unwrap_or_default(), Vec::new());
        let (mut ops, mut states, mut against) = (Vec::new(), Vec::new(), None);
        for (index, change) in changes.iter().enumerate() {
            let name = (change.resource, NAMESPACES[change.namespace].to_owned(), format!("x{}", change.name));
            let there = now.get(&name).map(|it| it.0);
            let expect = match (change.expect, there) {
                (Guess::Any, _) => Expect::Any,
                (Guess::Absent, _) | (Guess::Right, None) => Expect::Absent,
                (Guess::Right, Some(revision)) => Expect::At(revision),
                (Guess::Wrong, _) => Expect::At(there.map_or(1, |it| it + 1)),
            };
            let revision = self.revision() + made.len() as Revision + 1;
            let (resource, value) = (RESOURCES[change.resource], format!("value {revision}"));
            let op = if change.delete {
                delete(resource, &name.1, &name.2)
            } else {
                put(resource, &name.1, &name.2, &value)
            };
            ops.push(op.expecting(expect));
            let met = match expect {
                Expect::Any => true,
                Expect::Absent => there.is_none(),
                Expect::At(at) => there == Some(at),
            };
            let kind = match (change.delete, there) {
                (true, Some(_)) if met => EventKind::Deleted,
                (false, None) if met => EventKind::Created,
                (false, Some(_)) if met => EventKind::Updated,
                _ => {
                    against = against.or(Some(index));
                    continue;
                }
            };
            if change.delete {
                now.remove(&name);
            } else {
                now.insert(name.clone(), (revision, value));
            }
            states.push(now.clone());
            made.push((name, kind, there));
        }
        let batch = Batch::of(ops);
        if let Some(index) = against {
            return Err((batch, index));
        }
        self.states.extend(states);
        self.changes.extend(made);
        Ok(batch)
    }

    fn at(&self, revision: Revision) -> Objects {
        if revision == 0 { Objects::new() } else { self.states[usize::try_from(revision).unwrap() - 1].clone() }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let guess = prop_oneof![
        4 => Just(Guess::Any), 2 => Just(Guess::Absent), 4 => Just(Guess::Right), 1 => Just(Guess::Wrong)
    ];
    let change = (0..2usize, 0..3usize, 0..4usize, guess, proptest::bool::weighted(0.3))
        .prop_map(|(resource, namespace, name, expect, delete)| Change { resource, namespace, name, expect, delete });
    let step = prop_oneof![
        12 => proptest::collection::vec(change, 0..4).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Compares everything a reader can ask with the model.
fn agree(store: &TestStore, model: &Model) {
    assert_eq!(store.revision(), model.revision());
    for (index, resource) in RESOURCES.iter().enumerate() {
        for namespace in [None, Some(""), Some("a"), Some("a--b"), Some("b")] {
            for at in store.oldest()..=model.revision() {
                let of = |name: &Name| name.0 == index && namespace.is_none_or(|it| it == name.1);
                let expected = model.at(at).into_iter().filter(|it| of(&it.0));
                let expected = expected.map(|(name, it)| (format!("{}/{}", name.1, name.2), it)).collect::<Vec<_>>();
                let mut query = ListQuery { at: Some(at), ..ListQuery::all(range(resource, namespace)) };
                let all = store.list(&query).unwrap();
                let values = all.items.iter().map(|it| (it.revision, String::from_utf8_lossy(&it.value).into_owned()));
                assert_eq!(keys(&all.items).into_iter().zip(values).collect::<Vec<_>>(), expected);
                assert_eq!((all.remaining, all.revision), (0, at));
                query.limit = Some(2);
                let mut paged = Vec::new();
                loop {
                    let page = store.list(&query).unwrap();
                    paged.extend(keys(&page.items));
                    assert_eq!(page.remaining, expected.len() - paged.len());
                    let Some(last) = page.items.last().filter(|_| page.remaining > 0) else { break };
                    query.after = Some((last.key.namespace.clone(), last.key.name.clone()));
                }
                assert_eq!(paged, keys(&all.items));
            }
        }
        let mut watch = store.watch(range(resource, None), store.oldest()).unwrap();
        for (revision, (name, kind, before)) in (1..).zip(&model.changes) {
            if name.0 == index && revision > store.oldest() {
                let event = watch.try_next().unwrap().unwrap();
                let told = (event.object.revision, event.kind, event.before.as_ref().map(|it| it.revision));
                assert_eq!(told, (revision, *kind, *before));
                assert_eq!(event.object.key, key(resource, &name.1, &name.2));
            }
        }
        assert!(watch.try_next().unwrap().is_none());
    }
}

async fn run(steps: Vec<Step>) {
    let mut store = TestStore::open();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Commit(changes) => match model.commit(&changes) {
                Ok(batch) => {
                    let made = store.commit(batch).await.unwrap();
                    assert_eq!(made.objects.last().map_or(store.revision(), |it| it.revision), model.revision());
                }
                Err((batch, index)) => {
                    let refused = store.commit(batch).await;
                    assert!(matches!(refused, Err(CommitError::Conflict { op, .. }) if op == index), "{refused:?}");
                }
            },
            Step::Reopen => {
                store.reopen().await;
                agree(&store, &model);
            }
        }
    }
    agree(&store, &model);
    store.reopen().await;
    agree(&store, &model);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn the_store_agrees_with_a_plain_map(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(steps));
    }
}
