use super::*;

#[test]
fn a_purge_takes_what_is_ours_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("home"));
    for part in ["run", "log", "store", "images/blobs", "node"] {
        fs::create_dir_all(home.path(part)).unwrap();
    }
    fs::write(home.path("admin.token"), "x").unwrap();
    fs::write(home.path("notes"), "somebody's own").unwrap();
    let refused = purge(&home, &|_| Err(io::ErrorKind::PermissionDenied.into())).unwrap_err();
    assert!(refused.what.contains("remove ") && home.path("store").exists(), "{}", refused.what);
    purge(&home, &|it| fs::remove_dir_all(it)).unwrap();
    let left: Vec<_> = fs::read_dir(home.root()).unwrap().flatten().map(|it| it.file_name()).collect();
    assert_eq!(left, ["notes"]);
    fs::remove_file(home.path("notes")).unwrap();
    purge(&home, &|it| fs::remove_dir_all(it)).unwrap();
    assert!(!home.root().exists());
    purge(&home, &|it| fs::remove_dir_all(it)).unwrap();
}

#[tokio::test]
async fn what_does_not_run_is_down_already_and_a_purge_must_be_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path().join("home"));
    let (world, quiet) = (fairway_clock::World::system(), crate::progress::Quiet);
    let done = down(&home, &Down::default(), false, &world, &quiet, &|it| fs::remove_dir_all(it)).await.unwrap();
    assert!(!done.was_running && !done.purged);
    let asked = Down { purge: true, yes: false };
    assert_eq!(
        down(&home, &asked, false, &world, &quiet, &|it| fs::remove_dir_all(it)).await.unwrap_err().exit,
        crate::Exit::Refused
    );
}
