use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

fn folders() -> Vec<String> {
    ["wheels", "cargo/registry/cache"].map(str::to_owned).into()
}

#[test]
fn what_one_project_fetched_is_there_for_the_next() {
    let there = tempfile::tempdir().expect("a folder");
    let (packages, cache) = (Packages::new(&there.path().join("kept")), there.path().join("cache"));
    write(&cache.join("wheels/a-1.whl"), "a");
    write(&cache.join("cargo/registry/cache/index/b-1.crate"), "b");
    write(&cache.join("target/orders/secret"), "not a package");
    packages.add(&cache, &folders()).expect("kept");

    let other = there.path().join("other");
    write(&other.join("wheels/c-1.whl"), "c");
    write(&other.join("wheels/a-1.whl"), "a again");
    packages.add(&other, &folders()).expect("kept");

    let room = there.path().join("room");
    fs::create_dir(&room).expect("a folder");
    packages.lay(&room, &folders()).expect("laid");
    assert_eq!(read(&room.join("wheels/a-1.whl")), "a again");
    assert_eq!(read(&room.join("wheels/c-1.whl")), "c");
    assert_eq!(read(&room.join("cargo/registry/cache/index/b-1.crate")), "b");
    assert!(!room.join("target").exists(), "only packages are kept");
    let mode = fs::metadata(there.path().join("kept/steps")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_cache_that_leads_out_of_itself_is_not_kept() {
    let there = tempfile::tempdir().expect("a folder");
    let (packages, cache) = (Packages::new(&there.path().join("kept")), there.path().join("cache"));
    fs::create_dir_all(cache.join("wheels")).expect("a folder");
    symlink("/etc/passwd", cache.join("wheels/a-1.whl")).expect("a link");
    let error = packages.add(&cache, &folders()).expect_err("it is refused");
    assert!(error.to_string().contains("a link that leads out of the folder"), "{error}");

    let linked = there.path().join("linked");
    fs::create_dir(&linked).expect("a folder");
    symlink("/etc", linked.join("wheels")).expect("a link");
    packages.add(&linked, &folders()).expect_err("it is refused");
    let left =
        fs::read_dir(there.path().join("kept/steps")).expect("a folder").map(|it| it.expect("an entry").file_name());
    assert_eq!(left.collect::<Vec<_>>(), [".lock"]);
}

#[test]
fn what_was_spoiled_goes_and_the_cache_begins_without_it() {
    let there = tempfile::tempdir().expect("a folder");
    let packages = Packages::new(&there.path().join("kept"));
    let kept = there.path().join("kept/steps/wheels");
    write(&kept.join("a-1.whl"), "a");
    symlink("/etc/passwd", kept.join("b-1.whl")).expect("a link");
    let room = there.path().join("room");
    fs::create_dir(&room).expect("a folder");
    packages.lay(&room, &folders()).expect("laid");
    assert!(!room.join("wheels").exists() && !kept.exists(), "nothing of it is used");
}

#[test]
fn a_taking_that_was_cut_short_is_in_the_way_of_nobody() {
    let there = tempfile::tempdir().expect("a folder");
    let (packages, cache) = (Packages::new(&there.path().join("kept")), there.path().join("cache"));
    write(&there.path().join("kept/steps/.taking/copy/half-1.whl"), "hal");
    write(&cache.join("wheels/a-1.whl"), "a");
    packages.add(&cache, &folders()).expect("kept");
    assert_eq!(read(&there.path().join("kept/steps/wheels/a-1.whl")), "a");
    assert!(!there.path().join("kept/steps/wheels/half-1.whl").exists());
    assert!(!there.path().join("kept/steps/.taking").exists());
}

#[test]
fn a_folder_that_leads_elsewhere_is_left_alone_and_the_cache_begins_without_it() {
    let there = tempfile::tempdir().expect("a folder");
    let packages = Packages::new(&there.path().join("kept"));
    write(&there.path().join("elsewhere/a-1.whl"), "a");
    fs::create_dir_all(there.path().join("kept/steps")).expect("a folder");
    symlink(there.path().join("elsewhere"), there.path().join("kept/steps/wheels")).expect("a link");
    let room = there.path().join("room");
    fs::create_dir(&room).expect("a folder");
    packages.lay(&room, &folders()).expect("laid");
    assert!(!room.join("wheels").exists());
    assert_eq!(read(&there.path().join("elsewhere/a-1.whl")), "a");
}
