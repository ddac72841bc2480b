use super::*;

fn rust(release: &str, root: &str) -> Rust {
    let about = format!(
        "rustc {release} (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: {release}\n"
    );
    Rust { about, root: PathBuf::from(root) }
}

#[test]
fn the_machines_rust_is_found_under_its_usual_names_and_builds_static_programs() {
    let found = table(Some(&rust("1.95.0", "/home/ada/.rustup/toolchains/stable")), |_| true);
    assert_eq!(found.toolchains.keys().collect::<Vec<_>>(), ["rust", "rust@1.95", "rust@1.95.0"]);
    let toolchain = &found.toolchains["rust@1.95"];
    assert_eq!(toolchain.image, "host/rust-1.95.0");
    assert!(toolchain.version.starts_with("rustc 1.95.0"));
    assert_eq!(toolchain.environment["CARGO_BUILD_TARGET"], "x86_64-unknown-linux-gnu");
    assert!(toolchain.environment["CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS"].contains("crt-static"));
    assert_eq!(toolchain.variables("orders")["CARGO_TARGET_DIR"], "/cache/target/orders");
    assert_eq!(found.images["rust-1.95.0"].path, ["/opt/rust/bin"]);
}

#[test]
fn a_nightly_is_not_the_release_of_its_number_and_a_systems_own_rust_needs_no_mount() {
    let found = table(Some(&rust("1.97.0-nightly", "/usr")), |_| true);
    assert_eq!(found.toolchains.keys().collect::<Vec<_>>(), ["rust", "rust@1.97.0-nightly"]);
    assert!(found.images["rust-1.97.0-nightly"].path.is_empty());
}

#[test]
fn without_a_whole_rust_there_is_none() {
    assert_eq!(table(None, |_| true), Table::default());
    assert_eq!(table(Some(&rust("1.95.0", "/opt")), |_| false), Table::default(), "there is no cargo");
    let odd = Rust { about: "what?".to_owned(), root: PathBuf::from("/opt") };
    assert_eq!(table(Some(&odd), |_| true), Table::default());
}

#[test]
fn another_compiler_is_another_digest() {
    let digest = |release| table(Some(&rust(release, "/opt")), |_| true).toolchains["rust"].digest.clone();
    assert_eq!(digest("1.95.0"), digest("1.95.0"));
    assert_ne!(digest("1.95.0"), digest("1.95.1"));
}

/// Bases by name.
struct Named(&'static [&'static str]);

#[async_trait::async_trait]
impl Bases for Named {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|it| (*it).to_owned()).collect()
    }

    fn lock(&self, name: &str) -> Option<String> {
        Some(format!("lock of {name}"))
    }

    async fn image(&self, name: &str) -> Result<fairway_controllers::BaseImage, fairway_controllers::BaseError> {
        Err(fairway_controllers::BaseError::Unknown { name: name.to_owned(), known: self.names() })
    }

    fn progress(&self, _: &str) -> Option<String> {
        None
    }
}

#[test]
fn a_toolchain_in_a_base_is_offered_where_the_base_can_be_made() {
    let mut found = Toolchains::new();
    in_bases(&mut found, &Named(&["postgres-15"]));
    assert!(found.is_empty());
    in_bases(&mut found, &Named(&["python-3.11-tools"]));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["python", "python@3.11"]);
    let python = &found["python@3.11"];
    assert_eq!((python.base.as_deref(), python.image.as_str()), (Some("python-3.11-tools"), ""));
    assert_eq!(python.digest, "lock of python-3.11-tools", "another lock is another toolchain");
    assert_eq!(python.environment["PIP_CACHE_DIR"], "/cache/pip");
}
