//! The shapes that the map of objects could have, measured for what is done with it most.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairway_clock::Clock;
use fairway_store::{Key, Stored};

type Pair = (Arc<str>, Arc<str>);

/// Prints what listing, inserting into and getting from 10,000 objects costs in each shape.
pub(crate) fn compare(clock: &dyn Clock) {
    let objects: Vec<Stored> = (0..10_000).map(object).collect();
    println!("\n{:<40} {:>12} {:>12} {:>12}", "shape of 10,000 objects", "list", "insert", "get");

    let mut nested: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Stored>> = BTreeMap::new();
    let mut pairs: BTreeMap<Pair, Stored> = BTreeMap::new();
    let mut hashed: HashMap<Pair, Stored> = HashMap::new();
    let mut sorted: Vec<Stored> = Vec::new();
    let mut shared: Arc<BTreeMap<Pair, Arc<Stored>>> = Arc::default();
    let pair = |it: &Stored| (Arc::clone(&it.key.namespace), Arc::clone(&it.key.name));

    let insert = each(clock, &objects, |it| {
        nested.entry(Arc::clone(&it.key.namespace)).or_default().insert(Arc::clone(&it.key.name), it.clone());
    });
    let get = each(clock, &objects, |it| assert!(nested[&it.key.namespace].contains_key(&it.key.name)));
    let list = lists(clock, || {
        let mut all = Vec::with_capacity(nested.values().map(BTreeMap::len).sum());
        for names in nested.values() {
            all.extend(names.values().cloned());
        }
        all
    });
    print("map of maps (used)", list, insert, get);

    let insert = each(clock, &objects, |it| drop(pairs.insert(pair(it), it.clone())));
    let get = each(clock, &objects, |it| assert!(pairs.contains_key(&pair(it))));
    print("map of pairs", lists(clock, || pairs.values().cloned().collect()), insert, get);

    let insert = each(clock, &objects, |it| drop(hashed.insert(pair(it), it.clone())));
    let get = each(clock, &objects, |it| assert!(hashed.contains_key(&pair(it))));
    let list = lists(clock, || {
        let mut all: Vec<Stored> = hashed.values().cloned().collect();
        all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        all
    });
    print("hash map, sorted at each list", list, insert, get);

    let insert = each(clock, &objects, |it| {
        let at = sorted.binary_search_by(|other| other.key.cmp(&it.key)).unwrap_err();
        sorted.insert(at, it.clone());
    });
    let get = each(clock, &objects, |it| assert!(sorted.binary_search_by(|other| other.key.cmp(&it.key)).is_ok()));
    print("sorted vector", lists(clock, || sorted.clone()), insert, get);

    // The price of a list whose items are one reference count each instead of five.
    let insert = each(clock, &objects, |it| drop(Arc::make_mut(&mut shared).insert(pair(it), Arc::new(it.clone()))));
    let get = each(clock, &objects, |it| assert!(shared.contains_key(&pair(it))));
    let times = (0..100).map(|_| timed(clock, || shared.values().cloned().collect::<Vec<_>>()));
    print("map of pairs to Arc<Stored>", middle(times.collect()), insert, get);
}

fn object(number: usize) -> Stored {
    // A walk over all numbers that is not in their order.
    let number = number * 7919 % 10_000;
    let key = Key::new("core/configmaps", format!("space-{}", number % 20), format!("object-{number}"));
    let labels = [("app".into(), "web".into())].into();
    Stored { key, revision: number as u64, value: Bytes::from(vec![b'x'; 1024]), labels }
}

fn timed<T>(clock: &dyn Clock, what: impl FnOnce() -> T) -> Duration {
    let start = clock.monotonic();
    let made = what();
    let took = clock.monotonic() - start;
    drop(made);
    took
}

fn lists(clock: &dyn Clock, list: impl Fn() -> Vec<Stored>) -> Duration {
    middle((0..100).map(|_| timed(clock, &list)).collect())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The time for one.
fn each(clock: &dyn Clock, objects: &[Stored], mut what: impl FnMut(&Stored)) -> Duration {
    timed(clock, || objects.iter().for_each(&mut what)) / 10_000
}

fn print(shape: &str, list: Duration, insert: Duration, get: Duration) {
    println!("{shape:<40} {:>12} {:>12} {:>12}", format!("{list:.1?}"), format!("{insert:.1?}"), format!("{get:.1?}"));
}
