use std::time::SystemTime;

use super::*;

fn base(layout: &Layout) -> Descriptor {
    let mut contents = Contents::new();
    contents.add_bytes("usr/bin/python3", "interpreter", true).unwrap();
    let spec = ImageSpec {
        platform: Platform::host(),
        entrypoint: vec!["/usr/bin/python3".to_owned()],
        cmd: Vec::new(),
        env: [("PYTHONUNBUFFERED".to_owned(), "1".to_owned())].into(),
        working_dir: "/".to_owned(),
        exposed_ports: Vec::new(),
        labels: BTreeMap::new(),
        created_by: "test".to_owned(),
    };
    layout.build(None, &contents, &spec).unwrap()
}

fn folder(bytecode: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("app/__pycache__");
    fs::create_dir_all(&inside).unwrap();
    fs::write(folder.path().join("app/main.py"), "print(1)\n").unwrap();
    fs::write(inside.join("main.cpython-311.pyc"), bytecode).unwrap();
    folder
}

const TIMED: [u8; 16] = [0xa7, 0x0d, b'\r', b'\n', 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
const HASHED: [u8; 16] = [0xa7, 0x0d, b'\r', b'\n', 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

fn made(layout: &Layout, folder: &Path) -> Descriptor {
    let base = base(layout);
    let entrypoint: Vec<String> = ["python3", "-m", "app"].map(str::to_owned).to_vec();
    let environment = [("PYTHONPATH".to_owned(), "/app/packages".to_owned())].into();
    let of = FolderOnBase {
        base: &base,
        base_name: "bases/python-3.11",
        entrypoint: &entrypoint,
        environment: &environment,
    };
    layout.image_of_folder(folder, &of).unwrap()
}

#[test]
fn a_folder_on_a_base_is_one_layer_more_and_says_what_it_stands_on() {
    let store = tempfile::tempdir().unwrap();
    let layout = Layout::open(store.path()).unwrap();
    let folder = folder(&HASHED);
    let image = made(&layout, folder.path());
    let (_, manifest) = layout.manifest(&image, &Platform::host()).unwrap();
    assert_eq!(manifest.layers.len(), 2);
    let config = layout.image_config(&manifest).unwrap().config;
    assert_eq!(config.entrypoint.unwrap(), ["python3", "-m", "app"]);
    assert_eq!((config.working_dir.as_str(), config.user.as_str()), ("/app", "65532:65532"));
    assert_eq!(config.env.unwrap(), ["PYTHONUNBUFFERED=1", "PYTHONPATH=/app/packages"]);
    let base = base(&layout).digest.to_string();
    assert_eq!(layout.base_of(&image), Some(("bases/python-3.11".to_owned(), base)));
}

#[test]
fn when_and_where_it_was_built_changes_nothing() {
    let store = tempfile::tempdir().unwrap();
    let layout = Layout::open(store.path()).unwrap();
    let (one, other) = (folder(&TIMED), folder(&[TIMED.as_slice(), b"other"].concat()));
    let file = fs::File::options().write(true).open(other.path().join("app/main.py")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(made(&layout, one.path()).digest, made(&layout, other.path()).digest, "bytecode of a time is left out");
    let (hashed, changed) = (folder(&HASHED), folder(&[HASHED.as_slice(), b"other"].concat()));
    assert_ne!(made(&layout, hashed.path()).digest, made(&layout, one.path()).digest, "bytecode of a hash is not");
    assert_ne!(made(&layout, hashed.path()).digest, made(&layout, changed.path()).digest);
}

#[test]
fn what_only_looks_like_bytecode_is_kept() {
    for bytes in [b"".as_slice(), b"short", b"\xa7\x0dxx\0\0\0\0more"] {
        let folder = folder(bytes);
        remove_timed_bytecode(folder.path()).unwrap();
        assert!(folder.path().join("app/__pycache__/main.cpython-311.pyc").exists());
    }
}
