use std::collections::BTreeMap;
use std::path::Path;

use crate::{Digest, Layout, LayoutError, Reference, TransferImage};

const LIMIT: u64 = 1 << 20;

fn name(text: &str) -> Reference {
    text.parse().unwrap()
}

fn store(folder: &Path, tags: &[&str]) -> Layout {
    let layout = Layout::open(folder).unwrap();
    for tag in tags {
        let image = layout.put_artifact("application/x-test", "text/plain", tag.as_bytes(), BTreeMap::new()).unwrap();
        layout.tag(&name(tag), &image).unwrap();
    }
    layout
}

fn archive_of(layout: &Layout, tag: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.export_archive(&name(tag), &mut bytes).unwrap();
    bytes
}

#[test]
fn an_image_goes_out_and_comes_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder.path().join("1"), &["a:1", "a:2"]);
    let second = store(&folder.path().join("2"), &[]);
    let exported = first.export(&name("a:1"), &second).unwrap();
    assert_eq!(second.resolve(&name("a:1")).unwrap(), exported);
    assert_eq!(second.list().unwrap().len(), 1);

    let bytes = archive_of(&first, "a:2");
    assert_eq!(bytes, archive_of(&first, "a:2"));
    let path = folder.path().join("image.tar");
    std::fs::write(&path, bytes).unwrap();
    let imported = second.import(&path, None, &name("b:2"), LIMIT).unwrap();
    assert_eq!(imported, first.resolve(&name("a:2")).unwrap());
    assert_eq!(second.resolve(&name("b:2")).unwrap(), imported);

    let third = store(&folder.path().join("3"), &[]);
    let imported = third.import(first.root(), Some("a:1"), &name("c:1"), LIMIT).unwrap();
    assert_eq!(imported, exported);
    assert_eq!(third.read_blob(&Digest::of(b"a:1"), 9).unwrap(), b"a:1");
}

#[test]
fn of_several_images_one_must_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let many = store(&folder.path().join("1"), &["a:1", "a:2"]);
    let own = store(&folder.path().join("2"), &[]);
    for which in [None, Some("a:3")] {
        let error = own.import(many.root(), which, &name("b:1"), LIMIT).unwrap_err();
        assert!(matches!(error, TransferImage::WhichImage { .. }), "{error}");
    }
    let error = own.import(folder.path(), None, &name("b:1"), LIMIT).unwrap_err();
    assert!(matches!(error, TransferImage::NoIndex), "{error}");
    let error = own.import(&folder.path().join("none"), None, &name("b:1"), LIMIT).unwrap_err();
    assert!(matches!(error, TransferImage::Read { .. }), "{error}");
}

#[test]
fn folders_that_lie_are_refused() {
    type Change = (&'static str, fn(&Path));
    let changes: [Change; 3] = [
        ("wrong bytes", |root| std::fs::write(blob(root, b"a:1"), "evil").unwrap()),
        ("missing", |root| std::fs::remove_file(blob(root, b"a:1")).unwrap()),
        ("a folder", |root| {
            std::fs::remove_file(blob(root, b"a:1")).unwrap();
            std::fs::create_dir(blob(root, b"a:1")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let folder = tempfile::tempdir().unwrap();
        let theirs = store(&folder.path().join("1"), &["a:1"]);
        change(theirs.root());
        let own = store(&folder.path().join("2"), &[]);
        assert!(own.import(theirs.root(), None, &name("b:1"), LIMIT).is_err(), "{what}");
        assert!(own.list().unwrap().is_empty());
    }
    let folder = tempfile::tempdir().unwrap();
    let theirs = store(&folder.path().join("1"), &["a:1"]);
    let own = store(&folder.path().join("2"), &[]);
    let error = own.import(theirs.root(), None, &name("b:1"), 2).unwrap_err();
    assert!(matches!(error, TransferImage::Store(LayoutError::TooLarge { limit: 2 })), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_in_a_folder_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = store(&folder.path().join("1"), &["a:1"]);
    let index = theirs.root().join("index.json");
    std::fs::rename(&index, folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &index).unwrap();
    let own = store(&folder.path().join("2"), &[]);
    let error = own.import(theirs.root(), None, &name("b:1"), LIMIT).unwrap_err();
    assert!(matches!(error, TransferImage::BadEntry { .. }), "{error}");
}

fn blob(root: &Path, content: &[u8]) -> std::path::PathBuf {
    root.join("blobs/sha256").join(Digest::of(content).hex())
}

#[test]
fn archives_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let own = store(&folder.path().join("own"), &[]);
    let archive = |entries: &[(&str, tar::EntryType, &[u8])]| {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, *content).unwrap();
        }
        archive.into_inner().unwrap()
    };
    let (file, link) = (tar::EntryType::Regular, tar::EntryType::Symlink);
    let empty: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;
    let zeros = format!("blobs/sha256/{}", "0".repeat(64));
    let cases: [&[(&str, tar::EntryType, &[u8])]; 7] = [
        &[],
        &[("index.json", file, empty)],
        &[("index.json", file, empty), ("index.json", file, empty)],
        &[("index.json", link, b"")],
        &[("blobs/sha256/../../../evil", file, b"x")],
        &[(&zeros, file, b"x")],
        &[(&zeros, link, b"")],
    ];
    for entries in cases {
        let bytes = archive(entries);
        let error = own.import_archive(bytes.as_slice(), None, &name("b:1"), LIMIT).unwrap_err();
        assert!(!error.to_string().is_empty());
    }
    let whole = archive_of(&store(&folder.path().join("theirs"), &["a:1"]), "a:1");
    assert!(own.import_archive(&whole[..whole.len() / 2], None, &name("b:1"), LIMIT).is_err());
    assert!(own.list().unwrap().is_empty());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
