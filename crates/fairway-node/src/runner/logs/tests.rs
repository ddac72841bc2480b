use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;

use super::*;

const OLD: &str = "2026-01-01T00:00:01.000000000Z stdout F one\n2026-01-01T00:00:02.000000000Z stdout P tw\n";
const NEW: &str = "2026-01-01T00:00:02.500000000Z stdout F o\n2026-01-01T00:00:03.000000000Z stderr F three\n";

fn written() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join(folder::log("uid", "app", 0));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path.with_extension("log.1"), OLD).unwrap();
    std::fs::write(path, NEW).unwrap();
    state
}

async fn text(state: &Path, options: LogOptions) -> String {
    let parts: Vec<_> = read_log(state, "uid", "app", 0, options, || true).collect().await;
    parts.into_iter().map(|it| String::from_utf8(it.unwrap().to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn a_log_is_read_over_its_parts_as_the_program_wrote_it() {
    let state = written();
    assert_eq!(text(state.path(), LogOptions::default()).await, "one\ntwo\nthree\n");
}

#[tokio::test]
async fn tail_since_timestamps_and_limit_choose_and_dress_lines() {
    let state = written();
    let none = LogOptions::default();
    for (options, expected) in [
        (LogOptions { tail_lines: Some(2), ..none.clone() }, "two\nthree\n"),
        (LogOptions { tail_lines: Some(0), ..none.clone() }, ""),
        (LogOptions { tail_lines: Some(99), ..none.clone() }, "one\ntwo\nthree\n"),
        (LogOptions { since: Some("2026-01-01T00:00:03Z".parse().unwrap()), ..none.clone() }, "three\n"),
        (LogOptions { limit_bytes: Some(5), ..none.clone() }, "one\nt"),
        (
            LogOptions { timestamps: true, tail_lines: Some(2), ..none.clone() },
            "2026-01-01T00:00:02.000000000Z two\n2026-01-01T00:00:03.000000000Z three\n",
        ),
    ] {
        assert_eq!(text(state.path(), options.clone()).await, expected, "{options:?}");
    }
}

#[tokio::test]
async fn a_log_that_was_never_written_is_empty() {
    let state = tempfile::tempdir().unwrap();
    assert_eq!(text(state.path(), LogOptions::default()).await, "");
}

#[tokio::test]
async fn following_sees_new_lines_across_a_put_aside_file_and_ends_with_the_container() {
    let state = written();
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let options = LogOptions { follow: true, ..LogOptions::default() };
    let mut stream = Box::pin(read_log(state.path(), "uid", "app", 0, options, move || is_over.load(Ordering::SeqCst)));
    let mut seen = String::new();
    while seen.len() < "one\ntwo\nthree\n".len() {
        seen.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    let path = state.path().join(folder::log("uid", "app", 0));
    std::fs::rename(&path, path.with_extension("log.1")).unwrap();
    std::fs::write(&path, "2026-01-01T00:00:04.000000000Z stdout F four\n").unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), "four\n");
    over.store(true, Ordering::SeqCst);
    assert!(stream.next().await.is_none());
}

#[test]
fn the_last_words_are_whole_entries_of_the_newest_part_that_has_any() {
    let state = written();
    let words = |most: u64| String::from_utf8(last_words(state.path(), "uid", "app", 0, most).unwrap()).unwrap();
    assert_eq!(words(1000), "o\nthree\n");
    assert_eq!(words(60), "three\n", "an entry that is cut is left out");
    std::fs::write(state.path().join(folder::log("uid", "app", 0)), "").unwrap();
    assert_eq!(words(1000), "one\ntw");
    assert!(last_words(state.path(), "uid", "app", 7, 1000).unwrap().is_empty());
}
