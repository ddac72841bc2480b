//! A restore that is killed, with the platform or alone: what is there is what was there before, or what was restored, and
//! the next restore works.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::dumps::of_db;
use super::{Reader, with_database};
use crate::support::{Home, text};

/// What the restored table has, and what the one before has.
const RESTORED: &str = "200000";
const BEFORE: &str = "5";

fn rows(reader: &Reader<'_>) -> String {
    reader.sql("SELECT count(*) FROM many")
}

/// A word of the last task that there is.
fn last(reader: &Reader<'_>) -> impl Fn(&str) -> String {
    let shown = reader.run(&["resource", "show", "reader-db", "--env=staging", "-o", "json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap_or_default();
    move |name: &str| shown["task"][name].as_str().unwrap_or_default().to_owned()
}

/// How far the task after `before` is, and what it says; nothing while that one is the last.
fn task(reader: &Reader<'_>, before: &str) -> (String, String) {
    let word = last(reader);
    if word("id") == before { (String::new(), String::new()) } else { (word("state"), word("message")) }
}

fn ends(reader: &Reader<'_>, before: &str) -> (String, String) {
    for _ in 0..1200 {
        let seen = task(reader, before);
        if seen.0 == "Succeeded" || seen.0 == "Failed" {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    unreachable!("it never ends: {:?}{}", task(reader, before), reader.home.log());
}

/// Processes of this home whose command line begins so.
fn processes(home: &Home, program: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let read = |name: &str| text(&std::fs::read(entry.path().join(name)).unwrap_or_default());
        let ours = read("mountinfo").contains(home.path().to_string_lossy().as_ref());
        if ours && read("cmdline").replace('\0', " ").contains(program) {
            found.push(pid);
        }
    }
    found
}

/// Waits for one of them; none where the work is over before it was seen.
fn seen(home: &Home, program: &str, reader: &Reader<'_>, before: &str) -> Vec<u32> {
    loop {
        let found = processes(home, program);
        if !found.is_empty() || matches!(task(reader, before).0.as_str(), "Succeeded" | "Failed") {
            return found;
        }
    }
}

#[test]
fn a_restore_that_is_killed_leaves_what_was_there_or_what_was_restored() {
    with_database(|home, reader| {
        reader
            .sql("CREATE TABLE many AS SELECT it AS number, md5(it::text) AS word FROM generate_series(1, 200000) it");
        let dump = reader.backup();
        for (what, platform) in [
            ("restore.sh", false),
            ("--dbname=reader_db_new", false),
            ("--dbname=reader_db_new", true),
            ("backup.sh", false),
            ("restore.sh", true),
        ] {
            reader.sql("DELETE FROM many WHERE number > 5");
            assert_eq!(rows(reader), BEFORE);
            let before = last(reader)("id");
            reader.ok(&of_db(&["db", "restore"], &["--yes", "--no-wait", &format!("--from={dump}")]));
            let found = seen(home, what, reader, &before);
            if platform {
                home.kill();
                home.up();
            } else {
                let pids = found.iter().map(u32::to_string);
                // One that has just ended cannot be killed any more.
                let _ = Command::new("kill").arg("-9").args(pids).stderr(Stdio::null()).status().expect("kill runs");
            }
            let (state, message) = ends(reader, &before);
            let now = rows(reader);
            eprintln!("killed at {what} (platform: {platform}): {state}, {now} rows, {message:?}");
            assert!(now == RESTORED || (now == BEFORE && state == "Failed"), "{what}: {state}, {now} rows, {message}");
            assert!(state == "Succeeded" || !message.is_empty(), "{what}");
            reader.restore(&dump);
            assert_eq!(rows(reader), RESTORED, "{what}");
            let left = reader.sql("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database");
            assert_eq!(left, "postgres reader_db template0 template1", "{what}");
        }
    });
}
