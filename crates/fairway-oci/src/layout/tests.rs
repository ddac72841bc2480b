use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, SystemTime};

use crate::document::{Descriptor, Manifest, ParseDocument, media_type};
use crate::layout::{Layout, LayoutError};
use crate::{Digest, Index, Platform, Reference};

fn layout() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(&folder.path().join("images")).unwrap();
    (folder, layout)
}

fn name(text: &str) -> Reference {
    text.parse().unwrap()
}

fn image(layout: &Layout, content: &[u8]) -> Descriptor {
    layout.put_artifact("application/x-test", "text/plain", content, BTreeMap::new()).unwrap()
}

/// A time after all that was written.
fn later() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 35)
}

fn files(layout: &Layout, folder: &str) -> usize {
    std::fs::read_dir(layout.root().join(folder)).unwrap().count()
}

#[test]
fn content_is_written_and_read_by_its_digest() {
    let (_folder, layout) = layout();
    let put = layout.put_blob("text/plain", b"hello").unwrap();
    assert_eq!(put, Descriptor::of("text/plain", b"hello"));
    assert_eq!(layout.read_blob(&put.digest, 5).unwrap(), b"hello");
    assert_eq!(layout.size_of(&put.digest).unwrap(), Some(5));
    assert!(matches!(layout.read_blob(&put.digest, 4), Err(LayoutError::TooLarge { limit: 4 })));
    let other = Digest::of(b"other");
    assert!(matches!(layout.read_blob(&other, 9), Err(LayoutError::NoBlob(_))));
    assert_eq!(layout.size_of(&other).unwrap(), None);
}

#[test]
fn content_that_is_not_what_was_expected_leaves_nothing() {
    let (_folder, layout) = layout();
    let expected = Digest::of(b"good");
    let error = layout.put_blob_from(&b"evil"[..], 100, Some(&expected)).unwrap_err();
    assert!(matches!(error, LayoutError::WrongDigest { .. }), "{error}");
    let error = layout.put_blob_from(&b"0123456789"[..], 9, None).unwrap_err();
    assert!(matches!(error, LayoutError::TooLarge { limit: 9 }), "{error}");
    assert_eq!((files(&layout, "blobs/sha256"), files(&layout, ".ingest")), (0, 0));
}

#[test]
fn content_that_was_changed_on_disk_is_not_given_out() {
    let (_folder, layout) = layout();
    let put = layout.put_blob("text/plain", b"hello").unwrap();
    std::fs::write(layout.root().join("blobs/sha256").join(put.digest.hex()), b"hellO").unwrap();
    assert!(matches!(layout.read_blob(&put.digest, 9), Err(LayoutError::WrongDigest { .. })));
    let mut bytes = Vec::new();
    assert!(layout.blob(&put.digest).unwrap().read_to_end(&mut bytes).is_err());
}

#[test]
fn names_are_given_moved_and_taken_away() {
    let (_folder, layout) = layout();
    let (first, second) = (image(&layout, b"1"), image(&layout, b"2"));
    layout.tag(&name("a:1"), &first).unwrap();
    layout.tag(&name("a:1"), &second).unwrap();
    layout.tag(&name("b/c:1"), &first).unwrap();
    assert_eq!(layout.resolve(&name("a:1")).unwrap(), second);
    let names: Vec<_> = layout.list().unwrap().iter().map(|it| it.reference.to_string()).collect();
    assert_eq!(names, ["a:1", "b/c:1"]);
    assert_eq!(layout.resolve(&name(&format!("a@{}", second.digest))).unwrap(), second);
    assert!(matches!(layout.resolve(&name(&format!("a@{}", first.digest))), Err(LayoutError::NoImage(_))));
    layout.delete(&name("a:1")).unwrap();
    assert!(matches!(layout.resolve(&name("a:1")), Err(LayoutError::NoImage(_))));
    assert!(matches!(layout.delete(&name("a:1")), Err(LayoutError::NoImage(_))));
}

#[test]
fn only_what_is_complete_gets_a_name() {
    let (_folder, layout) = layout();
    let missing = Descriptor::of("text/plain", b"missing");
    assert!(matches!(layout.tag(&name("a:1"), &missing), Err(LayoutError::NoBlob(_))));
    let whole = image(&layout, b"1");
    let wrong = Descriptor { size: 1, ..whole.clone() };
    assert!(matches!(layout.tag(&name("a:1"), &wrong), Err(LayoutError::WrongSize { .. })));
    let wrong = Descriptor { media_type: media_type::INDEX.to_owned(), ..whole.clone() };
    assert!(matches!(layout.tag(&name("a:1"), &wrong), Err(LayoutError::Document { .. })));
    std::fs::remove_file(layout.root().join("blobs/sha256").join(Digest::of(b"1").hex())).unwrap();
    assert!(matches!(layout.tag(&name("a:1"), &whole), Err(LayoutError::NoBlob(_))));
    assert!(layout.list().unwrap().is_empty());
}

#[test]
fn what_no_name_leads_to_is_collected() {
    let (_folder, layout) = layout();
    let (kept, gone) = (image(&layout, b"kept"), image(&layout, b"gone"));
    layout.tag(&name("a:1"), &kept).unwrap();
    layout.tag(&name("a:2"), &gone).unwrap();
    layout.delete(&name("a:2")).unwrap();
    assert_eq!(layout.collect(SystemTime::UNIX_EPOCH).unwrap(), 0);
    std::fs::write(layout.root().join(".ingest/1-1"), b"left over").unwrap();
    let busy = layout.ingest(10).unwrap();
    assert_eq!(layout.collect(later()).unwrap(), gone.size + 4 + 9);
    assert_eq!(files(&layout, ".ingest"), 1);
    drop(busy);
    assert_eq!(layout.resolve(&name("a:1")).unwrap(), kept);
    assert_eq!(layout.read_blob(&Digest::of(b"kept"), 9).unwrap(), b"kept");
}

#[test]
fn several_writers_do_not_lose_each_others_names() {
    let (_folder, layout) = layout();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let layout = Layout::open(layout.root()).unwrap();
            scope.spawn(move || {
                for number in 0..5 {
                    let image = image(&layout, format!("{writer}-{number}").as_bytes());
                    layout.tag(&name(&format!("w{writer}:{number}")), &image).unwrap();
                }
            });
        }
    });
    assert_eq!(layout.list().unwrap().len(), 40);
}

#[test]
fn an_index_leads_to_the_manifest_for_the_platform() {
    let (_folder, layout) = layout();
    let platform =
        |architecture: &str| Platform { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: None };
    let with = |image: Descriptor, it: &str| Descriptor { platform: Some(platform(it)), ..image };
    let manifests = vec![with(image(&layout, b"1"), "amd64"), with(image(&layout, b"2"), "arm64")];
    let index = Index {
        schema_version: 2,
        media_type: None,
        artifact_type: None,
        manifests: manifests.clone(),
        subject: None,
        annotations: BTreeMap::new(),
    };
    let index = layout.put_blob(media_type::INDEX, &serde_json::to_vec(&index).unwrap()).unwrap();
    layout.tag(&name("a:1"), &index).unwrap();
    assert_eq!(layout.manifest(&index, &platform("arm64")).unwrap().0, manifests[1]);
    assert!(matches!(layout.manifest(&index, &platform("mips")), Err(LayoutError::NoPlatform { .. })));
    assert_eq!(layout.collect(later()).unwrap(), 0);
}

#[test]
fn documents_with_two_readings_are_refused() {
    let descriptor = serde_json::to_string(&Descriptor::of("x", b"")).unwrap();
    let manifest =
        |more: &str| format!(r#"{{"schemaVersion":2,"config":{descriptor},"layers":[]{more}}}"#).into_bytes();
    assert!(Manifest::parse(media_type::MANIFEST, &manifest("")).is_ok());
    type Case = (&'static str, fn(&ParseDocument) -> bool);
    let cases: [Case; 4] = [
        (r#","manifests":[]"#, |it| matches!(it, ParseDocument::BothKinds)),
        (r#","layers":[]"#, |it| matches!(it, ParseDocument::Json(_))),
        (r#","mediaType":"application/vnd.oci.image.index.v1+json""#, |it| {
            matches!(it, ParseDocument::MediaType { .. })
        }),
        (r#","schemaVersion":2"#, |it| matches!(it, ParseDocument::Json(_))),
    ];
    for (more, is_expected) in cases {
        let error = Manifest::parse(media_type::MANIFEST, &manifest(more)).unwrap_err();
        assert!(is_expected(&error), "{more}: {error}");
    }
    let index = br#"{"schemaVersion":2,"manifests":[],"layers":[]}"#;
    assert!(matches!(Index::parse(media_type::INDEX, index), Err(ParseDocument::BothKinds)));
    let old = br#"{"schemaVersion":1,"manifests":[]}"#;
    assert!(matches!(Index::parse(media_type::INDEX, old), Err(ParseDocument::SchemaVersion(1))));
}

#[test]
fn a_folder_of_another_kind_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert!(matches!(Layout::open(folder.path()), Err(LayoutError::NotALayout { .. })));
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(Layout::open(&folder.path().join("file/x")), Err(LayoutError::Open { .. })));
}

#[cfg(unix)]
#[test]
fn a_new_store_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, layout) = layout();
    assert_eq!(std::fs::metadata(layout.root()).unwrap().permissions().mode() & 0o777, 0o700);
}
