//! Locks as they are written and read.

use super::{Lock, LockedPackage, ReadLock};
use crate::Digest;
use crate::base::declaration::Declaration;

fn declaration(packages: &str) -> Declaration {
    Declaration::parse(&format!("description = \"x\"\nsuite = \"bookworm\"\npackages = [\"{packages}\"]\n")).unwrap()
}

fn lock(versions: &[(&str, &str)]) -> Lock {
    let package = |(name, version): &(&str, &str)| LockedPackage {
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        architecture: "all".to_owned(),
        archive: "debian".to_owned(),
        path: format!("pool/{name}_{version}.deb"),
        size: 7,
        digest: Digest::of(version.as_bytes()),
    };
    let packages: Vec<_> = versions.iter().map(package).collect();
    let indexes = [("bookworm".to_owned(), "2026-07-11T10:16:37Z".parse().unwrap())];
    let by_architecture = [("amd64".to_owned(), packages.clone()), ("arm64".to_owned(), packages)];
    Lock::new(&declaration("dash"), indexes.into(), by_architecture.into())
}

#[test]
fn a_lock_reads_as_it_was_written() {
    let lock = lock(&[("dash", "0.5-2"), ("libc6", "1:2.36+x~y")]);
    assert_eq!(Lock::parse(&lock.to_text(), &declaration("dash")).unwrap(), lock);
    assert_eq!(lock.snapshot().to_string(), "2026-07-11T10:16:37Z");
    assert!(matches!(lock.of("riscv64"), Err(ReadLock::NoArchitecture(_))));
}

#[test]
fn a_lock_that_is_not_for_this_is_refused() {
    let text = lock(&[("dash", "1")]).to_text();
    assert!(matches!(Lock::parse(&text, &declaration("bash")), Err(ReadLock::Stale)));
    assert!(matches!(
        Lock::parse(&text.replace("version = 1\n", "version = 2\n"), &declaration("dash")),
        Err(ReadLock::Version(2))
    ));
    for path in ["../x", "/etc/x", "a//b", "a?b", ""] {
        let text = text.replace("pool/dash_1.deb", path);
        assert!(matches!(Lock::parse(&text, &declaration("dash")), Err(ReadLock::Path(_))), "{path}");
    }
    assert!(matches!(Lock::parse("x", &declaration("dash")), Err(ReadLock::Toml(_))));
}

#[test]
fn what_changed_is_told_by_package() {
    let changes = lock(&[("bash", "1"), ("dash", "1"), ("libc6", "2")]).changes(&lock(&[
        ("dash", "1"),
        ("libc6", "3"),
        ("new", "1"),
    ]));
    let rows: Vec<_> = changes
        .iter()
        .filter(|it| it.architecture == "amd64")
        .map(|it| (it.package.as_str(), it.from.as_deref(), it.to.as_deref()))
        .collect();
    assert_eq!(rows, [("bash", Some("1"), None), ("libc6", Some("2"), Some("3")), ("new", None, Some("1"))]);
    assert_eq!(changes.len(), 6);
}
