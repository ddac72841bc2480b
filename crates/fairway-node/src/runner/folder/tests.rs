use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_tree_with_closed_folders_is_removed_whole() {
    let base = tempfile::tempdir().unwrap();
    let tree = base.path().join("tree");
    fs::create_dir_all(tree.join("work/work")).unwrap();
    fs::write(tree.join("work/work/file"), "x").unwrap();
    fs::set_permissions(tree.join("work/work"), fs::Permissions::from_mode(0o000)).unwrap();
    remove_tree(&tree).unwrap();
    assert!(!tree.exists());
    remove_tree(&tree).expect("removing what is not there is no error");
}

#[test]
fn removing_a_tree_leaves_what_its_links_point_to() {
    let base = tempfile::tempdir().unwrap();
    let kept = base.path().join("kept");
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join("file"), "x").unwrap();
    let tree = base.path().join("tree");
    fs::create_dir(&tree).unwrap();
    std::os::unix::fs::symlink(&kept, tree.join("link")).unwrap();
    remove_tree(&tree).unwrap();
    assert!(kept.join("file").exists());
}

#[test]
fn an_atomic_write_replaces_the_whole_content() {
    let base = tempfile::tempdir().unwrap();
    let path = base.path().join("state.json");
    write_atomically(&path, b"a long first content").unwrap();
    write_atomically(&path, b"short").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"short");
    assert_eq!(fs::read_dir(base.path()).unwrap().count(), 1);
}
