use std::os::unix::fs::symlink;

use super::*;

fn image() -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    fs::create_dir_all(image.path().join("run")).unwrap();
    fs::create_dir_all(image.path().join("var/lib")).unwrap();
    fs::create_dir_all(image.path().join("etc")).unwrap();
    symlink("/run", image.path().join("var/run")).unwrap();
    symlink("../../../../../etc", image.path().join("var/up")).unwrap();
    symlink("loop", image.path().join("loop")).unwrap();
    image
}

#[test]
fn paths_are_followed_inside_the_image_only() {
    let image = image();
    for (path, expected) in [
        ("/var/run/secrets/token", "run/secrets/token"),
        ("/var/up/passwd", "etc/passwd"),
        ("/../../etc", "etc"),
        ("/a/../b/./c", "b/c"),
        ("/", ""),
    ] {
        assert_eq!(resolve(image.path(), Path::new(path)).unwrap(), Path::new(expected), "{path}");
    }
    assert!(resolve(image.path(), Path::new("/loop/x")).is_err());
}

#[test]
fn the_skeleton_holds_just_what_the_image_lacks() {
    let (image, skeleton) = (image(), tempfile::tempdir().unwrap());
    let ensure = |path, kind| ensure(image.path(), skeleton.path(), path, kind);
    assert_eq!(ensure("/var/lib", Kind::Folder).unwrap(), Path::new("var/lib"));
    assert_eq!(fs::read_dir(skeleton.path()).unwrap().count(), 0, "the image has it");
    assert_eq!(ensure("/var/run/data/deep", Kind::Folder).unwrap(), Path::new("run/data/deep"));
    assert!(skeleton.path().join("run/data/deep").is_dir());
    assert!(!skeleton.path().join("var").exists());
    ensure("/etc/config.yaml", Kind::File).unwrap();
    assert!(skeleton.path().join("etc/config.yaml").is_file());
}

#[test]
fn folders_of_the_skeleton_keep_the_rights_they_have_in_the_image() {
    let (image, skeleton) = (image(), tempfile::tempdir().unwrap());
    fs::create_dir(image.path().join("tmp")).unwrap();
    fs::set_permissions(image.path().join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    ensure(image.path(), skeleton.path(), "/tmp/mine", Kind::Folder).unwrap();
    assert_eq!(fs::metadata(skeleton.path().join("tmp")).unwrap().permissions().mode() & 0o7777, 0o1777);
}

#[test]
fn a_folder_is_not_mounted_over_a_file_of_the_image() {
    let (image, skeleton) = (image(), tempfile::tempdir().unwrap());
    fs::write(image.path().join("etc/app"), "x").unwrap();
    assert!(ensure(image.path(), skeleton.path(), "/etc/app", Kind::Folder).is_err());
}
