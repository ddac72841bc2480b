//! What people do all day.

use fairway_git::{Commit, Forge as _};

use crate::server::{GROUPS, Served, said};
use crate::support::orders;

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_taken_recorded_and_told_and_the_next_clone_has_it() {
    let served = Served::new().await;
    let mut hints = served.place.host.pushes();
    let ada = served.clone_as("ada").await;
    let commit = ada.commit("src/main.rs", b"fn main() { println!(); }\n").await;
    ada.ok(&["push", "--quiet", "origin", "main"]).await;

    let recorded = served.recorded();
    assert_eq!(recorded.len(), 1);
    let update = &recorded[0].updates[0];
    assert_eq!(update.reference, "refs/heads/main");
    assert_eq!(update.from.as_ref(), Some(&served.first));
    assert_eq!(update.to.as_ref().map(Commit::as_str), Some(commit.as_str()));
    assert_eq!(hints.try_recv().expect("a hint"), recorded[0]);

    let refs = served.place.host.refs(&orders()).await.expect("refs");
    let main = &refs["refs/heads/main"];
    assert_eq!((main.commit.as_str(), main.pushed_by.as_deref()), (commit.as_str(), Some("local:1000")));
    assert_eq!(
        (main.cause.as_deref(), main.groups.as_slice()),
        (Some(recorded[0].cause.as_str()), &GROUPS.map(str::to_owned)[..])
    );

    let bob = served.clone_as("bob").await;
    assert_eq!(bob.ok(&["rev-parse", "HEAD"]).await, commit);
    served.is_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn fetching_speaks_the_second_version_of_the_protocol_and_the_older_ones() {
    let served = Served::new().await;
    for (version, shown) in [("2", true), ("1", false), ("0", false)] {
        let ada = served.clone_as(&format!("v{version}")).await;
        let mut command = ada.command(&["-c", &format!("protocol.version={version}"), "ls-remote", "origin"]);
        command.env("GIT_TRACE_PACKET", "1");
        let output = tokio::task::spawn_blocking(move || command.output().expect("git runs")).await.expect("git ends");
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("< version 2"), shown, "{version}: {said}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("refs/heads/main"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_of_much_history_sends_a_packed_request_and_is_answered() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    for branch in 0..60 {
        ada.ok(&["checkout", "--quiet", "-b", &format!("b{branch}")]).await;
        ada.ok(&["commit", "--quiet", "--allow-empty", "-m", &format!("{branch}")]).await;
    }
    ada.ok(&["push", "--quiet", "origin", "--all"]).await;
    // Sixty branches that it wants, and as many commits of its own that it has: more than git sends unpacked.
    let bob = served.clone_as("bob").await;
    for number in 0..60 {
        bob.ok(&["commit", "--quiet", "--allow-empty", "-m", &format!("bob {number}")]).await;
    }
    let last = ada.ok(&["commit", "--quiet", "--allow-empty", "-m", "last"]).await;
    ada.ok(&["push", "--quiet", "origin", "b59"]).await;
    bob.ok(&["fetch", "--quiet", "origin"]).await;
    assert!(last.is_empty());
    assert_eq!(bob.ok(&["rev-parse", "origin/b59"]).await, ada.ok(&["rev-parse", "b59"]).await);
    bob.ok(&["clone", "--quiet", "--depth=1", &served.url(), "shallow"]).await;
    bob.ok(&["clone", "--quiet", "--filter=blob:none", &served.url(), "partial"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_commits_tags_and_branches_come_and_go() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    ada.ok(&["commit", "--quiet", "--allow-empty", "-m", "Nothing"]).await;
    ada.ok(&["tag", "-a", "v1.0.0", "-m", "One"]).await;
    ada.ok(&["tag", "plain"]).await;
    ada.ok(&["push", "--quiet", "origin", "main", "main:release/1", "v1.0.0", "plain"]).await;
    let commit = ada.ok(&["rev-parse", "main"]).await;
    let refs = served.place.host.refs(&orders()).await.expect("refs");
    for name in ["refs/heads/main", "refs/heads/release/1", "refs/tags/v1.0.0", "refs/tags/plain"] {
        assert_eq!(refs[name].commit.as_str(), commit, "{name}");
        assert_eq!(refs[name].pushed_by.as_deref(), Some("local:1000"), "{name}");
    }
    ada.ok(&["push", "--quiet", "origin", "--delete", "release/1", "v1.0.0"]).await;
    let gone = &served.recorded()[1].updates;
    assert!(gone.len() == 2 && gone.iter().all(|it| it.from.is_some() && it.to.is_none()), "{gone:?}");
    assert_eq!(served.place.host.refs(&orders()).await.expect("refs").len(), 2);
    // A branch of the same name is a new one, with a record of its own.
    ada.ok(&["push", "--quiet", "origin", "main:release/1"]).await;
    // Everything removed is a commit like any other.
    ada.ok(&["rm", "--quiet", "-r", "."]).await;
    ada.ok(&["commit", "--quiet", "-m", "Remove all"]).await;
    ada.ok(&["push", "--quiet", "origin", "main"]).await;
    assert!(served.place.host.tree(&orders(), &served.main().await, "").await.expect("a tree").is_empty());
    served.is_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_branch_may_be_rewritten_and_main_may_not() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    ada.commit("a", b"1").await;
    ada.ok(&["push", "--quiet", "origin", "main", "main:topic"]).await;
    ada.ok(&["commit", "--quiet", "--amend", "-m", "Other"]).await;
    ada.ok(&["push", "--quiet", "--force", "origin", "main:topic"]).await;
    let said = ada.fails(&["push", "--force", "origin", "main"]).await;
    assert!(
        said.contains("refs/heads/main") && said.contains("cannot be rewritten") && said.contains("pull --rebase"),
        "{said}"
    );
    let said = ada.fails(&["push", "origin", "--delete", "main"]).await;
    assert!(said.contains("cannot be removed"), "{said}");
    served.is_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_keeps_who_pushed_and_what_a_gone_branch_had() {
    let served = Served::new().await;
    let ada = served.clone_as("ada").await;
    let gone = ada.commit("a", b"1").await;
    ada.ok(&["push", "--quiet", "origin", "main:topic"]).await;
    ada.ok(&["push", "--quiet", "origin", "--delete", "topic"]).await;
    assert!(served.place.host.maintain(&orders()).await.expect("upkeep"));
    let refs = served.place.host.refs(&orders()).await.expect("refs");
    assert_eq!(refs["refs/heads/main"].cause.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    let gone = Commit::parse(&gone).expect("a commit");
    served.place.host.facts(&orders(), &gone).await.expect("it is still there");
    served.is_sound();
}
