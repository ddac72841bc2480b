//! How fast the ledger is, from where to where, as a table: `cargo bench -p fairway-ledger`.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a bench may end as it likes; counts below 2^52")]
#![allow(clippy::unchecked_time_subtraction, reason = "times of one clock")]

use std::io::BufReader;
use std::path::Path;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::time::Duration;

use fairway_clock::{Clock, SeededEntropy, SystemClock, SystemEntropy};
use fairway_ledger::{
    Appender, Event, ObjectFilter, ObjectRef, Query, Settings, Signer, Trust, after, export, new_id, query, types,
    verify, verify_export,
};
use rusqlite::Connection;

const EVENTS: u64 = 100_000;
/// How many events a transaction may hold when many clients wait, as in the store.
const GROUP: usize = 1000;
/// How long clients append.
const APPENDING: Duration = Duration::from_secs(3);

fn main() {
    let clock = SystemClock::new();
    let folder = tempfile::tempdir().unwrap();
    let mut connection = open(&folder.path().join("ledger.db"));
    let signer = Signer::open(&folder.path().join("key"), &SystemEntropy).unwrap();
    let trust = Trust { keys: vec![signer.public_key()], checkpoints: Vec::new() };
    let mut appender = Appender::new(Settings { signer: Some(signer), checkpoint_every: 1000 });
    appender.prepare(&connection).unwrap();

    println!("{:<60} {:>14} {:>12}", "what", "per second", "took");
    disk(&clock, folder.path());
    for clients in [1, 8, 64] {
        append_by(&clock, clients);
    }
    let mut written = 0;
    for (group, count) in [(1, 2_000), (64, 20_000), (1000, EVENTS - 22_000)] {
        let events: Vec<Event> = (written..written + count).map(event).collect();
        let took = timed(&clock, || {
            for part in events.chunks(group) {
                let transaction = connection.transaction().unwrap();
                appender.append(&transaction, part).unwrap();
                transaction.commit().unwrap();
                appender.settled(true);
            }
        });
        written += count;
        row(&format!("append, {group} in a transaction"), count, took);
        let name = format!("ledger append, {group} in a transaction");
        table_row(&name, "the first event", "the last one on disk", count, took);
    }
    let took = timed(&clock, || assert_eq!(verify(&connection, &trust).unwrap().head.sequence, EVENTS));
    row("verify the database", EVENTS, took);
    table_row("ledger verify", "opening the database", "every hash and signature checked", EVENTS, took);
    let file = folder.path().join("export");
    let took = timed(&clock, || export(&connection, &mut std::fs::File::create(&file).unwrap()).unwrap());
    row("export as JSON lines", EVENTS, took);
    let took = timed(&clock, || {
        let mut lines = BufReader::with_capacity(1 << 16, std::fs::File::open(&file).unwrap());
        assert_eq!(verify_export(&mut lines, &trust).unwrap().head.sequence, EVENTS);
    });
    row("verify the export", EVENTS, took);
    queries(&clock, &connection);
}

/// What any ledger on this disk costs at least: a row in a transaction of its own.
fn disk(clock: &dyn Clock, folder: &Path) {
    let connection = open(&folder.join("disk.db"));
    connection.execute_batch("CREATE TABLE plain (id INTEGER PRIMARY KEY, what TEXT)").unwrap();
    let text = "x".repeat(400);
    let count = 2_000;
    let took = timed(clock, || {
        for _ in 0..count {
            connection.execute("INSERT INTO plain (what) VALUES (?1)", [&text]).unwrap();
        }
    });
    row("no ledger: a row of 400 bytes in a transaction", count, took);
    table_row("disk: one row in a transaction", "the first row", "the last one on disk", count, took);
}

/// An event, and who waits for it.
type Asked = (Event, SyncSender<()>);

/// Clients that each wait until their event is on disk, as the writers of the store do: whatever waits when the writer
/// is free goes into one transaction.
fn append_by(clock: &dyn Clock, clients: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = open(&folder.path().join("ledger.db"));
    let signer = Signer::open(&folder.path().join("key"), &SystemEntropy).unwrap();
    let mut appender = Appender::new(Settings { signer: Some(signer), checkpoint_every: 1000 });
    appender.prepare(&connection).unwrap();
    let (ask, asked) = channel::<Asked>();
    let start = clock.monotonic();
    let mut count = 0;
    std::thread::scope(|scope| {
        for client in 0..clients {
            let ask = ask.clone();
            scope.spawn(move || {
                let (done, waits) = sync_channel(1);
                for number in (client..).step_by(usize::try_from(clients).unwrap()) {
                    if clock.monotonic() - start > APPENDING {
                        return;
                    }
                    ask.send((event(number), done.clone())).unwrap();
                    waits.recv().unwrap();
                }
            });
        }
        drop(ask);
        while let Ok(first) = asked.recv() {
            let (events, waiting): (Vec<Event>, Vec<SyncSender<()>>) =
                std::iter::once(first).chain(asked.try_iter()).take(GROUP).unzip();
            let transaction = connection.transaction().unwrap();
            appender.append(&transaction, &events).unwrap();
            transaction.commit().unwrap();
            appender.settled(true);
            count += events.len() as u64;
            for it in waiting {
                it.send(()).unwrap();
            }
        }
    });
    let took = clock.monotonic() - start;
    row(&format!("append by {clients} clients, each waiting for its own"), count, took);
    let name = format!("ledger append, {clients} clients");
    table_row(&name, "a client's event", "its being on disk, each client waiting for its own", count, took);
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").unwrap();
    connection
}

fn queries(clock: &dyn Clock, connection: &Connection) {
    let object = ObjectFilter { namespace: "project-7".into(), kind: "Component".into(), name: Some("c7".into()) };
    let asked = [
        ("the newest 100", Query { limit: 100, ..Query::default() }),
        ("the newest 100 of a project", Query { project: Some("project-7".into()), limit: 100, ..Query::default() }),
        (
            "the newest 100 of an object and what followed",
            Query { object: Some(object), limit: 100, ..Query::default() },
        ),
        ("what followed from an event", Query { cause: Some(event(EVENTS / 2).id), limit: 100, ..Query::default() }),
    ];
    for (what, asked) in asked {
        let took = timed(clock, || query(connection, &asked).unwrap());
        row(what, 1, took);
    }
    let took = timed(clock, || after(connection, EVENTS - 10, 100).unwrap());
    row("the tail after a sequence", 1, took);
}

/// An update of one of 1,000 components in 100 projects, caused by an earlier event; ids grow with time, as real ones do.
fn event(number: u64) -> Event {
    let (project, name) = (format!("project-{}", number % 100), format!("c{}", number % 1000));
    Event {
        id: id(number),
        source: "/apiserver".into(),
        kind: types::OBJECT_UPDATED.into(),
        subject: Some(format!("{project}/components/{name}")),
        time: jiff::Timestamp::from_second(1_700_000_000 + number.cast_signed()).unwrap(),
        actor: "local:1000".into(),
        cause: (!number.is_multiple_of(3)).then(|| id(number - number % 3)),
        verb: "update".into(),
        object: Some(ObjectRef {
            group: "fairway.dev".into(),
            kind: "Component".into(),
            namespace: project,
            name,
            uid: id(number % 1000),
            revision: number,
        }),
        data: serde_json::json!({ "fieldManager": "platform", "userAgent": "platform/0.1.0" }),
    }
}

fn id(number: u64) -> String {
    let time = jiff::Timestamp::from_millisecond(1_700_000_000_000 + number.cast_signed() / 10).unwrap();
    new_id(time, &SeededEntropy::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

fn timed<T>(clock: &dyn Clock, what: impl FnOnce() -> T) -> Duration {
    let start = clock.monotonic();
    what();
    clock.monotonic() - start
}

fn row(what: &str, count: u64, took: Duration) {
    println!("{what:<60} {:>14.0} {:>12}", count as f64 / took.as_secs_f64(), format!("{took:.1?}"));
}

/// A row of the table that is made of all benchmarks.
fn table_row(name: &str, from: &str, to: &str, count: u64, took: Duration) {
    println!("ROW\t{name}\tfrom {from} to {to}\t{:.0} per s", count as f64 / took.as_secs_f64());
}
