//! What goes wrong, and what is still right afterwards.

use std::os::unix::fs::PermissionsExt;
use std::pin::pin;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use fairway_clock::{Entropy, SeededEntropy};
use fairway_failpoints::Failpoints;
use fairway_store::{
    Batch, CommitError, Entry, Expect, FAILPOINTS, Journal, JournalError, ListQuery, NoJournal, OpenStore, Options,
    Store,
};
use rusqlite::{Connection, Transaction};

use crate::common::{TestStore, delete, key, names, put, range};

/// A journal that waits to be let go on, and says what it was told.
struct Gate {
    entered: Sender<Vec<usize>>,
    go: Receiver<Result<(), &'static str>>,
    settled: Arc<Mutex<Vec<bool>>>,
}

impl Journal for Gate {
    fn prepare(&mut self, _: &Transaction<'_>) -> Result<(), JournalError> {
        Ok(())
    }

    fn record(&mut self, _: &Transaction<'_>, entries: &[Entry<'_>]) -> Result<(), JournalError> {
        self.entered.send(entries.iter().map(|it| it.objects.len()).collect()).unwrap();
        self.go.recv().unwrap_or(Ok(())).map_err(|it| JournalError(it.into()))
    }

    fn settled(&mut self, committed: bool) {
        self.settled.lock().unwrap().push(committed);
    }
}

struct Gated {
    store: TestStore,
    entered: Receiver<Vec<usize>>,
    go: Sender<Result<(), &'static str>>,
    settled: Arc<Mutex<Vec<bool>>>,
}

fn gated() -> Gated {
    let (enter, entered) = channel();
    let (go, let_go) = channel();
    let settled = Arc::new(Mutex::new(Vec::new()));
    let gate = Gate { entered: enter, go: let_go, settled: Arc::clone(&settled) };
    Gated { store: TestStore::open_journal(|_| (), Box::new(gate)), entered, go, settled }
}

#[tokio::test]
async fn writes_of_one_group_see_each_other_and_readers_see_none_before_it_is_on_disk() {
    let Gated { store, entered, go, settled } = gated();
    let mut watch = store.watch(range("pods", None), 0).unwrap();
    let mut first = pin!(store.commit(Batch::of([put("pods", "a", "first", "1")])));
    assert!(futures::poll!(&mut first).is_pending());
    assert_eq!(entered.recv().unwrap(), [1]);
    // The writer is held up: these four are the next group.
    let mut made = pin!(store.commit(Batch::of([put("pods", "a", "x", "1").expecting(Expect::Absent)])));
    let mut late = pin!(store.commit(Batch::of([put("pods", "a", "x", "2").expecting(Expect::Absent)])));
    let mut next = pin!(store.commit(Batch::of([put("pods", "a", "x", "3").expecting(Expect::At(2))])));
    let mut gone = pin!(store.commit(Batch::of([delete("pods", "a", "first"), delete("pods", "a", "x")])));
    assert!(futures::poll!(&mut made).is_pending() && futures::poll!(&mut late).is_pending());
    assert!(futures::poll!(&mut next).is_pending() && futures::poll!(&mut gone).is_pending());
    assert_eq!(store.revision(), 0);
    assert!(watch.try_next().unwrap().is_none());
    go.send(Ok(())).unwrap();
    assert_eq!(first.await.unwrap().objects[0].revision, 1);
    assert_eq!(entered.recv().unwrap(), [1, 1, 2], "one transaction; the conflict is not in it");
    assert!(futures::poll!(&mut late).is_pending(), "it depends on a write that is not on disk yet");
    assert!(store.get(&key("pods", "a", "x")).is_none());
    go.send(Ok(())).unwrap();
    assert_eq!(made.await.unwrap().objects[0].revision, 2);
    let CommitError::Conflict { op: 0, current: Some(there) } = late.await.unwrap_err() else { panic!("no conflict") };
    assert_eq!((there.revision, &*there.value), (2, &b"1"[..]));
    assert_eq!(next.await.unwrap().objects[0].revision, 3);
    assert_eq!(gone.await.unwrap().objects.iter().map(|it| it.revision).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(watch.next_many().await.unwrap().len(), 5);
    assert_eq!(*settled.lock().unwrap(), [true, true]);
}

#[tokio::test]
async fn a_journal_that_cannot_record_fails_its_whole_group_and_only_that() {
    let Gated { store, entered, go, settled } = gated();
    let mut first = pin!(store.commit(Batch::of([put("pods", "a", "x", "1")])));
    assert!(futures::poll!(&mut first).is_pending());
    entered.recv().unwrap();
    let mut one = pin!(store.commit(Batch::of([put("pods", "a", "y", "1")])));
    let mut two = pin!(store.commit(Batch::of([put("pods", "a", "y", "2").expecting(Expect::At(2))])));
    let mut three = pin!(store.commit(Batch::of([put("pods", "a", "x", "9").expecting(Expect::Absent)])));
    assert!(futures::poll!(&mut one).is_pending() && futures::poll!(&mut two).is_pending());
    assert!(futures::poll!(&mut three).is_pending());
    go.send(Ok(())).unwrap();
    first.await.unwrap();
    entered.recv().unwrap();
    go.send(Err("no ink")).unwrap();
    for failed in [one.await, two.await, three.await] {
        let Err(CommitError::Journal(why)) = failed else { panic!("it was written: {failed:?}") };
        assert_eq!(why.0.to_string(), "no ink");
    }
    assert_eq!((names(&store, range("pods", None)), store.revision()), (vec!["a/x".into()], 1));
    go.send(Ok(())).unwrap();
    let made = store.commit(Batch::of([put("pods", "a", "y", "3").expecting(Expect::Absent)])).await.unwrap();
    assert_eq!(made.objects[0].revision, 2);
    assert_eq!(*settled.lock().unwrap(), [true, false, true]);
}

#[tokio::test]
async fn a_batch_without_operations_is_recorded_and_moves_no_revision() {
    let Gated { store, entered, go, .. } = gated();
    go.send(Ok(())).unwrap();
    let note: fairway_store::Note = Arc::new("refused");
    let made = store.commit(Batch { ops: Vec::new(), note: Some(note) }).await.unwrap();
    assert!(made.objects.is_empty());
    assert_eq!((entered.recv().unwrap(), store.revision()), (vec![0], 0));
    store.commit(Batch::default()).await.unwrap();
    assert!(entered.try_recv().is_err(), "nothing to say, nothing to record");
}

#[tokio::test]
async fn a_full_disk_fails_the_group_and_the_next_write_is_tried_again() {
    for point in ["before-transaction", "before-journal", "before-commit"] {
        let store = TestStore::open_with(|it| {
            it.failpoints = Failpoints::parse(&format!("{point}=full@2"), &FAILPOINTS).unwrap();
        });
        store.commit(Batch::of([put("pods", "a", "x", "1")])).await.unwrap();
        let failed = store.commit(Batch::of([put("pods", "a", "x", "2"), put("pods", "a", "y", "1")])).await;
        assert!(matches!(failed, Err(CommitError::Full)), "{point}: {failed:?}");
        assert_eq!(store.get(&key("pods", "a", "x")).unwrap().revision, 1);
        let made = store.commit(Batch::of([put("pods", "a", "y", "1").expecting(Expect::Absent)])).await.unwrap();
        assert_eq!(made.objects[0].revision, 2);
    }
}

#[tokio::test]
async fn a_disk_that_fails_ends_the_writing_and_not_the_reading() {
    for point in ["before-commit=io@2", "in-compaction=io", "in-checkpoint=io"] {
        let mut store = TestStore::open_with(|it| {
            it.failpoints = Failpoints::parse(point, &FAILPOINTS).unwrap();
            (it.history_revisions, it.checkpoint_bytes) = (10, 1 << 20);
        });
        let mut written = 0;
        let error = loop {
            match store.commit(Batch::of([put("pods", "a", "x", &written.to_string())])).await {
                Ok(_) => written += 1,
                Err(error) => break error,
            }
            assert!(written < 10_000, "{point} was never reached");
        };
        assert!(matches!(error, CommitError::Stopped), "{point}: {error}");
        let again = store.commit(Batch::of([put("pods", "a", "y", "1")])).await;
        assert!(matches!(again, Err(CommitError::Stopped)) && !store.takes_writes());
        assert_eq!(store.get(&key("pods", "a", "x")).unwrap().revision, written);
        store.reopen().await;
        assert!(store.takes_writes());
        assert_eq!((store.revision(), store.get(&key("pods", "a", "x")).unwrap().revision), (written, written));
    }
}

#[tokio::test]
async fn a_journal_on_a_full_disk_is_a_full_disk() {
    struct Full;
    impl Journal for Full {
        fn prepare(&mut self, _: &Transaction<'_>) -> Result<(), JournalError> {
            Ok(())
        }
        fn record(&mut self, _: &Transaction<'_>, _: &[Entry<'_>]) -> Result<(), JournalError> {
            let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
            Err(JournalError(Box::new(rusqlite::Error::SqliteFailure(error, None))))
        }
        fn settled(&mut self, _: bool) {}
    }
    let store = TestStore::open_journal(|_| (), Box::new(Full));
    let failed = store.commit(Batch::of([put("pods", "a", "x", "1")])).await;
    assert!(matches!(failed, Err(CommitError::Full)), "{failed:?}");
}

/// A small file system that goes away with this.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path()).output();
        mount.is_ok_and(|it| it.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _tried = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_disk_that_was_full_takes_writes_again_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: mounting a small tmpfs needs root");
        return;
    };
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let options = Options::new(disk.0.path().join("store.db"));
    let store = Store::open(options.clone(), Box::new(NoJournal)).unwrap();
    let value = "x".repeat(10_000);
    let mut written = 0;
    while store.commit(Batch::of([put("pods", "a", &format!("x{written}"), &value)])).await.is_ok() {
        written += 1;
        assert!(written < 1000);
    }
    for _ in 0..3 {
        let failed = store.commit(Batch::of([put("pods", "a", "more", &value)])).await;
        assert!(matches!(failed, Err(CommitError::Full)), "{failed:?}");
    }
    assert_eq!((store.revision(), names(&store, range("pods", None)).len() as u64), (written, written));
    std::fs::remove_file(&ballast).unwrap();
    store.commit(Batch::of([put("pods", "a", "more", &value)])).await.unwrap();
    store.close().await;
    let store = Store::open(options, Box::new(NoJournal)).unwrap();
    assert_eq!((store.revision(), names(&store, range("pods", None)).len() as u64), (written + 1, written + 1));
    store.close().await;
}

#[tokio::test]
async fn a_second_opener_is_told_that_the_file_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path().join("store.db"));
    let store = Store::open(options.clone(), Box::new(NoJournal)).unwrap();
    let refused = Store::open(options.clone(), Box::new(NoJournal)).err().unwrap();
    assert!(matches!(refused, OpenStore::InUse { .. }));
    assert!(
        refused
            .to_string()
            .ends_with("is in use by another process; stop that process first, or choose another folder")
    );
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&options.path, &link).unwrap();
    let refused = Store::open(Options::new(link), Box::new(NoJournal)).err().unwrap();
    assert!(matches!(refused, OpenStore::InUse { .. }), "{refused}");
    store.clone().close().await;
    Store::open(options, Box::new(NoJournal)).unwrap().close().await;
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let store = Store::open(Options::new(&path), Box::new(NoJournal)).unwrap();
    store.commit(Batch::of([put("pods", "a", "x", "1")])).await.unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_file_of_a_newer_version_or_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let open = || Store::open(Options::new(&path), Box::new(NoJournal)).err().map(|it| it.to_string());
    Store::open(Options::new(&path), Box::new(NoJournal)).unwrap().close().await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let newer = "has format 7, and this version reads up to 1; use the newer version that wrote it";
    assert!(open().unwrap().ends_with(newer), "{:?}", open());
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(open().unwrap().ends_with("is not a store; choose another path"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, "a text that is long enough to be no database at all, for it has a header".repeat(10))
        .unwrap();
    assert!(open().unwrap().ends_with("is not a store; choose another path"));
    let missing = Store::open(Options::new(folder.path().join("no/such/store.db")), Box::new(NoJournal));
    assert!(matches!(missing, Err(OpenStore::OpenFile { .. })));
}

#[tokio::test]
async fn a_flipped_byte_is_an_error_or_harmless_and_never_a_wrong_answer() {
    let mut store = TestStore::open_with(|it| it.history_revisions = 20);
    for index in 0..700 {
        let name = format!("x{}", index % 23);
        let op = if index % 10 == 9 { delete("pods", "a", &name) } else { put("pods", "a", &name, &"v".repeat(index)) };
        let _conflict_where_there_is_nothing_to_delete = store.commit(Batch::of([op])).await;
    }
    store.reopen().await;
    let expected = store.dump(range("pods", None), store.revision() - 30);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let good = store.close_and_read().await;
    let (entropy, mut refused) = (SeededEntropy::new(5), 0);
    for _ in 0..300 {
        let mut bytes = [0; 9];
        entropy.fill(&mut bytes);
        let mut bad = good.clone();
        let place = u64::from_le_bytes(bytes[..8].try_into().unwrap()) % good.len() as u64;
        bad[usize::try_from(place).unwrap()] ^= bytes[8].max(1);
        std::fs::write(&path, bad).unwrap();
        match Store::open(Options::new(&path), Box::new(NoJournal)) {
            Err(error) => {
                refused += 1;
                assert!(!matches!(error, OpenStore::InUse { .. }), "byte {place}: {error}");
            }
            Ok(store) => {
                let told = crate::common::dump(&store, range("pods", None), store.revision() - 30);
                assert_eq!(told, expected, "byte {place}");
                store.close().await;
            }
        }
    }
    assert!(refused > 30, "only {refused} of 300 were noticed");
}

#[tokio::test]
async fn a_row_that_was_lost_is_noticed() {
    let edits = [
        "DELETE FROM revisions WHERE revision = 3",
        "DELETE FROM revisions WHERE revision = (SELECT max(revision) FROM revisions)",
        "UPDATE revisions SET value = 'other' WHERE revision = 3",
        "UPDATE revisions SET name = 'other' WHERE revision = 3",
        "UPDATE revisions SET labels = '{}' WHERE revision = 3",
        "UPDATE revisions SET checksum = 0 WHERE revision = 3",
        "UPDATE head SET revision = 2",
        "UPDATE head SET oldest = 3",
        "DELETE FROM head",
    ];
    for edit in edits {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = Store::open(Options::new(&path), Box::new(NoJournal)).unwrap();
        for index in 0..5 {
            store.commit(Batch::of([put("pods", "a", &format!("x{index}"), "1")])).await.unwrap();
        }
        store.close().await;
        Connection::open(&path).unwrap().execute_batch(edit).unwrap();
        let opened = Store::open(Options::new(&path), Box::new(NoJournal));
        assert!(matches!(opened, Err(OpenStore::Damaged { .. })), "{edit}: {:?}", opened.err());
    }
}

#[tokio::test]
async fn an_operator_can_read_the_objects_with_plain_sql() {
    let store = TestStore::open();
    store.commit(Batch::of([put("pods", "a", "x", "1"), put("pods", "a", "y", "1")])).await.unwrap();
    store.commit(Batch::of([put("pods", "a", "x", "2"), delete("pods", "a", "y")])).await.unwrap();
    let connection = Connection::open(store.path()).unwrap();
    let mut select = connection.prepare("SELECT namespace || '/' || name || '=' || value FROM objects").unwrap();
    let rows = select.query_map([], |it| it.get::<_, String>(0)).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(rows, ["a/x=2"]);
}

#[tokio::test]
async fn one_big_write_is_written_whatever_the_bound_of_a_group() {
    let store = TestStore::open_with(|it| it.group_bytes = 10);
    let value = "x".repeat(1 << 20);
    let commits = (0..20).map(|it| store.commit(Batch::of([put("pods", "a", &format!("x{it}"), &value)])));
    for made in futures::future::join_all(commits.collect::<Vec<_>>()).await {
        made.unwrap();
    }
    assert_eq!(store.list(&ListQuery::all(range("pods", None))).unwrap().items.len(), 20);
}

#[tokio::test]
async fn the_log_beside_the_file_starts_anew_while_writing_goes_on() {
    let store = TestStore::open_with(|it| (it.checkpoint_bytes, it.history_revisions) = (1 << 20, 100));
    let value = "x".repeat(10_000);
    for index in 0..200 {
        let ops = (0..20).map(|it| put("pods", "a", &format!("x{}", index % 10 * 20 + it), &value));
        store.commit(Batch::of(ops.collect::<Vec<_>>())).await.unwrap();
    }
    let wal = std::fs::metadata(store.path().with_extension("db-wal")).unwrap().len();
    assert!(wal < 24 << 20, "40 MB were written, and {wal} bytes of log are kept");
}
