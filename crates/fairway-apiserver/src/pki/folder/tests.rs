use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn folder_and_files_are_for_their_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deep/keys");
    let folder = PrivateFolder::open(&path).unwrap();
    folder.write("a.key", "secret").unwrap();
    folder.write("a.key", "newer").unwrap();
    assert_eq!((mode(&path), mode(&folder.file("a.key"))), (0o700, 0o600));
    assert_eq!(folder.read("a.key").unwrap().as_deref(), Some("newer"));
    assert_eq!(folder.read("b.key").unwrap(), None);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing is left beside the file");
}

#[test]
fn what_was_open_to_others_is_closed_at_the_next_start() {
    let home = tempfile::tempdir().unwrap();
    let folder = PrivateFolder::open(home.path()).unwrap();
    folder.write("a.key", "secret").unwrap();
    fs::set_permissions(folder.file("a.key"), Permissions::from_mode(0o664)).unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    let folder = PrivateFolder::open(home.path()).unwrap();
    folder.read("a.key").unwrap();
    assert_eq!((mode(home.path()), mode(&folder.file("a.key"))), (0o700, 0o600));
}

#[test]
fn a_rest_of_an_interrupted_write_is_neither_read_nor_reused() {
    let home = tempfile::tempdir().unwrap();
    let folder = PrivateFolder::open(home.path()).unwrap();
    let rest = folder.file(".a.key.new");
    fs::write(&rest, "half").unwrap();
    fs::set_permissions(&rest, Permissions::from_mode(0o666)).unwrap();
    assert_eq!(folder.read("a.key").unwrap(), None);
    folder.write("a.key", "whole").unwrap();
    assert_eq!(mode(&folder.file("a.key")), 0o600);
}

#[test]
fn an_error_names_the_file() {
    let home = tempfile::tempdir().unwrap();
    let folder = PrivateFolder::open(home.path()).unwrap();
    fs::create_dir(folder.file("a.key")).unwrap();
    let error = folder.read("a.key").unwrap_err();
    assert_eq!(error.to_string(), format!("read {}", folder.file("a.key").display()));
    fs::write(folder.file("file"), "").unwrap();
    assert!(matches!(PrivateFolder::open(&folder.file("file")), Err(KeepSecret::MakeFolder { .. })));
}
