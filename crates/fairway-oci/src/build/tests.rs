use std::collections::BTreeMap;
use std::path::Path;

use crate::{BuildImage, Contents, ImageSpec, Layout, Platform};

fn spec() -> ImageSpec {
    ImageSpec {
        platform: Platform { architecture: "amd64".to_owned(), os: "linux".to_owned(), variant: None },
        entrypoint: vec!["/app/hello".to_owned()],
        cmd: Vec::new(),
        env: BTreeMap::from([("PORT".to_owned(), "8080".to_owned())]),
        working_dir: "/app".to_owned(),
        exposed_ports: vec!["8080/tcp".to_owned()],
        labels: BTreeMap::from([("org.opencontainers.image.title".to_owned(), "hello".to_owned())]),
        created_by: "files".to_owned(),
    }
}

/// A folder with the same files, made anew: other times, other place, other order.
fn tree(root: &Path, reversed: bool) {
    let mut names = ["a", "b/c", "b/d/e"];
    if reversed {
        names.reverse();
    }
    for name in names {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
}

#[test]
fn the_same_files_give_the_same_digests() {
    let digests = [false, true].map(|reversed| {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(&folder.path().join("images")).unwrap();
        let source = folder.path().join("source");
        tree(&source, reversed);
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(reversed) * 1000);
        std::fs::File::options().write(true).open(source.join("a")).unwrap().set_modified(old).unwrap();
        let mut contents = Contents::new();
        contents.add_bytes("/app/hello", b"binary".as_slice(), true).unwrap();
        contents.add_tree("/data", &source).unwrap();
        let first = layout.build(None, &contents, &spec()).unwrap();
        let onto = layout.build(Some(&first), &contents, &spec()).unwrap();
        (first.digest, onto.digest)
    });
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0].0, digests[0].1);
}

#[test]
fn the_configuration_says_how_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    let mut contents = Contents::new();
    contents.add_bytes("app/hello", b"1".as_slice(), true).unwrap();
    let base = layout.build(None, &contents, &spec()).unwrap();
    let env = BTreeMap::from([("PORT".to_owned(), "1".to_owned()), ("X".to_owned(), "y=z".to_owned())]);
    let above =
        ImageSpec { env, entrypoint: Vec::new(), cmd: vec!["-v".to_owned()], working_dir: String::new(), ..spec() };
    let image = layout.build(Some(&base), &contents, &above).unwrap();
    let (_, manifest) = layout.manifest(&image, &spec().platform).unwrap();
    let config = layout.image_config(&manifest).unwrap();
    assert_eq!(manifest.layers.len(), 2);
    assert_eq!((config.rootfs.diff_ids.len(), config.history.len()), (2, 2));
    let run = &config.config;
    assert_eq!(run.user, "65532:65532");
    assert_eq!(run.working_dir, "/app");
    assert_eq!(run.entrypoint.as_deref(), Some(&["/app/hello".to_owned()][..]));
    assert_eq!(run.cmd.as_deref(), Some(&["-v".to_owned()][..]));
    assert_eq!(run.env.as_deref(), Some(&["PORT=1".to_owned(), "X=y=z".to_owned()][..]));
    assert!(run.exposed_ports.as_ref().unwrap().contains_key("8080/tcp"));
    assert_eq!(manifest.annotations["org.opencontainers.image.title"], "hello");
    assert_eq!(config.created.as_deref(), Some("1970-01-01T00:00:00Z"));
}

#[test]
fn paths_that_mean_something_else_are_refused() {
    for path in ["a/../b", "..", "a//b", "a/./b", ".wh.a", "a/.wh..wh..opq", "a\0b", "", "/"] {
        let error = Contents::new().add_bytes(path, b"".as_slice(), false).unwrap_err();
        assert!(matches!(error, BuildImage::Path { .. }), "{path:?}: {error}");
    }
    let mut contents = Contents::new();
    contents.add_bytes("a/b", b"".as_slice(), false).unwrap();
    assert!(matches!(contents.add_bytes("/a/b", b"".as_slice(), false), Err(BuildImage::Twice { .. })));
    assert!(matches!(contents.add_bytes("a", b"".as_slice(), false), Err(BuildImage::Twice { .. })));
    assert!(matches!(contents.add_bytes("a/b/c", b"".as_slice(), false), Err(BuildImage::Path { .. })));
    contents.add_folder("a").unwrap();
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::open(folder.path()).unwrap();
    let mut contents = Contents::new();
    contents.add_file("x", Path::new("/does/not/exist"), false).unwrap();
    let error = layout.build(None, &contents, &spec()).unwrap_err();
    assert_eq!(error.to_string(), "read /does/not/exist");
}
