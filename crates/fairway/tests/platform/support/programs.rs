//! Small programs of `tests/e2e/<name>/<name>.rs`, built once with plain rustc.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use fairway_oci::{Digest, ImageSpec, Platform};

use super::text;

/// A program by its name, linked static.
pub(crate) fn compiled(name: &str) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/e2e/{name}/{name}.rs"));
    let content = Digest::of(&std::fs::read(&source).expect("the program's source"));
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", &content.to_string()[7..19]));
    if built.exists() {
        return built;
    }
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = text(&version.stdout);
    let host = version.lines().find_map(|it| it.strip_prefix("host: ")).expect("rustc says its host");
    let new = built.with_extension(std::process::id().to_string());
    let done = Command::new("rustc")
        .args(["--edition", "2024", "-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols"])
        .args(["--target", host, "-o"])
        .args([&new, &source])
        .output();
    let done = done.expect("rustc runs");
    assert!(done.status.success(), "{}", text(&done.stderr));
    std::fs::rename(&new, &built).expect("put it in its place");
    built
}

/// What an image of one of them says: that it runs it, and where.
pub(crate) fn runs(name: &str) -> ImageSpec {
    ImageSpec {
        platform: Platform::host(),
        entrypoint: vec![format!("/app/{name}")],
        cmd: Vec::new(),
        env: [].into(),
        working_dir: "/".to_owned(),
        exposed_ports: Vec::new(),
        labels: [].into(),
        created_by: "test".to_owned(),
    }
}
