//! Into a database and out of it: a shell, a port, dumps, and the way back to each of them; and what is no dump, which
//! changes nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;

use super::{Reader, find, with_database};
use crate::support::{Home, text};

/// What comes after a command that is about the database of the tests.
pub(super) const DB: [&str; 3] = ["reader", "--env=staging", "--resource=db"];

/// With the database that is meant.
pub(super) fn of_db<'a>(words: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [words, &DB[..], rest].concat()
}

impl Reader<'_> {
    /// What the database answers.
    pub(super) fn sql(&self, statement: &str) -> String {
        self.ok(&of_db(&["db", "shell"], &["--", "-qAtc", statement])).trim().to_owned()
    }

    fn piped(&self, sql: &str) -> Output {
        let mut command = self.home.command(&of_db(&["db", "shell"], &["--", "-qAt"]));
        command.current_dir(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        child.stdin.take().expect("a pipe").write_all(sql.as_bytes()).expect("it reads");
        child.wait_with_output().expect("it ends")
    }

    /// A dump of now; its name.
    pub(super) fn backup(&self) -> String {
        let made = self.ok(&of_db(&["db", "backup"], &["-o", "json"]));
        let made: Value = serde_json::from_str(&made).expect("JSON");
        assert!(made["bytes"].as_i64().is_some_and(|it| it > 500) && made["seconds"].as_f64().is_some(), "{made}");
        made["backup"].as_str().expect("a name").to_owned()
    }

    pub(super) fn restore(&self, from: &str) -> String {
        self.ok(&of_db(&["db", "restore"], &["--yes", &format!("--from={from}")]))
    }

    fn backups(&self) -> Vec<String> {
        self.ok(&of_db(&["db", "backups"], &["-o", "name"])).lines().map(str::to_owned).collect()
    }

    /// The file of a dump, below the home.
    fn file(&self, name: &str) -> PathBuf {
        find(&self.home.path(), name).pop().expect("a file of that name")
    }
}

#[test]
fn a_database_is_spoken_with_dumped_and_restored_whole_or_not_at_all() {
    with_database(|home, reader| {
        speaks(reader);
        leads_there(reader);
        comes_back(reader);
        refuses_what_is_no_dump(reader);
        restores_while_it_is_used(reader);
        restores_one_at_a_time(reader);
        tells_the_ledger(home);
        a_cache_has_a_shell_and_no_dumps(reader);
        comes_back_after_its_removal(reader);
    });
}

/// With the rights of the service, from a command, from a pipe, with the program's exit code.
fn speaks(reader: &Reader<'_>) {
    reader.sql("CREATE TABLE told (word text); INSERT INTO told VALUES ('first')");
    assert_eq!(reader.sql("SELECT session_user, current_user, word FROM told"), "app_a|reader_db|first");
    let refused = reader.fails(&of_db(&["db", "shell"], &["--", "-c", "SELECT pg_read_file('/secrets/admin')"]));
    assert!(refused.contains("permission denied"), "{refused}");
    let piped = reader.piped("SELECT 'one';\nSELECT 'two';\n");
    assert_eq!((piped.status.code(), text(&piped.stdout).as_str()), (Some(0), "one\ntwo\n"));
    let wrong = reader.piped("SELECT nonsense;\nSELECT 'after';\n");
    assert_eq!((wrong.status.code(), text(&wrong.stdout).as_str()), (Some(3), ""), "{}", text(&wrong.stderr));
    let (code, said) = reader.home.fails(&["db", "shell", "reader", "--env=staging", "--resource=nothing"]);
    assert_eq!(code, 3, "{said}");
}

/// A port of this machine, for a command and until it is interrupted.
fn leads_there(reader: &Reader<'_>) {
    // Whether one may speak in secret is the first thing that a client asks; this server says no.
    let ask =
        r#"exec 3<>/dev/tcp/$DB_HOST/$DB_PORT; printf '\0\0\0\10\4\322\26\57' >&3; head -c1 <&3; echo " $DB_URL""#;
    let said = reader.ok(&["resource", "connect", "reader-db", "--env=staging", "--", "bash", "-c", ask]);
    assert!(said.starts_with("N postgresql://app_a:") && said.contains("@127.0.0.1:"), "{said}");
    let ended = reader.run(&["resource", "connect", "reader-db", "--env=staging", "--", "sh", "-c", "exit 7"]);
    assert_eq!(ended.status.code(), Some(7));
    let mut command = reader.home.command(&["resource", "connect", "reader-db", "--env=staging"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let shown: Vec<String> = lines.take(4).map(|it| it.expect("a line")).collect();
    let _ = child.kill();
    let _ = child.wait();
    assert!(shown[0].contains("leads to reader-db in staging"), "{shown:?}");
    assert!(shown[1].contains("postgresql://app_a@127.0.0.1:") && shown[3].contains("--show-password"), "{shown:?}");
}

/// A dump, a change, the dump again, and the change again.
fn comes_back(reader: &Reader<'_>) {
    let first = reader.backup();
    assert!(first.starts_with("reader-db-") && first.ends_with("-asked.dump"), "{first}");
    assert_eq!(reader.backups(), std::slice::from_ref(&first));
    reader.sql("UPDATE told SET word = 'second'; CREATE TABLE more ()");
    let (code, said) = reader.home.fails(&of_db(&["db", "restore"], &[&format!("--from={first}")]));
    assert!(code == 4 && said.contains("--yes"), "{said}");
    let said = reader.restore(&first);
    assert!(said.contains(&format!("reader-db in staging holds what {first} has")), "{said}");
    assert_eq!(reader.sql("SELECT word, to_regclass('more') IS NULL FROM told"), "first|t");
    let before = reader.backups().into_iter().find(|it| it.ends_with("-before.dump")).expect("what was before");
    assert!(said.contains(&before), "{said}");
    reader.restore(&before);
    assert_eq!(reader.sql("SELECT word, to_regclass('more') IS NULL FROM told"), "second|f");
    // Whoever comes from elsewhere is still let in by nobody, and the service can write.
    assert_eq!(reader.sql("SELECT has_database_privilege('public', current_database(), 'CONNECT')"), "f");
    reader.sql("INSERT INTO told VALUES ('third'); DELETE FROM told WHERE word = 'third'; DROP TABLE more");
    let left = reader.sql("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database");
    assert_eq!(left, "postgres reader_db template0 template1");
}

/// Truncated, altered, of something else, not there, outside: each is named, and nothing is changed.
fn refuses_what_is_no_dump(reader: &Reader<'_>) {
    let good = reader.backup();
    let (file, bytes) = (reader.file(&good), std::fs::read(reader.file(&good)).expect("a dump"));
    let folder = file.parent().expect("a folder");
    let whole = String::from_utf8_lossy(&bytes).contains("reader_db");
    assert!(whole, "the name of the database stands in it");
    let other: Vec<u8> = replaced(&bytes, b"reader_db", b"waiter_db");
    for (name, content) in [
        ("begun.dump", &bytes[..40]),
        ("half.dump", &bytes[..bytes.len() / 2]),
        ("cut.dump", &bytes[..bytes.len() - 30]),
        ("empty.dump", &[][..]),
        ("noise.dump", &[0, 159, 146, 150, 0, 255][..]),
        ("other.dump", &other[..]),
    ] {
        std::fs::write(folder.join(name), content).expect("write beside the dumps");
        std::fs::set_permissions(folder.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .expect("let it be read");
    }
    for (from, why, code) in [
        ("begun.dump", "cannot be read", 1),
        ("half.dump", "begun.dump|half.dump", 1),
        ("cut.dump", "cut.dump is damaged", 1),
        ("empty.dump", "empty.dump is no dump of PostgreSQL", 1),
        ("noise.dump", "noise.dump is no dump of PostgreSQL", 1),
        ("other.dump", "is a dump of the database waiter_db, and this is reader_db", 1),
        ("nothing.dump", "there is no dump nothing.dump", 1),
        ("index", "index is no dump", 1),
        ("..", "is not the name of a dump", 2),
        ("../../etc/passwd", "is not the name of a dump", 2),
        ("a/b.dump", "is not the name of a dump", 2),
        ("$(id).dump", "is not the name of a dump", 2),
    ] {
        let failed = reader.run(&of_db(&["db", "restore"], &["--yes", &format!("--from={from}")]));
        let said = text(&failed.stderr);
        assert_eq!(failed.status.code(), Some(code), "{from}: {said}");
        assert!(why.split('|').any(|it| said.contains(it)), "{from}: {said}");
        assert!(code == 2 || said.contains("nothing was changed"), "{from}: {said}");
        assert_eq!(reader.sql("SELECT string_agg(word, ' ') FROM told"), "second", "{from}");
    }
    for name in ["begun", "half", "cut", "empty", "noise", "other"] {
        std::fs::remove_file(folder.join(format!("{name}.dump"))).expect("it was there");
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

/// Who is in it is sent away, and finds what was restored.
fn restores_while_it_is_used(reader: &Reader<'_>) {
    let good = reader.backup();
    let mut busy: Vec<_> = (0..3)
        .map(|_| {
            let mut command = reader.home.command(&of_db(&["db", "shell"], &["--", "-c", "SELECT pg_sleep(300)"]));
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs")
        })
        .collect();
    // What others ask is not shown to a service; that they are there is.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let there = (0..600).any(|_| reader.sql(others) == "3");
    assert!(there, "they never came: {}", reader.sql(others));
    reader.sql("UPDATE told SET word = 'lost'");
    reader.restore(&good);
    for it in &mut busy {
        let ended = it.wait().expect("it ends");
        assert!(!ended.success(), "its connection was ended");
    }
    assert_eq!(reader.sql("SELECT word FROM told"), "second");
}

/// Of two at once one is done, and the other one is told so.
fn restores_one_at_a_time(reader: &Reader<'_>) {
    let good = reader.backup();
    let begin = || {
        let from = format!("--from={good}");
        let mut command = reader.home.command(&of_db(&["db", "restore"], &["--yes", &from]));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
    };
    let ended: Vec<Output> = [begin(), begin()].into_iter().map(|it| it.wait_with_output().expect("it ends")).collect();
    let done = ended.iter().filter(|it| it.status.success()).count();
    let said: String = ended.iter().map(|it| text(&it.stderr)).collect();
    assert!(done == 1 && said.contains("a restore of reader-db is under way"), "{done}: {said}");
    assert_eq!(reader.sql("SELECT word FROM told"), "second");
}

fn tells_the_ledger(home: &Home) {
    let told = home.ok(&["ledger", "export"]);
    for action in ["Backup", "Restore"] {
        let told = told.lines().any(|it| it.contains("local:") && it.contains("spec.task") && it.contains(action));
        assert!(told, "who asked for a {action} stands in the ledger");
    }
}

fn a_cache_has_a_shell_and_no_dumps(reader: &Reader<'_>) {
    let added = reader.run(&["resource", "add", "redis", "--name=cache", "--env=staging", "--timeout=10m"]);
    if text(&added.stderr).contains("base image redis") {
        eprintln!("skipped: {}", text(&added.stderr));
        return;
    }
    assert!(added.status.success(), "{}", text(&added.stderr));
    let shell = ["db", "shell", "reader", "--env=staging", "--resource=cache", "--"];
    assert_eq!(reader.ok(&[&shell[..], &["PING"]].concat()).trim(), "PONG");
    let refused = reader.run(&[&shell[..], &["ACL", "LIST"]].concat());
    assert!(
        !refused.status.success() && text(&refused.stdout).contains("NOPERM")
            || text(&refused.stderr).contains("NOPERM")
    );
    let (code, said) = reader.home.fails(&["db", "backup", "reader", "--env=staging", "--resource=cache"]);
    assert!(code == 4 && said.contains("reader-cache is of class redis, which has no dumps"), "{said}");
    // Of both only one can be dumped, so nobody has to say which.
    assert!(reader.ok(&["db", "backup", "reader", "--env=staging"]).starts_with("kept reader-db in staging as "));
}

/// It is removed, and made again under the same name.
fn comes_back_after_its_removal(reader: &Reader<'_>) {
    reader.ok(&["resource", "remove", "reader-db", "--env=staging", "--yes", "--timeout=5m"]);
    let (code, said) = reader.home.fails(&of_db(&["db", "backups"], &[]));
    assert!(code == 3 && said.contains("dumps of reader-db are kept in staging"), "{said}");
    reader.write("bases/postgres-15:latest", "");
    reader.ok(&["resource", "add", "postgres", "--name=db", "--env=staging", "--timeout=5m"]);
    assert_eq!(reader.sql("SELECT to_regclass('told') IS NULL"), "t", "it is a new one");
    let removed = reader.backups().into_iter().find(|it| it.ends_with("-removed.dump")).expect("the last dump");
    reader.restore(&removed);
    assert_eq!(reader.sql("SELECT word FROM told"), "second");
    reader.ok(&["resource", "remove", "reader-db", "--env=staging", "--yes", "--discard", "--timeout=5m"]);
    // The claim goes in the background.
    for _ in 0..300 {
        if find(&reader.home.path(), ".dump").is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    unreachable!("dumps are left: {:?}", find(&reader.home.path(), ".dump"));
}
