use super::*;

async fn run(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(arguments);
    assert!(command.output().await.unwrap().status.success(), "{arguments:?}");
}

#[tokio::test]
async fn a_folder_without_a_repository_is_uncommitted_and_known_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "1").unwrap();
    let before = facts(folder.path()).await.unwrap();
    assert!(before.source.uncommitted && before.source.commit.is_none());
    assert_eq!(facts(folder.path()).await.unwrap(), before);
    fs::create_dir(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("target/made"), "by a build").unwrap();
    assert_eq!(facts(folder.path()).await.unwrap(), before, "what a build makes is no source");
    fs::write(folder.path().join("a"), "2").unwrap();
    assert_ne!(facts(folder.path()).await.unwrap().source.tree, before.source.tree);
}

#[tokio::test]
async fn a_commit_its_tags_and_changes_after_it_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a"), "1").unwrap();
    run(root, &["init", "--quiet"]).await;
    assert!(facts(root).await.unwrap().source.uncommitted, "a repository without a commit");
    run(root, &["add", "."]).await;
    run(root, &["commit", "--quiet", "-m", "one"]).await;
    let clean = facts(root).await.unwrap();
    assert!(!clean.source.uncommitted && clean.source.tree.is_none() && clean.version.is_none());
    assert_eq!(clean.source.commit.as_ref().unwrap().len(), 40);
    for tag in ["v1.2.9", "v1.2.10", "vague", "1.9.9"] {
        run(root, &["tag", tag]).await;
    }
    assert_eq!(facts(root).await.unwrap().version.as_deref(), Some("v1.2.10"));
    fs::write(root.join("new"), "not added").unwrap();
    let changed = facts(root).await.unwrap();
    assert!(changed.source.uncommitted && changed.version.is_none() && changed.source.tree.is_some());
    assert_eq!(changed.source.commit, clean.source.commit);
}
