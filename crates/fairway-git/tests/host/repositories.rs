//! Repositories come, are read, and go.

use std::fs;

use fairway_git::rules::Limits;
use fairway_git::{Commit, Forge as _, ForgeError, Mode, RepositoryId};

use crate::support::{Place, file, initial, open, orders, some_files};

#[tokio::test]
async fn a_repository_begins_with_one_commit_that_follows_from_what_was_asked_for() {
    let place = Place::new().await;
    let id = orders();
    let mut hints = place.host.pushes();
    let commit = place.host.create(&id, &initial(some_files())).await.expect("it is made");
    let again = place.host.create(&id, &initial(some_files())).await.expect("it is there");
    assert_eq!(commit, again);
    let other = RepositoryId::parse("shop", "payments").expect("names");
    let same = place.host.create(&other, &initial(some_files())).await.expect("it is made");
    assert_eq!(commit, same, "the same input gives the same commit");
    assert_eq!(place.host.list().await.expect("a list"), [id.clone(), other]);

    let hint = hints.try_recv().expect("a hint");
    assert_eq!((hint.repository, hint.updates[0].to.clone()), (id.clone(), Some(commit.clone())));
    let refs = place.host.refs(&id).await.expect("refs");
    let main = &refs["refs/heads/main"];
    assert_eq!((refs.len(), &main.commit), (1, &commit));
    assert_eq!(main.pushed_by.as_deref(), Some("local:1000"));
    assert_eq!(main.cause.as_deref(), Some("0123456789abcdef0123456789abcdef"));

    let facts = place.host.facts(&id, &commit).await.expect("facts");
    assert_eq!((facts.author_name.as_str(), facts.subject.as_str()), ("Fairway", "Begin"));
    assert_eq!(facts.committed_at.to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(place.host.url(&id), "https://127.0.0.1:7443/git/shop/orders.git");
    place.git(&id, &["fsck", "--strict", "--full"]);
}

#[tokio::test]
async fn a_name_that_is_anothers_is_refused_and_free_again_once_that_is_deleted() {
    let place = Place::new().await;
    let id = orders();
    place.host.create(&id, &initial(some_files())).await.expect("it is made");
    let mut theirs = initial(vec![file("a", Mode::File, "theirs")]);
    theirs.identity = "uid-2".to_owned();
    assert!(matches!(place.host.create(&id, &theirs).await, Err(ForgeError::Taken(_))));
    place.host.delete(&id).await.expect("it goes");
    place.host.delete(&id).await.expect("it is gone");
    assert!(matches!(place.host.refs(&id).await, Err(ForgeError::NoRepository(_))));
    assert!(!place.bare(&id).parent().expect("a project").exists(), "its project's folder stays");
    place.host.create(&id, &theirs).await.expect("it is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn made_by_many_at_once_it_is_made_once() {
    let place = Place::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let host = place.host.clone();
        tasks.spawn(async move { host.create(&orders(), &initial(some_files())).await });
    }
    let commits: Vec<Commit> = tasks.join_all().await.into_iter().map(|it| it.expect("it is there")).collect();
    assert!(commits.windows(2).all(|it| it[0] == it[1]));
    let left = fs::read_dir(place.folder.path().join("git/.new")).expect("a folder").count();
    assert_eq!(left, 0, "something half made stays");
}

#[tokio::test]
async fn what_a_death_left_is_gone_at_the_next_start() {
    let place = Place::new().await;
    let id = orders();
    place.host.create(&id, &initial(some_files())).await.expect("it is made");
    let (folder, bare) = (place.folder.path().join("git"), place.bare(&id));
    for left in [folder.join(".new/0123/objects"), bare.join("objects/tmp_objdir-incoming-abc/pack")] {
        fs::create_dir_all(left).expect("a folder");
    }
    for left in ["refs/heads/main.lock", "packed-refs.lock", "objects/pack/tmp_pack_x"] {
        fs::write(bare.join(left), "").expect("a file");
    }
    let host = open(&folder, Limits::default()).await;
    assert_eq!(fs::read_dir(folder.join(".new")).expect("a folder").count(), 0);
    for left in
        ["refs/heads/main.lock", "packed-refs.lock", "objects/pack/tmp_pack_x", "objects/tmp_objdir-incoming-abc"]
    {
        assert!(!bare.join(left).exists(), "{left} stays");
    }
    assert_eq!(host.refs(&id).await.expect("refs").len(), 1);
}

#[tokio::test]
async fn a_clock_that_stands_at_the_beginning_of_time_keeps_no_repository_from_being_made() {
    for at in ["1970-01-01T00:00:00Z", "1969-07-20T20:17:40Z", "1970-01-01T00:00:07Z"] {
        let place = Place::new().await;
        let made = fairway_git::Initial { at: at.parse().expect("a time"), ..initial(some_files()) };
        let commit = place.host.create(&orders(), &made).await.expect(at);
        let facts = place.host.facts(&orders(), &commit).await.expect("facts");
        assert!((1..8).contains(&facts.committed_at.as_second()), "{at}: {}", facts.committed_at);
        let refs = place.host.refs(&orders()).await.expect("refs");
        assert_eq!(refs["refs/heads/main"].pushed_by.as_deref(), Some("local:1000"), "{at}");
    }
}

#[tokio::test]
async fn the_first_commit_keeps_the_rules_of_every_push() {
    let place = Place::with(Limits { files: 2, file_bytes: 12, ..Limits::default() }).await;
    for (files, part) in [
        (vec![file("../a", Mode::File, "")], "\"..\""),
        (vec![file("a/.GIT/config", Mode::File, "")], ".git"),
        (vec![file("a", Mode::Link, "/etc/passwd")], "leads out"),
        (vec![file("a", Mode::File, "more than ten bytes")], "12 bytes"),
        (vec![file("a", Mode::File, ""), file("b", Mode::File, ""), file("c", Mode::File, "")], "2 files"),
        (vec![file("a", Mode::File, ""), file("a", Mode::File, "")], "twice"),
        (vec![file("a", Mode::File, ""), file("a/b", Mode::File, "")], "a folder"),
        (vec![file("a\"\nM 100644 inline b", Mode::File, "")], "control character"),
    ] {
        let refused = place.host.create(&orders(), &initial(files)).await.expect_err(part).to_string();
        assert!(refused.contains(part), "{refused}");
        assert!(!place.bare(&orders()).exists());
    }
}

#[tokio::test]
async fn files_are_read_as_a_commit_has_them() {
    let place = Place::new().await;
    let (host, id) = (&place.host, orders());
    let commit = host.create(&id, &initial(some_files())).await.expect("it is made");
    let read = async |path: &str, limit| host.read(&id, &commit, path, limit).await;
    assert_eq!(read("src/main.rs", 100).await.expect("read").as_deref(), Some(&b"fn main() {}\n"[..]));
    assert_eq!(read("docs/with \"quotes\" and größe.md", 0).await.expect("read").as_deref(), Some(&b""[..]));
    for none in ["missing", "src", "latest", "latest/x", "src/main.rs/x", "src/*.rs", ":(top)README.md"] {
        assert_eq!(read(none, 100).await.expect("read"), None, "{none}");
    }
    assert!(matches!(read("src/main.rs", 12).await, Err(ForgeError::TooLarge { limit: 12, .. })));
    for bad in ["../x", "/etc/passwd", "", "a/../../b", "--x/..", "a\nb"] {
        assert!(matches!(read(bad, 100).await, Err(ForgeError::Refused(_))), "{bad:?}");
    }
    let nobody = Commit::parse(&"1".repeat(40)).expect("a commit");
    assert!(matches!(host.read(&id, &nobody, "a", 1).await, Err(ForgeError::NoCommit { .. })));
    assert!(matches!(host.facts(&id, &nobody).await, Err(ForgeError::NoCommit { .. })));

    let paths = async |under| -> Vec<String> {
        host.tree(&id, &commit, under).await.expect("a tree").into_iter().map(|it| it.path).collect()
    };
    assert_eq!(paths("").await.len(), 6);
    assert_eq!(paths("src").await, ["src/main.rs", "src/up"]);
    assert!(paths("nowhere").await.is_empty());
    let mut entries = host.tree(&id, &commit, "").await.expect("a tree");
    entries.retain(|it| it.path != "latest");
    entries.reverse();
    let held = host.contents(&id, &entries).await.expect("all of them");
    for (entry, held) in entries.iter().zip(&held) {
        match read(&entry.path, 1000).await.expect("read") {
            Some(text) => assert_eq!(*held, text, "{}", entry.path),
            None => assert_eq!(entry.mode, Mode::Link, "{}", entry.path),
        }
    }
    assert_eq!((held.len(), host.contents(&id, &[]).await.expect("none").len()), (5, 0));
    entries[0].object = "1".repeat(40);
    assert!(matches!(host.contents(&id, &entries).await, Err(ForgeError::Unexpected { .. })));
    entries[0].size = 1 << 40;
    assert!(matches!(host.contents(&id, &entries).await, Err(ForgeError::TooLarge { .. })));
}
