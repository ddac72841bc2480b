//! A service that behaves badly, as images: `tests/e2e/hostile/hostile.rs`, built once, and what attackers make of it.

use std::path::{Path, PathBuf};

use fairway_oci::{Contents, Descriptor, Digest, ImageSpec, Layout, Manifest, Platform, Reference, media_type};

use super::Home;
use super::programs::{compiled, runs};

/// What is wrong with an image beside its program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// A link of it points out of its root.
    Link,
    /// The bytes of its layer are not those that its digest names.
    Digest,
    /// Its layer is small, and huge once it is unpacked.
    Bomb,
    /// None yet: its layer is no other's, so that it can be damaged later.
    Later,
}

/// An OCI image layout with the program.
pub(crate) fn image(home: &Home, flaw: Flaw) -> PathBuf {
    let folder = home.work().join(format!("image-{}", flaw as u8));
    if folder.exists() {
        return folder;
    }
    let layout = Layout::open(&folder).expect("a layout");
    let mut contents = Contents::new();
    contents.add_file("app/hostile", &compiled("hostile"), true).expect("the program");
    if flaw == Flaw::Later {
        contents.add_bytes("app/note", b"another layer".as_slice(), false).expect("a note");
    }
    let spec = ImageSpec { exposed_ports: vec!["8080/tcp".to_owned()], ..runs("hostile") };
    let mut image = layout.build(None, &contents, &spec).expect("an image");
    let (_, manifest) = layout.manifest(&image, &Platform::host()).expect("its manifest");
    match flaw {
        Flaw::None | Flaw::Later => {}
        Flaw::Link => image = with_layer(&layout, manifest, &gzip(&link_out()), Digest::of(&link_out())),
        Flaw::Bomb => image = with_layer(&layout, manifest, &bomb(), Digest::of(b"nobody gets that far")),
        Flaw::Digest => damage(&folder, &manifest.layers[0].digest),
    }
    let name: Reference = "test/hostile:1".parse().expect("a name");
    layout.tag(&name, &image).expect("name it");
    folder
}

/// Changes a byte in the middle of a blob.
pub(crate) fn damage(layout: &Path, blob: &Digest) {
    let path = layout.join("blobs").join(blob.to_string().replace(':', "/"));
    let mut bytes = std::fs::read(&path).expect("the blob");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut permissions = std::fs::metadata(&path).expect("the blob").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&path, permissions).expect("make it writable");
    std::fs::write(&path, bytes).expect("write the blob");
}

/// The layer that holds the program.
pub(crate) fn layer(layout: &Path) -> Digest {
    let layout = Layout::open(layout).expect("a layout");
    let name: Reference = "test/hostile:1".parse().expect("a name");
    let image = layout.resolve(&name).expect("the image");
    layout.manifest(&image, &Platform::host()).expect("its manifest").1.layers[0].digest.clone()
}

fn with_layer(layout: &Layout, mut manifest: Manifest, layer: &[u8], diff_id: Digest) -> Descriptor {
    let mut config = layout.image_config(&manifest).expect("its configuration");
    config.rootfs.diff_ids.push(diff_id);
    config.history.clear();
    manifest.layers.push(layout.put_blob(media_type::LAYER_GZIP, layer).expect("a layer"));
    let config = serde_json::to_vec(&config).expect("a configuration");
    manifest.config = layout.put_blob(media_type::CONFIG, &config).expect("a configuration");
    let mut image = layout.put_manifest(&manifest).expect("a manifest");
    image.platform = Some(Platform::host());
    image
}

fn link_out() -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    header.set_mode(0o777);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_link(&mut header, "app/way-out", "../../../../../../etc").expect("a link");
    archive.into_inner().expect("an archive")
}

/// A file of 16 GiB of zeros in some 16 MiB: one small part, again and again.
fn bomb() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path("app/bomb").expect("a path");
    header.set_size(16 << 30);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = gzip(header.as_bytes());
    let zeros = gzip(&vec![0; 16 << 20]);
    (0..1024).for_each(|_| bytes.extend(&zeros));
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).expect("compress");
    encoder.finish().expect("compress")
}
