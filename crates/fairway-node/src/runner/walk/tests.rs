use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

const PLENTY: Allowance = Allowance { bytes: u64::MAX, files: u64::MAX };

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn bytes_on_disk_are_counted_once_whatever_names_they_have_and_links_lead_nowhere() {
    let (inside, outside) = (folder(), folder());
    fs::write(outside.path().join("big"), vec![1; 1 << 20]).unwrap();
    fs::create_dir(inside.path().join("sub")).unwrap();
    fs::write(inside.path().join("sub/one"), vec![1; 64 << 10]).unwrap();
    fs::hard_link(inside.path().join("sub/one"), inside.path().join("again")).unwrap();
    symlink(outside.path(), inside.path().join("out")).unwrap();
    symlink(outside.path().join("big"), inside.path().join("file")).unwrap();
    fs::File::create(inside.path().join("sparse")).unwrap().set_len(1 << 40).unwrap();
    let usage = measure(inside.path(), PLENTY).unwrap();
    assert_eq!(usage.files, 6);
    assert!(((64 << 10)..(128 << 10)).contains(&usage.bytes), "{usage:?}");
}

#[test]
fn counting_ends_where_it_is_too_much() {
    let inside = folder();
    for number in 0..50 {
        fs::write(inside.path().join(number.to_string()), vec![1; 8192]).unwrap();
    }
    let allowance = Allowance { bytes: 20_000, files: 1000 };
    let usage = measure(inside.path(), allowance).unwrap();
    assert!(usage.files < 10 && !allowance.is_kept_by(&usage), "{usage:?}");
    let allowance = Allowance { bytes: u64::MAX, files: 7 };
    assert_eq!(measure(inside.path(), allowance).unwrap().files, 8);
    assert_eq!(Allowance::of(4 << 30).files, 1 << 20);
    assert_eq!((Allowance::of(0).files, Allowance::of(u64::MAX).files), (FEWEST_FILES, MOST_FILES));
}

#[test]
fn what_is_closed_or_deep_is_not_hidden() {
    let inside = folder();
    let closed = inside.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("file"), "x").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
    assert_eq!(measure(inside.path(), PLENTY).unwrap().files, 2);
    let mut deep = inside.path().join("deep");
    for _ in 0..DEPTH + 2 {
        fs::create_dir(&deep).unwrap();
        deep.push("d");
    }
    let usage = measure(inside.path(), PLENTY).unwrap();
    assert!(usage.is_too_deep && !PLENTY.is_kept_by(&usage));
}

#[test]
fn a_tree_is_given_whole_and_nothing_that_its_links_point_to() {
    let (inside, outside) = (folder(), folder());
    let file = outside.path().join("file");
    fs::write(&file, "x").unwrap();
    fs::create_dir(inside.path().join("sub")).unwrap();
    fs::write(inside.path().join("sub/one"), "x").unwrap();
    symlink(&file, inside.path().join("sub/link")).unwrap();
    let owner = |path: &Path| fs::symlink_metadata(path).unwrap().uid();
    let before = owner(&file);
    // Without root a file can only be given to whom it belongs.
    let user = if before == 0 { 4321 } else { before };
    give(inside.path(), user, user).unwrap();
    for path in ["", "sub", "sub/one", "sub/link"] {
        assert_eq!(owner(&inside.path().join(path)), user, "{path}");
    }
    assert_eq!(owner(&file), before);
}
