//! Images as they should come out.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::archive::{Archive, Files, chain, package};
use crate::base::{MakeBase, Progress};
use crate::{Limits, Platform};

const DECLARATION: &str = "packages = [\"app\", \"certs\"]\nentrypoint = [\"/usr/bin/app\"]\nfolders = [\"/var/lib/app\"]\n\
                           leave-out = [\"/usr/share/big\", \"/opt/un*\"]\nuser = { name = \"app\", home = \"/home/app\" }\n\
                           [environment]\nMODE = \"fast\"\n[links]\n\"/usr/bin/alias\" = \"app\"";

fn packages() -> Vec<(&'static str, Vec<u8>)> {
    let app = Files::default()
        .entry(b'5', "./", "", 0o755, b"")
        .entry(b'5', "./bin/", "", 0o755, b"")
        .entry(b'0', "./bin/tool", "", 0o4755, b"tool")
        .entry(b'1', "./bin/twin", "./bin/tool", 0o4755, b"")
        .entry(b'5', "./var/tmp/", "", 0o1777, b"")
        .entry(b'0', "./usr/bin/app", "", 0o755, b"app")
        .file("./etc/app.conf", "x")
        .link("./lib64/ld.so", "/lib/ld-2.so")
        .file("./lib/ld-2.so", "loader")
        .file("./usr/share/man/man1/app.1", "manual")
        .file("./usr/share/doc/app/README", "read me")
        .file("./usr/share/doc/app/copyright", "licence")
        .link("./usr/share/doc/app-data", "app")
        .file("./usr/share/big/data", "much")
        .file("./opt/unwanted/data", "much");
    let certs = Files::default()
        .file("./usr/share/ca-certificates/mozilla/B.crt", "second")
        .file("./usr/share/ca-certificates/mozilla/A.crt", "first\n");
    vec![("app", package("app", app)), ("certs", package("certs", certs))]
}

/// A base, made and unpacked.
async fn unpacked(archive: &Archive) -> PathBuf {
    let base = archive.locked(DECLARATION).await.unwrap();
    let layout = archive.layout("images");
    let made = archive.sources("cache").make(&layout, &base, Arc::new(|_| ())).await.unwrap();
    let root = archive.folder.path().join("root");
    let config = layout.unpack(&made.descriptor.digest, &root, &Limits::default()).unwrap();
    assert_eq!(made.packages, 2);
    assert_eq!(config.config.user, "65532:65532");
    assert_eq!(config.config.entrypoint.unwrap(), ["/usr/bin/app"]);
    assert!(config.config.env.unwrap().contains(&"MODE=fast".to_owned()));
    root
}

#[tokio::test]
async fn an_image_has_the_files_of_its_packages_on_a_merged_file_system() {
    let archive = Archive::with(&packages()).await;
    let root = unpacked(&archive).await;
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_else(|it| panic!("{path}: {it}"));
    let target = |path: &str| std::fs::read_link(root.join(path)).unwrap().to_string_lossy().into_owned();
    for (path, expected) in [
        ("bin", "usr/bin"),
        ("lib", "usr/lib"),
        ("lib64", "usr/lib64"),
        ("usr/lib64/ld.so", "/lib/ld-2.so"),
        ("usr/bin/alias", "app"),
    ] {
        assert_eq!(target(path), expected);
    }
    for (path, expected) in
        [("usr/bin/tool", "tool"), ("bin/twin", "tool"), ("lib/ld-2.so", "loader"), ("etc/app.conf", "x")]
    {
        assert_eq!(text(path), expected);
    }
    // No bit of it lets anybody become somebody else.
    let mode = |path: &str| root.join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("usr/bin/tool"), mode("usr/bin/twin"), mode("etc/app.conf")), (0o755, 0o755, 0o644));
    assert_eq!((mode("var/tmp"), mode("tmp"), mode("var/lib/app")), (0o1777, 0o1777, 0o755));
    assert_eq!(text("usr/share/doc/app/copyright"), "licence");
    for path in ["usr/share/man", "usr/share/doc/app/README", "usr/share/big/data", "opt/unwanted/data", "sbin"] {
        assert!(root.join(path).symlink_metadata().is_err(), "{path}");
    }
}

#[tokio::test]
async fn an_image_says_who_there_is_whom_to_trust_and_what_it_is_made_of() {
    let archive = Archive::with(&packages()).await;
    let root = unpacked(&archive).await;
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_else(|it| panic!("{path}: {it}"));
    assert!(text("etc/passwd").contains("app:x:65532:65532:app:/home/app:/usr/sbin/nologin\n"));
    assert!(text("etc/group").contains("app:x:65532:\n") && text("etc/nsswitch.conf").contains("hosts: files dns\n"));
    assert_eq!(text("etc/ssl/certs/ca-certificates.crt"), "first\nsecond\n");
    assert_eq!(text("var/lib/dpkg/status.d/app"), "Package: app\nVersion: 1\nArchitecture: all\n");
    let bill: serde_json::Value = serde_json::from_str(&text("usr/share/sbom/thing.cdx.json")).unwrap();
    assert_eq!((bill["bomFormat"].as_str(), bill["specVersion"].as_str()), (Some("CycloneDX"), Some("1.6")));
    assert_eq!(bill["components"][0]["purl"], "pkg:deb/debian/app@1?arch=all&distro=bookworm");
    assert_eq!(bill["components"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_same_lock_gives_the_same_digest_wherever_and_whenever_it_is_built() {
    let archive = Archive::with(&packages()).await;
    let base = archive.locked(DECLARATION).await.unwrap();
    let mut digests = Vec::new();
    for place in ["one", "two/deeper"] {
        std::fs::create_dir_all(archive.folder.path().join(place)).unwrap();
        let sources = archive.sources(&format!("{place}/cache"));
        let made = sources.build(&archive.layout(&format!("{place}/images")), &base, Arc::new(|_| ())).await.unwrap();
        digests.push(made.descriptor.digest);
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test]
async fn a_warm_cache_needs_no_mirror_and_a_cold_one_says_what_is_missing() {
    let archive = Archive::with(&packages()).await;
    let base = archive.locked(DECLARATION).await.unwrap();
    let (warm, cold) = (archive.sources("cache"), archive.sources("cold"));
    warm.fetch(&base, &|_| ()).await.unwrap();
    let layout = archive.layout("images");
    let before = warm.check(&layout, &base).await.unwrap();
    assert_eq!((before.cached, before.missing.len(), before.made), (2, 0, None));
    let Archive { server, folder, .. } = archive;
    drop(server);
    let steps = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&steps);
    let made = warm
        .make(&layout, &base, Arc::new(move |it: Progress| log.lock().unwrap().push(it.to_string())))
        .await
        .unwrap();
    assert!(steps.lock().unwrap().contains(&"unpacking package 2 of 2".to_owned()));
    assert_eq!(warm.check(&layout, &base).await.unwrap().made, Some(made.clone()));
    let again = cold.make(&layout, &base, Arc::new(|_| panic!("there is nothing to do"))).await.unwrap();
    assert_eq!(again, made);
    let error = cold.build(&layout, &base, Arc::new(|_| ())).await.unwrap_err();
    assert!(chain(&error).starts_with("fetch package app: fetch http://127.0.0.1:"), "{}", chain(&error));
    assert!(error.next_step("thing").unwrap().contains("FAIRWAY_DEBIAN_MIRRORS"));
    drop(folder);
}

#[tokio::test]
async fn a_changed_image_or_package_is_found() {
    let archive = Archive::with(&packages()).await;
    let base = archive.locked(DECLARATION).await.unwrap();
    let (sources, layout) = (archive.sources("cache"), archive.layout("images"));
    let made = sources.make(&layout, &base, Arc::new(|_| ())).await.unwrap();
    let (_, manifest) = layout.manifest(&made.descriptor, &Platform::host()).unwrap();
    let lock = base.lock.as_ref().unwrap();
    let digest = &lock.of(&Platform::host().architecture).unwrap()[0].digest;
    std::fs::write(sources.cache.root().join("packages/sha256").join(digest.hex()), "x").unwrap();
    let check = sources.check(&layout, &base).await.unwrap();
    assert_eq!((check.cached, check.missing), (1, vec!["app".to_owned()]));
    std::fs::write(layout.root().join("blobs/sha256").join(manifest.layers[0].digest.hex()), "x").unwrap();
    let error = sources.check(&layout, &base).await.unwrap_err();
    assert!(matches!(error, MakeBase::Store { .. }), "{error}");
}
