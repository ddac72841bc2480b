//! Commits become folders, and nothing leads out of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fairway_git::rules::Limits;
use fairway_git::{Commit, Forge as _, ForgeError, Mode, RepositoryId};

use crate::support::{Place, file, git, initial, orders, some_files};

#[tokio::test]
async fn a_checkout_is_what_the_commit_holds() {
    let place = Place::new().await;
    let commit = place.host.create(&orders(), &initial(some_files())).await.expect("it is made");
    let into = place.folder.path().join("deep/er");
    place.host.checkout(&orders(), &commit, &into).await.expect("it is written");
    assert_eq!(fs::read_to_string(into.join("src/main.rs")).expect("a file"), "fn main() {}\n");
    assert_eq!(fs::read_link(into.join("src/up")).expect("a link").to_str(), Some("../README.md"));
    let mode = |path| fs::metadata(into.join(path)).expect("a file").permissions().mode() & 0o111;
    assert!(mode("bin/run") != 0 && mode("src/main.rs") == 0);
    assert!(!into.join(".git").exists());
    let again = place.host.checkout(&orders(), &commit, &into).await;
    assert!(matches!(again, Err(ForgeError::NotEmpty(_))));
}

/// A commit of raw trees, as no honest client makes them, put into the repository behind the hook's back.
fn planted(place: &Place, id: &RepositoryId, tree: &[u8]) -> Commit {
    let bare = place.bare(id);
    let tree = git(&bare, &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], tree);
    Commit::parse(&git(&bare, &["commit-tree", &tree, "-m", "x"], b"")).expect("a commit")
}

fn line(mode: &str, name: &[u8], object: &str) -> Vec<u8> {
    let mut line = format!("{mode} ").into_bytes();
    line.extend_from_slice(name);
    line.push(0);
    line.extend((0..20).map(|it| u8::from_str_radix(&object[it * 2..it * 2 + 2], 16).expect("hex")));
    line
}

#[tokio::test]
async fn what_got_in_behind_the_rules_does_not_get_out_of_the_folder() {
    let place = Place::new().await;
    let id = orders();
    place.host.create(&id, &initial(some_files())).await.expect("it is made");
    let bare = place.bare(&id);
    let blob = |text: &str| git(&bare, &["hash-object", "-w", "--stdin"], text.as_bytes());
    let (content, outside, absolute) = (blob("gotcha"), blob("../../outside"), blob("/etc"));
    let inner = git(&bare, &["mktree"], format!("100644 blob {content}\tpasswd\n").as_bytes());
    let secret = place.folder.path().join("outside");
    for (name, tree) in [
        ("dots", line("40000", b"..", &inner)),
        ("git", line("40000", b".git", &inner)),
        ("Git", line("40000", b".GiT", &inner)),
        ("slash", line("100644", b"../outside", &content)),
        ("absolute path", line("100644", b"/tmp/x", &content)),
        ("link", line("120000", b"l", &outside)),
        ("absolute link", line("120000", b"l", &absolute)),
        ("link and folder", [line("120000", b"l", &blob(".")), line("40000", b"l", &inner)].concat()),
        ("control", line("100644", b"a\nb", &content)),
        ("bytes", line("100644", b"\xff\xfe", &content)),
        ("missing", line("100644", b"a", &"1".repeat(40))),
    ] {
        let commit = planted(&place, &id, &tree);
        let into = place.folder.path().join("inner").join(name);
        let refused = place.host.checkout(&id, &commit, &into).await;
        assert!(refused.is_err(), "{name} was written");
        assert!(!into.exists() || fs::read_dir(&into).expect("a folder").next().is_none(), "{name} left something");
        assert!(!secret.exists() && !place.folder.path().join("inner/outside").exists(), "{name} got out");
    }
    // What is no file is not there: a submodule leaves nothing.
    let commit = planted(&place, &id, &line("160000", b"lib", &"1".repeat(40)));
    place.host.checkout(&id, &commit, &place.folder.path().join("submodule")).await.expect("it is written");
}

#[tokio::test]
async fn a_checkout_that_is_too_large_writes_nothing() {
    let place = Place::with(Limits { checkout_bytes: 20, ..Limits::default() }).await;
    let commit = place.host.create(&orders(), &initial(some_files())).await.expect("it is made");
    let into = place.folder.path().join("x");
    let refused = place.host.checkout(&orders(), &commit, &into).await;
    assert!(matches!(refused, Err(ForgeError::TooLarge { limit: 20, .. })) && !into.exists());
}

#[tokio::test]
async fn many_files_are_asked_for_and_read_in_turns() {
    let place = Place::new().await;
    let text = |number: usize| format!("{number}\n").repeat(number % 50);
    let files = (0..2000).map(|it| file(&format!("d{}/f{it}", it % 10), Mode::File, &text(it))).collect();
    let commit = place.host.create(&orders(), &initial(files)).await.expect("it is made");
    let into = place.folder.path().join("x");
    place.host.checkout(&orders(), &commit, &into).await.expect("it is written");
    for number in [0, 49, 255, 256, 257, 1999] {
        let path = into.join(format!("d{}/f{number}", number % 10));
        assert_eq!(fs::read_to_string(path).expect("a file"), text(number), "{number}");
    }
}
