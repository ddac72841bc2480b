//! How fast the store is, from where to where, as a table: `cargo bench -p fairway-store`.
//!
//! The files stand in the folder of `TMPDIR`: on a real disk every commit waits for it.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]
#![allow(
    clippy::unchecked_time_subtraction,
    clippy::cast_precision_loss,
    reason = "times of one clock, counts below 2^52"
)]
#![allow(clippy::unwrap_used, reason = "a bench that cannot run may say so as it likes")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairway_clock::{Clock, SystemClock};
use fairway_store::{
    Action, Batch, Entry, Expect, Journal, JournalError, Key, ListQuery, NoJournal, Op, Options, Range, Store,
};
use tokio::task::JoinSet;

mod shapes;

struct Bench {
    clock: Arc<SystemClock>,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let bench = Bench { clock: Arc::new(SystemClock::new()) };
    println!("{:<64} {:>14} {:>12} {:>12}", "what", "per second", "p50", "p99");
    for (name, journal) in [("", false), (", one journal row each", true)] {
        for clients in [1, 8, 64] {
            runtime.block_on(bench.commits(clients, name, journal));
        }
    }
    runtime.block_on(bench.updates());
    runtime.block_on(bench.reads());
    runtime.block_on(bench.fan_out());
    runtime.block_on(bench.open());
    shapes::compare(&*bench.clock);
}

/// One row for each change, as a ledger writes them.
struct Rows;

impl Journal for Rows {
    fn prepare(&mut self, transaction: &rusqlite::Transaction<'_>) -> Result<(), JournalError> {
        let made = transaction.execute_batch("CREATE TABLE IF NOT EXISTS told (id INTEGER PRIMARY KEY, what TEXT)");
        made.map_err(|it| JournalError(Box::new(it)))
    }

    fn record(&mut self, transaction: &rusqlite::Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), JournalError> {
        let write = || {
            let mut insert = transaction.prepare_cached("INSERT INTO told (what) VALUES (?1)")?;
            let objects = entries.iter().flat_map(|it| &it.objects);
            objects
                .map(|it| insert.execute([format!("{:?} {:400}", it.kind, it.after.key.name)]))
                .try_for_each(|it| it.map(drop))
        };
        write().map_err(|it: rusqlite::Error| JournalError(Box::new(it)))
    }

    fn settled(&mut self, _: bool) {}
}

fn open(journal: bool) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("store.db"));
    let journal: Box<dyn Journal> = if journal { Box::new(Rows) } else { Box::new(NoJournal) };
    (Store::open(options, journal).unwrap(), folder)
}

fn put(name: &str, value: &Bytes) -> Op {
    let labels = [("app".into(), "web".into())].into();
    let key = Key::new("core/configmaps", format!("space-{}", name.len() % 7), name);
    Op { key, expect: Expect::Absent, action: Action::Put { value: value.clone(), labels } }
}

fn value() -> Bytes {
    Bytes::from(vec![b'x'; 1024])
}

fn everything() -> Range {
    Range { resource: "core/configmaps".into(), namespace: None }
}

/// From where to where the clock ran.
type Way = (&'static str, &'static str);

/// A call of the store, until it returns.
const CALL: Way = ("the call", "its return");
/// A write.
const WRITE: Way = ("the call", "its return, everything on disk");

fn row(what: &str, (from, to): Way, per_second: impl Into<Option<f64>>, mut times: Vec<Duration>) {
    let rate = per_second.into().map(|it| format!("{it:.0}"));
    times.sort();
    let at = |part: usize| {
        times.get(times.len() * part / 100).or(times.last()).map_or(String::new(), |it| format!("{it:.1?}"))
    };
    let (p50, p99) = (at(50), at(99));
    println!("{what:<64} {:>14} {p50:>12} {p99:>12}", rate.as_deref().unwrap_or("-"));
    // A row of the table that is made of all benchmarks.
    let value = rate.map_or_else(|| format!("{p50} (p99 {p99})"), |it| format!("{it} per s (p50 {p50}, p99 {p99})"));
    println!("ROW\tstore: {what}\tfrom {from} to {to}\t{value}");
}

impl Bench {
    fn timed<T>(&self, what: impl FnOnce() -> T) -> (T, Duration) {
        let start = self.clock.monotonic();
        let done = what();
        (done, self.clock.monotonic() - start)
    }

    async fn commits(&self, clients: usize, name: &str, journal: bool) {
        let (store, _folder) = open(journal);
        let (until, start) = (Duration::from_secs(3), self.clock.monotonic());
        let mut tasks = JoinSet::new();
        for client in 0..clients {
            let (store, clock) = (store.clone(), Arc::clone(&self.clock));
            tasks.spawn(async move {
                let (value, mut times) = (value(), Vec::new());
                loop {
                    let begun = clock.monotonic();
                    if begun - start > until {
                        return times;
                    }
                    store.commit(Batch::of([put(&format!("{client}-{}", times.len()), &value)])).await.unwrap();
                    times.push(clock.monotonic() - begun);
                }
            });
        }
        let times = tasks.join_all().await.concat();
        let elapsed = self.clock.monotonic() - start;
        let what = format!("durable creates of 1 KB, {clients} clients{name}");
        row(&what, WRITE, times.len() as f64 / elapsed.as_secs_f64(), times);
        store.close().await;
    }

    /// The same few objects again and again: history is trimmed all the time.
    async fn updates(&self) {
        let (store, _folder) = open(false);
        let (value, mut times, start) = (value(), Vec::new(), self.clock.monotonic());
        while self.clock.monotonic() - start < Duration::from_secs(5) {
            let ops = (0..64).map(|it| put(&format!("x{it}"), &value).expecting(Expect::Any)).collect::<Vec<_>>();
            let begun = self.clock.monotonic();
            store.commit(Batch::of(ops)).await.unwrap();
            times.push(self.clock.monotonic() - begun);
        }
        let elapsed = self.clock.monotonic() - start;
        row(
            "durable updates of 1 KB, 64 in a batch, history full",
            WRITE,
            times.len() as f64 * 64.0 / elapsed.as_secs_f64(),
            times,
        );
        store.close().await;
    }

    async fn reads(&self) {
        let (store, _folder) = open(false);
        let value = value();
        let ops = (0..10_000).map(|it| put(&format!("x{it}"), &value)).collect::<Vec<_>>();
        store.commit(Batch::of(ops)).await.unwrap();
        let revision = store.revision();
        let key = Key::new("core/configmaps", "space-5", "x5000");
        let times = (0..100_000).map(|_| self.timed(|| store.get(&key).unwrap()).1).collect::<Vec<_>>();
        row("get", CALL, 1.0 / times.iter().sum::<Duration>().as_secs_f64() * 100_000.0, times);
        let all = ListQuery::all(everything());
        let list =
            |query: &ListQuery| (0..200).map(|_| self.timed(|| store.list(query).unwrap()).1).collect::<Vec<_>>();
        let per_second = |times: &[Duration]| times.len() as f64 / times.iter().sum::<Duration>().as_secs_f64();
        let times = list(&all);
        row("list of 10,000 x 1 KB", CALL, per_second(&times), times);
        let times =
            list(&ListQuery { limit: Some(500), after: Some(("space-5".into(), "x4500".into())), ..all.clone() });
        row("list of 500 of them, continued", CALL, per_second(&times), times);
        for it in 0..100 {
            store.commit(Batch::of([put(&format!("y{it}"), &value)])).await.unwrap();
        }
        let times = list(&ListQuery { at: Some(revision), limit: Some(500), ..all });
        row("list of 500 of them at a revision 100 changes ago", CALL, per_second(&times), times);
        store.close().await;
    }

    /// From the call of commit to the moment the last of 1,000 watchers has the change.
    async fn fan_out(&self) {
        let (store, _folder) = open(false);
        let mut tasks = JoinSet::new();
        let (heard, mut all_heard) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..1000 {
            let mut watch = store.watch(everything(), 0).unwrap();
            let heard = heard.clone();
            tasks.spawn(async move {
                while let Ok(event) = watch.next().await {
                    let _ended = heard.send(event.object.revision);
                }
            });
        }
        let (value, mut times, mut returned) = (value(), Vec::new(), Vec::new());
        for it in 0..100 {
            let begun = self.clock.monotonic();
            store.commit(Batch::of([put(&format!("x{it}"), &value)])).await.unwrap();
            returned.push(self.clock.monotonic() - begun);
            for _ in 0..1000 {
                all_heard.recv().await.unwrap();
            }
            times.push(self.clock.monotonic() - begun);
        }
        row("create, until its caller has the answer, 1,000 watchers", WRITE, None, returned);
        row(
            "create, until the last of 1,000 watchers has it",
            ("the call", "the last of the watchers having the change"),
            None,
            times,
        );
        store.close().await;
        tasks.join_all().await;
    }

    async fn open(&self) {
        for count in [1_000, 100_000] {
            let (store, folder) = open(false);
            let value = value();
            for part in 0..count / 1000 {
                let ops = (0..1000).map(|it| put(&format!("x{part}-{it}"), &value)).collect::<Vec<_>>();
                store.commit(Batch::of(ops)).await.unwrap();
            }
            store.close().await;
            let options = Options::new(folder.path().join("store.db"));
            let (store, took) = self.timed(|| Store::open(options, Box::new(NoJournal)).unwrap());
            row(&format!("open with {count} objects of 1 KB"), CALL, None, vec![took]);
            store.close().await;
        }
    }
}
