use std::io::Read as _;
use std::os::unix::fs::symlink;

use fairway_clock::SystemEntropy;

use super::*;

fn runner(folder: &Path) -> Runner {
    Runner::open(&folder.join("node"), Path::new("/none"), &SystemEntropy).unwrap()
}

#[test]
fn a_volume_is_found_again_and_goes_with_its_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let runner = runner(folder.path());
    let volume = runner.shared_volume("shop", "one").unwrap();
    assert_eq!(runner.shared_volume("shop", "one").unwrap(), volume);
    let (second, other) = (runner.shared_volume("shop", "two").unwrap(), runner.shared_volume("other", "one").unwrap());
    assert_eq!(second.owner(), volume.owner(), "pods of a namespace share their files");
    assert_eq!(other.owner() == volume.owner(), !runner.is_root, "pods of two namespaces do not");
    let mut found = runner.shared_volumes();
    found.sort();
    let pair = |namespace: &str, id: &str| (namespace.to_owned(), id.to_owned());
    assert_eq!(found, [pair("other", "one"), pair("shop", "one"), pair("shop", "two")]);
    for (namespace, id) in found {
        runner.remove_shared_volume(&namespace, &id).unwrap();
        runner.remove_shared_volume(&namespace, &id).unwrap();
    }
    assert_eq!(fs::read_dir(folder.path().join("node/volumes")).unwrap().count(), 0);
    for name in ["..", "a/b", "", ".hidden"] {
        assert!(runner.shared_volume(name, "x").is_err() && runner.shared_volume("x", name).is_err(), "{name}");
    }
}

#[test]
fn a_volume_is_filled_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let runner = runner(folder.path());
    let volume = runner.shared_volume("shop", "one").unwrap();
    fs::write(volume.folder().join("old"), "old").unwrap();
    fs::write(volume.fill().unwrap().join("half"), "x").unwrap();
    assert!(volume.open(Path::new("old")).is_ok() && volume.open(Path::new("half")).is_err());
    assert_eq!(runner.shared_volumes().len(), 2, "what was being filled is found, to be removed with it");
    fs::write(volume.fill().unwrap().join("new"), "new").unwrap();
    volume.filled().unwrap();
    let names: Vec<_> = fs::read_dir(volume.folder()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["new"]);
    let owner = fs::metadata(volume.folder().join("new")).unwrap().uid();
    assert!(volume.owner().is_none_or(|it| it == owner));
    assert_eq!(runner.shared_volumes().len(), 1);
}

#[test]
fn only_plain_files_beneath_are_opened() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let top = folder.path();
    fs::create_dir(top.join("out")).unwrap();
    fs::write(top.join("out/app"), "program").unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    symlink(outside.path(), top.join("away")).unwrap();
    symlink(outside.path().join("secret"), top.join("out/secret")).unwrap();
    symlink("app", top.join("out/same")).unwrap();
    symlink("/proc/self/environ", top.join("magic")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, top.join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    let mut text = String::new();
    open_beneath(top, Path::new("out/app")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "program");
    let secret = outside.path().join("secret");
    for path in ["away/secret", "out/secret", "out/same", "magic", "pipe", "out", "..", "out/../../x", "", "absent"] {
        assert!(open_beneath(top, Path::new(path)).is_err(), "{path}");
    }
    assert!(open_beneath(top, &secret).is_err());
}

#[test]
fn a_volume_that_holds_much_is_emptied_at_once_and_what_it_held_goes_later() {
    let top = tempfile::tempdir().unwrap();
    let volume =
        Volume { folder: top.path().join("v"), beside: top.path().join(".v"), owner: None, is_of_range: false };
    fs::create_dir_all(volume.folder().join("target")).unwrap();
    fs::write(volume.folder().join("target/big"), vec![1; 256 << 10]).unwrap();
    assert!(volume.holds_more_than(128 << 10).unwrap() && !volume.holds_more_than(1 << 20).unwrap());
    volume.empty().unwrap();
    assert_eq!(fs::read_dir(volume.folder()).unwrap().count(), 0);
    assert!(top.path().join(".v/target/big").exists());
    // A death before it was all removed leaves it to the next time.
    fs::write(volume.folder().join("new"), "x").unwrap();
    volume.empty().unwrap();
    assert!(top.path().join(".v/new").exists() && !top.path().join(".v/target").exists());
    volume.discard().unwrap();
    assert!(!top.path().join(".v").exists() && volume.folder().exists());
}
