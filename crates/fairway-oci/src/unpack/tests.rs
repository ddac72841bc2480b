//! Images as attackers make them, and as everyone else does.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use crate::{
    Contents, Descriptor, Digest, ImageConfig, ImageSpec, Layout, Limits, Manifest, Owners, Platform, Rejected, RootFs,
    RunConfig, UnpackImage, media_type,
};

/// An archive whose entries are not checked by anyone.
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn new() -> Self {
        Self::default()
    }

    fn entry(self, kind: u8, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        let bytes = header.as_mut_bytes();
        bytes[..path.len()].copy_from_slice(path.as_bytes());
        bytes[157..157 + link.len()].copy_from_slice(link.as_bytes());
        bytes[156] = kind;
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_000_000);
        header.set_size(content.len() as u64);
        self.raw(header, content)
    }

    fn raw(mut self, mut header: tar::Header, content: &[u8]) -> Self {
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, path: &str, content: &str) -> Self {
        self.entry(b'0', path, "", 0o644, content.as_bytes())
    }

    fn folder(self, path: &str) -> Self {
        self.entry(b'5', path, "", 0o755, b"")
    }

    fn link(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path, target, 0o777, b"")
    }

    fn hard(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path, target, 0o644, b"")
    }

    fn pax(self, name: &str, value: &str) -> Self {
        let body = format!(" {name}={value}\n");
        let length = (1..9999).find(|length| format!("{length}{body}").len() == *length).unwrap();
        self.entry(b'x', "pax", "", 0o644, format!("{length}{body}").as_bytes())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

struct Store {
    folder: tempfile::TempDir,
    layout: Layout,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(&folder.path().join("images")).unwrap();
        Self { folder, layout }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("roots/one")
    }

    fn layer(&self, tar: &[u8]) -> (Descriptor, Digest) {
        (self.layout.put_blob(media_type::LAYER_GZIP, &gzip(tar)).unwrap(), Digest::of(tar))
    }

    fn image(&self, layers: Vec<(Descriptor, Digest)>) -> Digest {
        let (layers, diff_ids): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
        let config = ImageConfig {
            created: None,
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            variant: None,
            config: RunConfig::default(),
            rootfs: RootFs { r#type: "layers".to_owned(), diff_ids },
            history: Vec::new(),
        };
        let config = self.layout.put_blob(media_type::CONFIG, &serde_json::to_vec(&config).unwrap()).unwrap();
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.to_owned()),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        };
        self.layout.put_manifest(&manifest).unwrap().digest
    }

    fn unpack(&self, image: &Digest, limits: &Limits) -> Result<ImageConfig, UnpackImage> {
        let root = self.root();
        std::fs::create_dir_all(root.parent().unwrap()).unwrap();
        let done = self.layout.unpack(image, &root, limits);
        let left = std::fs::read_dir(root.parent().unwrap()).unwrap().count();
        assert_eq!(left, usize::from(done.is_ok()), "a failed attempt leaves nothing");
        done
    }

    /// Unpacks layers and lists what came of them.
    fn listing(layers: Vec<Archive>) -> Vec<String> {
        let store = Self::new();
        let layers = layers.into_iter().map(|it| store.layer(&it.end())).collect();
        store.unpack(&store.image(layers), &Limits::default()).unwrap();
        let mut found = Vec::new();
        list(&store.root(), "", &mut found);
        found
    }

    fn refusal(tar: &[u8]) -> (String, Rejected) {
        Self::refusal_of(&[tar.to_vec()], &Limits::default())
    }

    fn refusal_of(tars: &[Vec<u8>], limits: &Limits) -> (String, Rejected) {
        let store = Self::new();
        let canary = store.folder.path().join("canary");
        std::fs::write(&canary, "untouched").unwrap();
        let image = store.image(tars.iter().map(|it| store.layer(it)).collect());
        let error = store.unpack(&image, limits).unwrap_err();
        assert_eq!(std::fs::read_to_string(&canary).unwrap(), "untouched");
        assert_eq!(std::fs::read_dir(store.folder.path()).unwrap().count(), 3, "only images, roots and the canary");
        match error {
            UnpackImage::LayerRejected { path, source, .. } => (path, source),
            other => panic!("{other}"),
        }
    }
}

fn list(folder: &std::path::Path, at: &str, found: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap()).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{at}{}", entry.file_name().to_str().unwrap());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            found.push(format!("{name}/"));
            list(&entry.path(), &format!("{name}/"), found);
        } else if metadata.is_symlink() {
            found.push(format!("{name} -> {}", std::fs::read_link(entry.path()).unwrap().display()));
        } else {
            found.push(format!("{name} = {}", std::fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

#[test]
fn what_was_built_is_unpacked() {
    let store = Store::new();
    let mut contents = Contents::new();
    let long = format!("{}/deep", "long-folder-name/".repeat(10).trim_end_matches('/'));
    contents.add_bytes("/app/hello", b"binary".as_slice(), true).unwrap();
    contents.add_bytes(&long, b"1".as_slice(), false).unwrap();
    let spec = ImageSpec {
        platform: Platform { architecture: "amd64".to_owned(), os: "linux".to_owned(), variant: None },
        entrypoint: vec!["/app/hello".to_owned()],
        cmd: Vec::new(),
        env: BTreeMap::new(),
        working_dir: String::new(),
        exposed_ports: Vec::new(),
        labels: BTreeMap::new(),
        created_by: "test".to_owned(),
    };
    let image = store.layout.build(None, &contents, &spec).unwrap();
    let config = store.unpack(&image.digest, &Limits::default()).unwrap();
    assert_eq!(config.config.user, "65532:65532");
    let binary = store.root().join("app/hello");
    assert_eq!(std::fs::read(&binary).unwrap(), b"binary");
    assert_eq!(std::fs::metadata(&binary).unwrap().permissions().mode() & 0o7777, 0o755);
    assert_eq!(std::fs::metadata(store.root()).unwrap().permissions().mode() & 0o7777, 0o755);
    assert!(store.root().join(long).exists());
    let again = store.layout.unpack(&image.digest, &store.root(), &Limits::default());
    assert!(matches!(again, Err(UnpackImage::Exists(_))));
}

#[test]
fn owners_are_kept_where_the_unpacker_says_so() {
    if !rustix::process::geteuid().is_root() {
        let _nobody_listens = writeln!(std::io::stderr(), "skipped: only root gives files away");
        return;
    }
    let store = Store::new();
    let owned = |archive: Archive, user: u64, group: u64| {
        let mut bytes = archive.0;
        let start = bytes.len() - 512;
        let mut header = tar::Header::from_byte_slice(&bytes[start..]).clone();
        header.set_uid(user);
        header.set_gid(group);
        header.set_cksum();
        bytes[start..].copy_from_slice(header.as_bytes());
        Archive(bytes)
    };
    let mut layer = owned(Archive::new().folder("made/"), 70, 71);
    layer = owned(layer.entry(b'0', "made/set", "", 0o6755, b""), 999, 0);
    layer = owned(layer.link("made/link", "/etc"), 5, 6);
    layer = owned(layer.hard("second", "made/set"), 1, 1);
    layer = owned(layer.pax("uid", "4000000000").pax("gid", "8").folder("far/"), 2, 2);
    layer = layer.folder("plain/");
    layer = owned(layer.file("deep/made/file", ""), 7, 7);
    let image = store.image(vec![store.layer(&layer.end())]);
    let root = store.root();
    std::fs::create_dir_all(root.parent().unwrap()).unwrap();
    let paths = ["", "made", "made/set", "made/link", "second", "far", "plain", "deep"];
    let found = |root: &std::path::Path| {
        paths.map(|path| {
            let metadata = std::fs::symlink_metadata(root.join(path)).unwrap();
            (metadata.uid(), metadata.gid())
        })
    };
    let as_stored = [(0, 0), (70, 71), (999, 0), (5, 6), (999, 0), (65_535, 8), (0, 0), (0, 0)];
    store.layout.unpack_owned(&image, &root, &Limits::default(), Owners::AsStored).unwrap();
    assert_eq!(found(&root), as_stored);
    let counted = root.with_extension("counted");
    store.layout.unpack_owned(&image, &counted, &Limits::default(), Owners::From(100_000)).unwrap();
    assert_eq!(found(&counted), as_stored.map(|(user, group)| (100_000 + user, 100_000 + group)));
    let mode = std::fs::metadata(root.join("made/set")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o755, "rights of another user are not kept");
    let twice = Archive::new().pax("uid", "0").pax("uid", "1").file("a", "");
    assert!(matches!(Store::refusal(&twice.end()).1, Rejected::BadExtension(_)));
}

#[test]
fn layers_cover_and_delete_what_is_below() {
    let below = || {
        Archive::new()
            .folder("./")
            .folder("./d/")
            .file("./d/old", "1")
            .file("d/kept/deep", "1")
            .file("gone", "1")
            .file("becomes", "1")
            .link("l", "/etc/x")
    };
    let above = Archive::new()
        .file("d/new", "2")
        .file("d/.wh.old", "")
        .file(".wh.gone", "")
        .file(".wh.never", "")
        .entry(b'5', "becomes", "", 0o700, b"")
        .file("becomes/x", "2");
    assert_eq!(
        Store::listing(vec![below(), above]),
        ["becomes/", "becomes/x = 2", "d/", "d/kept/", "d/kept/deep = 1", "d/new = 2", "l -> /etc/x"]
    );
    // The marker hides what is below it, wherever in the layer it stands, and at any depth.
    let opaque = Archive::new().file("d/kept/mine", "2").file("d/a", "2").file("d/.wh..wh..opq", "").file("d/b", "2");
    assert_eq!(
        Store::listing(vec![below(), opaque]),
        ["becomes = 1", "d/", "d/a = 2", "d/b = 2", "d/kept/", "d/kept/mine = 2", "gone = 1", "l -> /etc/x"]
    );
    let replaced = Archive::new().file("d/kept/mine", "2").file(".wh.d", "").file(".wh.l", "");
    assert_eq!(
        Store::listing(vec![below(), replaced]),
        ["becomes = 1", "d/", "d/kept/", "d/kept/mine = 2", "gone = 1"]
    );
}

#[test]
fn links_within_the_image_are_kept() {
    let layer = Archive::new()
        .file("a/f", "x")
        .hard("h", "./a/f")
        .link("a/up", "../h")
        .link("abs", "/a/../h")
        .link("dangling", "nowhere");
    let store = Store::new();
    let image = store.image(vec![store.layer(&layer.end())]);
    store.unpack(&image, &Limits::default()).unwrap();
    let (file, hard) = (store.root().join("a/f"), store.root().join("h"));
    assert_eq!(std::fs::metadata(file).unwrap().ino(), std::fs::metadata(hard).unwrap().ino());
    assert_eq!(std::fs::read_link(store.root().join("a/up")).unwrap(), PathBuf::from("../h"));
}

#[test]
fn privileges_of_files_are_dropped() {
    let layer = Archive::new()
        .entry(b'0', "suid", "", 0o6755, b"x")
        .entry(b'5', "tmp", "", 0o7777, b"")
        .entry(b'0', "closed", "", 0o000, b"x")
        .entry(b'5', "shut", "", 0o000, b"")
        .file("shut/inner", "x");
    let store = Store::new();
    store.unpack(&store.image(vec![store.layer(&layer.end())]), &Limits::default()).unwrap();
    let mode = |name: &str| std::fs::metadata(store.root().join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(["suid", "tmp", "closed", "shut"].map(mode), [0o755, 0o1777, 0o400, 0o700]);
    assert_eq!(std::fs::metadata(store.root().join("suid")).unwrap().mtime(), 1_000_000);
}

#[test]
fn paths_out_of_the_image_are_refused() {
    type Case = (&'static str, fn(&Rejected) -> bool);
    let absolute = |it: &Rejected| matches!(it, Rejected::AbsolutePath);
    let outside = |it: &Rejected| matches!(it, Rejected::OutsidePath);
    let bad = |it: &Rejected| matches!(it, Rejected::BadPath);
    let cases: [Case; 8] = [
        ("/etc/passwd", absolute),
        ("../canary", outside),
        ("../../canary", outside),
        ("a/../../../canary", outside),
        ("./../canary", outside),
        ("a/..", outside),
        (".", bad),
        ("..", outside),
    ];
    for (path, is_expected) in cases {
        let (at, why) = Store::refusal(&Archive::new().file(path, "evil").end());
        assert!(is_expected(&why), "{path}: {why}");
        assert_eq!(at, path);
        let (_, why) = Store::refusal(&Archive::new().pax("path", path).file("harmless", "evil").end());
        assert!(is_expected(&why), "pax {path}: {why}");
        let long = Archive::new().entry(b'L', "././@LongLink", "", 0, format!("{path}\0").as_bytes());
        let (_, why) = Store::refusal(&long.file("harmless", "evil").end());
        assert!(is_expected(&why), "long {path}: {why}");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    for target in ["/", "/tmp", ".", "sub"] {
        let layer = Archive::new().folder("sub").link("l", target);
        let (at, why) = Store::refusal(&Archive(layer.0.clone()).file("l/canary", "evil").end());
        assert!(matches!(why, Rejected::ThroughLink), "{target}: {why}");
        assert_eq!(at, "l/canary");
        // Over layers too, and for each kind of entry.
        let first = Archive(layer.0).end();
        for entry in [
            Archive::new().file("l/x", "evil"),
            Archive::new().folder("l/x"),
            Archive::new().link("l/x", "y"),
            Archive::new().file("f", "").hard("l/x", "f"),
            Archive::new().file("l/.wh.canary", ""),
            Archive::new().file("l/deeper/.wh..wh..opq", ""),
        ] {
            let (_, why) = Store::refusal_of(&[first.clone(), entry.end()], &Limits::default());
            assert!(matches!(why, Rejected::ThroughLink), "{target}: {why}");
        }
    }
}

#[test]
fn a_file_in_the_place_of_a_link_replaces_the_link() {
    let listing = Store::listing(vec![Archive::new().link("l", "/canary"), Archive::new().file("l", "mine")]);
    assert_eq!(listing, ["l = mine"]);
}

#[test]
fn links_out_of_the_image_are_refused() {
    for target in ["..", "../canary", "a/../../x", "/..", "/a/../../x"] {
        let (_, why) = Store::refusal(&Archive::new().link("l", target).end());
        assert!(matches!(why, Rejected::LinkOutside { .. }), "{target}: {why}");
    }
    for target in ["../canary", "/etc/passwd", "missing", "d", "l", "l/x", "self", ""] {
        let layer = Archive::new().folder("d").link("l", "/etc").hard("self", target);
        let (_, why) = Store::refusal(&layer.end());
        assert!(matches!(why, Rejected::BadHardLink { .. }), "{target}: {why}");
    }
}

#[test]
fn what_is_no_plain_file_is_refused() {
    for kind in [b'3', b'4', b'6'] {
        let (_, why) = Store::refusal(&Archive::new().entry(kind, "dev", "", 0o644, b"").end());
        assert!(matches!(why, Rejected::Special { .. }), "{why}");
    }
    let (_, why) = Store::refusal(&Archive::new().entry(b'S', "sparse", "", 0o644, b"").end());
    assert!(matches!(why, Rejected::Sparse), "{why}");
    let (_, why) = Store::refusal(&Archive::new().pax("GNU.sparse.realsize", "10995116277760").file("s", "").end());
    assert!(matches!(why, Rejected::Sparse), "{why}");
    let (_, why) = Store::refusal(&Archive::new().entry(b'V', "label", "", 0o644, b"").end());
    assert!(matches!(why, Rejected::UnknownKind { kind: 'V' }), "{why}");
}

#[test]
fn archives_with_two_readings_are_refused() {
    let (_, why) = Store::refusal(&Archive::new().file("a", "1").file("a", "2").end());
    assert!(matches!(why, Rejected::Duplicate), "{why}");
    let (_, why) = Store::refusal(&Archive::new().pax("size", "0").file("a", "hidden entry").end());
    assert!(matches!(why, Rejected::TwoSizes), "{why}");
    let (_, why) = Store::refusal(&Archive::new().entry(b'5', "d", "", 0o755, b"content").end());
    assert!(matches!(why, Rejected::TwoSizes), "{why}");
    let (_, why) = Store::refusal(&Archive::new().pax("path", "a").pax("path", "b").file("c", "").end());
    assert!(matches!(why, Rejected::BadExtension(_)), "{why}");
    for broken in ["5 a=b\n", "x", "99999999999999999999 a=b\n", "4 a\n", "1 a=b\n", "0 ", "-7 a=b\n"] {
        let layer = Archive::new().entry(b'x', "pax", "", 0o644, broken.as_bytes()).file("a", "");
        let (_, why) = Store::refusal(&layer.end());
        assert!(matches!(why, Rejected::BadExtension(_)), "{broken:?}: {why}");
    }
    let global = Archive::new().entry(b'g', "pax", "", 0o644, b"10 path=b\n").file("a", "");
    let (_, why) = Store::refusal(&global.end());
    assert!(matches!(why, Rejected::BadExtension(_)), "{why}");
    let mut tail = Archive::new().file("a", "1").end();
    tail.extend(Archive::new().file("b", "2").end());
    let (_, why) = Store::refusal(&tail);
    assert!(matches!(why, Rejected::TrailingBytes), "{why}");
    for marker in ["d/.wh..wh..opq", ".wh.x"] {
        let (_, why) = Store::refusal(&Archive::new().file(marker, "").file(marker, "").end());
        assert!(matches!(why, Rejected::Duplicate), "{marker}: {why}");
    }
    for marker in [".wh.", ".wh..", ".wh...", "d/.wh..wh.plnk"] {
        let (_, why) = Store::refusal(&Archive::new().file(marker, "").end());
        assert!(matches!(why, Rejected::BadWhiteout), "{marker}: {why}");
    }
}

#[test]
fn broken_archives_are_refused() {
    let whole = Archive::new().file("a", &"x".repeat(2000)).end();
    let (_, why) = Store::refusal(&whole[..1500]);
    assert!(matches!(why, Rejected::BadArchive(_)), "{why}");
    let mut flipped = whole.clone();
    flipped[0] ^= 1;
    let (_, why) = Store::refusal(&flipped);
    assert!(matches!(why, Rejected::BadArchive(_)), "{why}");
    let mut size = tar::Header::new_ustar();
    size.as_mut_bytes()[..1].copy_from_slice(b"a");
    size.set_entry_type(tar::EntryType::Regular);
    size.set_mode(0o644);
    size.as_mut_bytes()[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let (_, why) = Store::refusal(&Archive::new().raw(size, b"x").end());
    assert!(matches!(why, Rejected::BadArchive(_)), "{why}");
}

#[test]
fn bombs_stop_at_the_limits() {
    let limits = Limits { bytes: 1 << 20, entries: 20, path_bytes: 200, depth: 5, layers: 3 };
    let bomb = Archive::new().file("zeros", &"\0".repeat(4 << 20)).end();
    let (at, why) = Store::refusal_of(std::slice::from_ref(&bomb), &limits);
    assert!(matches!(why, Rejected::TooManyBytes { limit } if limit == 1 << 20), "{why}");
    assert_eq!(at, "zeros");
    // What says itself that it is too much is not begun: nothing of it need be there.
    let mut header = tar::Header::new_ustar();
    header.set_path("announced").unwrap();
    header.set_mode(0o644);
    header.set_size(16 << 30);
    let (at, why) = Store::refusal_of(&[Archive::new().raw(header, b"").end()], &limits);
    assert!(matches!(why, Rejected::TooManyBytes { .. }) && at == "announced", "{at}: {why}");
    // The limit is that of the image, not of each layer.
    let half = Archive::new().file("half", &"\0".repeat(700 << 10)).end();
    let other = Archive::new().file("other", &"\0".repeat(700 << 10)).end();
    let (_, why) = Store::refusal_of(&[half, other], &limits);
    assert!(matches!(why, Rejected::TooManyBytes { .. }), "{why}");
    // Padding after the end counts too.
    let mut padded = Archive::new().end();
    padded.resize(4 << 20, 0);
    let (_, why) = Store::refusal_of(&[padded], &limits);
    assert!(matches!(why, Rejected::TooManyBytes { .. }), "{why}");
    let many = (0..30).fold(Archive::new(), |archive, it| archive.file(&format!("f{it}"), "")).end();
    let (_, why) = Store::refusal_of(&[many], &limits);
    assert!(matches!(why, Rejected::TooManyEntries { limit: 20 }), "{why}");
    let (_, why) = Store::refusal_of(&[Archive::new().pax("path", &"x".repeat(201)).file("a", "").end()], &limits);
    assert!(matches!(why, Rejected::PathTooLong { limit: 200 }), "{why}");
    let (_, why) = Store::refusal(&Archive::new().pax("path", &"x".repeat(256)).file("a", "").end());
    assert!(matches!(why, Rejected::PathTooLong { limit: 255 }), "{why}");
    let (_, why) = Store::refusal_of(&[Archive::new().file("1/2/3/4/5/6", "").end()], &limits);
    assert!(matches!(why, Rejected::TooDeep { limit: 5 }), "{why}");
    let extension = Archive::new().entry(b'x', "pax", "", 0o644, &vec![0; 2 << 20]).end();
    let (_, why) = Store::refusal(&extension);
    assert!(matches!(why, Rejected::ExtensionTooLong { .. }), "{why}");
    let store = Store::new();
    let layers = (0..4).map(|it| store.layer(&Archive::new().file(&format!("{it}"), "").end())).collect();
    let error = store.unpack(&store.image(layers), &limits).unwrap_err();
    assert!(matches!(error, UnpackImage::TooManyLayers { found: 4, limit: 3 }));
}

#[test]
fn layers_must_be_what_their_digests_say() {
    let tar = Archive::new().file("a", "1").end();
    let other = Archive::new().file("a", "2").end();
    let store = Store::new();
    let (layer, _) = store.layer(&tar);
    let reject = |image: Digest| match store.unpack(&image, &Limits::default()).unwrap_err() {
        UnpackImage::LayerRejected { source, .. } => source,
        other => panic!("{other}"),
    };
    let why = reject(store.image(vec![(layer.clone(), Digest::of(&other))]));
    assert!(matches!(why, Rejected::WrongDiffId { .. }), "{why}");
    let image = store.image(vec![(layer.clone(), Digest::of(&tar))]);
    let blob = store.layout.root().join("blobs/sha256").join(layer.digest.hex());
    let whole = std::fs::read(&blob).unwrap();
    // Swapped, of the same length: found by its digest although it unpacks well.
    let mut swapped = gzip(&other);
    swapped.resize(whole.len(), 0);
    std::fs::write(&blob, &swapped).unwrap();
    let why = reject(image.clone());
    assert!(matches!(why, Rejected::WrongDigest { .. }), "{why}");
    std::fs::write(&blob, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(reject(image.clone()), Rejected::WrongSize { .. }));
    std::fs::remove_file(&blob).unwrap();
    let error = store.unpack(&image, &Limits::default()).unwrap_err();
    assert!(matches!(error, UnpackImage::Read(_)), "{error}");
    let strange = store.layout.put_blob("application/x-strange", &gzip(&tar)).unwrap();
    let why = reject(store.image(vec![(strange, Digest::of(&tar))]));
    assert!(matches!(why, Rejected::MediaType(_)), "{why}");
    let plain = store.layout.put_blob(media_type::LAYER_GZIP, &tar).unwrap();
    let why = reject(store.image(vec![(plain, Digest::of(&tar))]));
    assert!(matches!(why, Rejected::BadArchive(_)), "{why}");
}

#[test]
fn plain_and_zstd_layers_are_read_too() {
    let store = Store::new();
    let (first, second) = (Archive::new().file("a", "1").end(), Archive::new().file("b", "2").end());
    let plain = store.layout.put_blob(media_type::LAYER, &first).unwrap();
    let zstd = zstd::stream::encode_all(second.as_slice(), 3).unwrap();
    let zstd = store.layout.put_blob(media_type::LAYER_ZSTD, &zstd).unwrap();
    let image = store.image(vec![(plain, Digest::of(&first)), (zstd, Digest::of(&second))]);
    store.unpack(&image, &Limits::default()).unwrap();
    let mut found = Vec::new();
    list(&store.root(), "", &mut found);
    assert_eq!(found, ["a = 1", "b = 2"]);
}

#[test]
fn a_zstd_bomb_stops_at_the_limit() {
    let store = Store::new();
    let tar = Archive::new().file("zeros", &"\0".repeat(8 << 20)).end();
    let zstd = zstd::stream::encode_all(tar.as_slice(), 3).unwrap();
    let layer = store.layout.put_blob(media_type::LAYER_ZSTD, &zstd).unwrap();
    let image = store.image(vec![(layer, Digest::of(&tar))]);
    let error = store.unpack(&image, &Limits { bytes: 1 << 20, ..Limits::default() }).unwrap_err();
    assert!(matches!(error, UnpackImage::LayerRejected { source: Rejected::TooManyBytes { .. }, .. }), "{error}");
}

#[test]
fn what_is_no_manifest_is_not_unpacked() {
    let store = Store::new();
    let index = store.layout.put_blob(
        media_type::INDEX,
        br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
    );
    let error = store.unpack(&index.unwrap().digest, &Limits::default()).unwrap_err();
    assert!(matches!(error, UnpackImage::IsIndex(_)), "{error}");
    for bytes in [&b"{}"[..], b"not json", b"[]"] {
        let blob = store.layout.put_blob("x", bytes).unwrap();
        let error = store.unpack(&blob.digest, &Limits::default()).unwrap_err();
        assert!(matches!(error, UnpackImage::Read(_)), "{error}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_not_the_fault_of_the_layer() {
    let store = Store::new();
    let image = store.image(vec![store.layer(&Archive::new().file("a", "1").end())]);
    // A file stands where the folder above the root should be.
    let into = store.layout.root().join("oci-layout/root");
    let error = store.layout.unpack(&image, &into, &Limits::default()).unwrap_err();
    assert!(matches!(error, UnpackImage::Write { .. }), "{error}");
}
