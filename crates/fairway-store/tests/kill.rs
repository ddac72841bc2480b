//! An acknowledged write survives `kill -9`; one that was not is wholly there or wholly not.
//!
//! The test starts itself again as a child that writes from several threads and tells, line by line, what it was told is
//! durable. It is killed at a random moment; then everything in the file must agree with everything it told.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fairway_clock::{Entropy, SeededEntropy, SystemEntropy};
use fairway_failpoints::Failpoints;
use fairway_store::{
    Action, Batch, Entry, Expect, FAILPOINTS, Journal, JournalError, Key, ListQuery, Op, Options, Range, Revision,
    Store,
};
use rusqlite::Transaction;

const CLIENTS: u64 = 4;
/// A client deletes what it wrote so many batches ago.
const KEPT: u64 = 8;
const RESOURCE: &str = "things";

/// One row for each change; what it finds when it is opened is told to whoever asks.
#[derive(Default)]
struct Rows {
    found: Arc<Mutex<Vec<Revision>>>,
}

impl Journal for Rows {
    fn prepare(&mut self, transaction: &Transaction<'_>) -> Result<(), JournalError> {
        let read = || {
            transaction.execute_batch("CREATE TABLE IF NOT EXISTS told (revision INTEGER PRIMARY KEY)")?;
            let mut select = transaction.prepare("SELECT revision FROM told ORDER BY revision")?;
            let rows = select.query_map([], |it| it.get(0).map(i64::cast_unsigned))?;
            *self.found.lock().unwrap() = rows.collect::<Result<_, _>>()?;
            Ok(())
        };
        read().map_err(|it: rusqlite::Error| JournalError(Box::new(it)))
    }

    fn record(&mut self, transaction: &Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), JournalError> {
        let write = || {
            let mut insert = transaction.prepare_cached("INSERT INTO told VALUES (?1)")?;
            for object in entries.iter().flat_map(|it| &it.objects) {
                insert.execute([object.after.revision.cast_signed()])?;
            }
            Ok(())
        };
        write().map_err(|it: rusqlite::Error| JournalError(Box::new(it)))
    }

    fn settled(&mut self, _: bool) {}
}

fn options(folder: &Path, failpoints: &str) -> Options {
    Options {
        history_revisions: 300,
        checkpoint_bytes: 128 << 10,
        failpoints: Failpoints::parse(failpoints, &FAILPOINTS).unwrap(),
        ..Options::new(folder.join("store.db"))
    }
}

fn key(client: u64, name: &str) -> Key {
    Key::new(RESOURCE, format!("client-{client}"), name)
}

fn everything() -> Range {
    Range { resource: RESOURCE.into(), namespace: None }
}

/// What batch `number` of a client writes into its two objects; sizes differ so that pages do.
fn value(client: u64, number: u64) -> String {
    let size = usize::try_from(number * 7919 % 3000).unwrap();
    format!("{client}/{number}/{}", "x".repeat(size))
}

/// The number of the last batch of a client that is in the store.
fn last_number(store: &Store, client: u64) -> u64 {
    store.get(&key(client, "head")).map_or(0, |it| std::str::from_utf8(&it.value).unwrap().parse().unwrap())
}

/// Two new objects, the client's head, and two old objects gone: all or nothing.
fn batch(client: u64, number: u64) -> Batch {
    let put = |name: &str, value: String, expect| {
        let action = Action::Put { value: value.into(), labels: [("client".into(), client.to_string().into())].into() };
        Op { key: key(client, name), expect, action }
    };
    let mut ops = vec![
        put(&format!("a{number}"), value(client, number), Expect::Absent),
        put("head", number.to_string(), Expect::Any),
        put(&format!("b{number}"), value(client, number), Expect::Absent),
    ];
    if number > KEPT {
        let gone = ["a", "b"].map(|it| key(client, &format!("{it}{}", number - KEPT)));
        ops.extend(gone.map(|key| Op { key, expect: Expect::Any, action: Action::Delete }));
    }
    Batch::of(ops)
}

/// The child: writes until it is killed. In an ordinary run of the tests it has nothing to do.
#[test]
fn child_writes_until_it_is_killed() {
    let Ok(folder) = std::env::var("KILL_FOLDER") else { return };
    let failpoints = std::env::var("KILL_FAILPOINTS").unwrap_or_default();
    let store = Store::open(options(Path::new(&folder), &failpoints), Box::<Rows>::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let store = store.clone();
        let write = async move {
            for number in last_number(&store, client) + 1.. {
                let Ok(made) = store.commit(batch(client, number)).await else { return };
                let revisions = made.objects.iter().map(|it| it.revision.to_string()).collect::<Vec<_>>();
                say(&format!("ack {client} {number} {}", revisions.join(" ")));
            }
        };
        tasks.spawn_on(write, runtime.handle());
    }
    let mut watch = store.watch(everything(), store.revision()).unwrap();
    let follow = async move {
        while let Ok(event) = watch.next().await {
            say(&format!("seen {}", event.object.revision));
        }
    };
    tasks.spawn_on(follow, runtime.handle());
    runtime.block_on(tasks.join_all());
}

/// One line in one write: it is in the pipe wholly or not at all. The leading line end separates it from the harness.
fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

/// What a child told before its end.
#[derive(Default)]
struct Told {
    /// By client: the number of the last acknowledged batch and its revisions.
    acknowledged: BTreeMap<u64, (u64, Vec<Revision>)>,
    seen: Vec<Revision>,
    acks: usize,
}

fn start(folder: &Path, failpoints: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env("KILL_FOLDER", folder)
        .env("KILL_FAILPOINTS", failpoints)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn listen(output: impl Read) -> Told {
    let mut told = Told::default();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        let kind = words.next();
        let Ok(numbers) = words.map(str::parse).collect::<Result<Vec<u64>, _>>() else { continue };
        match (kind, &*numbers) {
            (Some("ack"), [client, number, revisions @ ..]) => {
                let earlier = told.acknowledged.insert(*client, (*number, revisions.to_vec()));
                assert!(earlier.is_none_or(|it| it.0 + 1 == *number && it.1.last() < revisions.first()), "{line}");
                told.acks += 1;
            }
            (Some("seen"), [revision]) => {
                assert!(told.seen.last().is_none_or(|it| it + 1 == *revision), "a watch left out or repeated: {line}");
                told.seen.push(*revision);
            }
            _ => {}
        }
    }
    told
}

/// Opens what a killed child left behind and compares it with what it told.
fn check(folder: &Path, told: &Told) -> Revision {
    let rows = Rows::default();
    let found = Arc::clone(&rows.found);
    let store = Store::open(options(folder, ""), Box::new(rows)).unwrap();
    let revision = store.revision();
    assert_eq!(*found.lock().unwrap(), (1..=revision).collect::<Vec<_>>(), "the journal tells of every change, once");
    assert!(told.seen.last().is_none_or(|it| *it <= revision), "a watch told of what is not there");

    let mut expected = BTreeSet::new();
    for client in 0..CLIENTS {
        let last = last_number(&store, client);
        if last > 0 {
            expected.insert(key(client, "head"));
        }
        for number in last.saturating_sub(KEPT - 1).max(1)..=last {
            for name in [format!("a{number}"), format!("b{number}")] {
                let there = store.get(&key(client, &name)).unwrap_or_else(|| panic!("{name} of {client} is missing"));
                assert!(*there.value == *value(client, number).as_bytes());
                expected.insert(there.key);
            }
        }
        if let Some((number, revisions)) = told.acknowledged.get(&client) {
            assert!(last >= *number, "client {client} was told of {number}, and {last} is there");
            if last == *number {
                let made = ["a", "head", "b"].map(|it| if it == "head" { it.into() } else { format!("{it}{number}") });
                let there = made.map(|it| store.get(&key(client, &it)).unwrap().revision);
                assert_eq!(there, revisions[..3]);
            }
        }
    }
    let listed = store.list(&ListQuery::all(everything())).unwrap();
    assert_eq!(
        listed.items.into_iter().map(|it| it.key).collect::<BTreeSet<_>>(),
        expected,
        "nothing else, nothing less"
    );

    let resume = told.seen.first().map_or(revision, |it| it - 1).max(store.oldest());
    let mut watch = store.watch(everything(), resume).unwrap();
    for expected in resume + 1..=revision {
        assert_eq!(watch.try_next().unwrap().unwrap().object.revision, expected);
    }
    assert!(watch.try_next().unwrap().is_none());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.close());
    revision
}

#[test]
fn nothing_acknowledged_is_lost_by_three_hundred_kills() {
    let mut seed = [0; 8];
    SystemEntropy.fill(&mut seed);
    let seed = std::env::var("KILL_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(u64::from_le_bytes(seed));
    println!("KILL_SEED={seed}");
    let entropy = SeededEntropy::new(seed);
    let mut acks = 0;
    for _life in 0..15 {
        // The same file is killed twenty times over: what one recovery leaves behind, the next must bear.
        let folder = tempfile::tempdir().unwrap();
        let mut revision = 0;
        for _kill in 0..20 {
            let mut moment = [0; 8];
            entropy.fill(&mut moment);
            let mut child = start(folder.path(), "");
            let output = child.stdout.take().unwrap();
            let listener = std::thread::spawn(|| listen(output));
            std::thread::sleep(Duration::from_micros(u64::from_le_bytes(moment) % 90_000));
            child.kill().unwrap();
            child.wait().unwrap();
            let told = listener.join().unwrap();
            acks += told.acks;
            let now = check(folder.path(), &told);
            assert!(now >= revision, "revisions went back from {revision} to {now}");
            revision = now;
        }
    }
    println!("{acks} acknowledged batches, none lost");
    assert!(acks > 0);
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_ends_at_a_named_point() {
    let points =
        ["before-transaction", "before-journal", "before-commit", "before-publish", "in-compaction", "in-checkpoint"];
    for point in points {
        let folder = tempfile::tempdir().unwrap();
        for nth in [1, 2, 3] {
            let mut child = start(folder.path(), &format!("{point}=kill@{nth}"));
            let told = listen(child.stdout.take().unwrap());
            assert!(!child.wait().unwrap().success(), "{point} was never reached");
            check(folder.path(), &told);
        }
    }
}
