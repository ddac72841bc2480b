use std::io::ErrorKind;

use fairway_oci::{Contents, ImageSpec};

use super::*;

/// A store with images that differ.
fn store(folder: &Path, names: &[&str]) -> Layout {
    let layout = Layout::open(&folder.join("store")).unwrap();
    for name in names {
        let file = folder.join(name);
        std::fs::write(&file, name).unwrap();
        let mut contents = Contents::new();
        contents.add_file("bin/program", &file, true).unwrap();
        let spec = ImageSpec {
            platform: here(),
            entrypoint: vec!["/bin/program".to_owned()],
            cmd: Vec::new(),
            env: [].into(),
            working_dir: "/".into(),
            exposed_ports: Vec::new(),
            labels: [].into(),
            created_by: "a test".into(),
        };
        let built = layout.build(None, &contents, &spec).unwrap();
        layout.tag(&format!("local/{name}:1").parse::<Reference>().unwrap(), &built).unwrap();
    }
    layout
}

#[tokio::test]
async fn what_is_there_waits_for_nobody_who_unpacks_something_else() {
    let (folder, node) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let images = LayoutImages::new(store(folder.path(), &["one", "two"]), node.path());
    let one = images.ensure("local/one:1").await.unwrap();
    let all = u32::try_from(AT_ONCE).unwrap();
    let busy = images.places.acquire_many(all).await.unwrap();
    assert_eq!(images.ensure("local/one:1").await.unwrap(), one);
    let (two, again) = tokio::join!(images.ensure("local/two:1"), async {
        let again = images.ensure("local/one:1").await.unwrap();
        drop(busy);
        again
    });
    assert_eq!(again, one);
    assert_ne!(two.unwrap().root, one.root);
    let turn = images.turn(&Digest::of(b"x"));
    assert_eq!((Arc::strong_count(&turn), images.unpacking.lock().unwrap().len()), (2, 1), "turns go with their end");
}

#[test]
fn a_full_disk_is_tried_again_soon_and_what_is_wrong_with_an_image_is_not() {
    let why = |kind: ErrorKind| {
        cannot(&UnpackImage::Write { path: PathBuf::from("/x"), source: io::Error::from(kind) }).is_full
    };
    assert!(why(ErrorKind::StorageFull) && why(ErrorKind::QuotaExceeded) && !why(ErrorKind::PermissionDenied));
    let pull = |is_full| EnsureImage::Pull { reference: "a".to_owned(), why: "b".to_owned(), is_full };
    assert!(pull(true).may_end_soon() && !pull(false).may_end_soon());
    assert!(!EnsureImage::Never { reference: "a".to_owned() }.may_end_soon());
}
