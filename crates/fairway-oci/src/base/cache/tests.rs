//! The cache and those who lay hands on it.

use std::io::Read as _;
use std::path::PathBuf;

use super::{Cache, UseCache};
use crate::Digest;

#[test]
fn content_comes_back_only_as_it_was_put() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    let digest = Digest::of(b"hello");
    assert!(cache.open(&digest, 5).unwrap().is_none());
    let mut incoming = cache.begin(&digest).unwrap();
    incoming.write(b"hel").unwrap();
    assert!(cache.open(&digest, 5).unwrap().is_none(), "half of it is nothing");
    incoming.write(b"lo").unwrap();
    assert_eq!(incoming.finish(&digest).unwrap(), Ok(()));
    let mut text = String::new();
    cache.open(&digest, 5).unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    // Somebody changes it there: it is gone, and can come again.
    let path = folder.path().join("packages/sha256").join(digest.hex());
    std::fs::write(&path, "jello").unwrap();
    assert!(cache.open(&digest, 5).unwrap().is_none());
    assert!(!path.exists());
}

#[test]
fn what_is_not_what_was_meant_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path());
    let digest = Digest::of(b"hello");
    let mut incoming = cache.begin(&digest).unwrap();
    incoming.write(b"other").unwrap();
    assert_eq!(incoming.finish(&digest).unwrap(), Err(Digest::of(b"other")));
    drop(cache.begin(&digest).unwrap());
    let left: Vec<_> =
        std::fs::read_dir(folder.path().join("packages")).unwrap().flatten().map(|it| it.file_name()).collect();
    assert_eq!(left, ["sha256"]);
}

#[test]
fn the_folder_is_the_one_that_the_environment_names() {
    let find =
        |rows: &[(&str, &str)]| Cache::find(|name| rows.iter().find(|it| it.0 == name).map(|it| PathBuf::from(it.1)));
    let rows: [(&[(&str, &str)], &str); 4] = [
        (&[("FAIRWAY_CACHE", "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/c")], "/a"),
        (&[("XDG_CACHE_HOME", "/b"), ("HOME", "/c")], "/b/fairway"),
        (&[("FAIRWAY_CACHE", ""), ("HOME", "/c")], "/c/.cache/fairway"),
        (&[("XDG_CACHE_HOME", "relative"), ("HOME", "/c")], "/c/.cache/fairway"),
    ];
    for (variables, expected) in rows {
        assert_eq!(find(variables).unwrap().root(), PathBuf::from(expected));
    }
    assert!(matches!(find(&[]), Err(UseCache::NoPlace)));
}
