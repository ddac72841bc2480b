//! What steps of pipelines can be run with on this machine: its own Rust, shown to them read-only, and what comes in base
//! images, which is the same everywhere.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use fairway_controllers::{Bases, Toolchain, Toolchains};
use fairway_node::HostImage;
use fairway_plan::pipeline::toolchain;
use tokio::process::Command;

/// A tool that does not say its version by then is not asked further.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where a toolchain that lies elsewhere appears.
const RUST: &str = "/opt/rust";

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) toolchains: Toolchains,
    /// By the name that follows `host/`.
    pub(super) images: BTreeMap<String, HostImage>,
}

/// What the compiler says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rust {
    /// `rustc -vV`.
    about: String,
    /// `rustc --print sysroot`.
    root: PathBuf,
}

/// Asks the machine.
pub(super) async fn find() -> Table {
    let (about, root) = tokio::join!(rustc(&["-vV"]), rustc(&["--print", "sysroot"]));
    let rust = about.zip(root).map(|(about, root)| Rust { about, root: PathBuf::from(root.trim()) });
    if rust.is_none() {
        tracing::info!("this machine has no rustc; no pipeline can use the toolchain rust");
    }
    table(rust.as_ref(), std::path::Path::is_file)
}

/// What the compiler answers, outside of any project that asks for another one.
async fn rustc(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("rustc");
    command.args(arguments).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The table of what was found: pure but for `is_file`.
fn table(rust: Option<&Rust>, is_file: impl Fn(&std::path::Path) -> bool) -> Table {
    let mut table = Table::default();
    let Some(rust) = rust.filter(|it| is_file(&it.root.join("bin/cargo"))) else { return table };
    let said = |key: &str| rust.about.lines().find_map(|it| it.strip_prefix(key)).map(str::trim);
    let (Some(version), Some(host)) = (said("release:"), said("host:")) else { return table };
    let name = format!("rust-{version}");
    let image = HostImage::of_system();
    let in_system = rust.root == std::path::Path::new("/usr");
    let image = if in_system { image } else { image.with(&rust.root, RUST).first_in_path("/opt/rust/bin") };
    table.images.insert(name.clone(), image);
    let toolchain = Toolchain {
        image: format!("host/{name}"),
        base: None,
        name: "rust".to_owned(),
        version: rust.about.lines().next().unwrap_or_default().to_owned(),
        digest: fairway_plan::digest_of(&rust.about).to_string(),
        environment: variables(host),
        packages: toolchain::CRATES.map(|it| format!("cargo/{it}")).into(),
    };
    for called in names(version) {
        table.toolchains.insert(called, toolchain.clone());
    }
    table
}

/// Adds the toolchains whose base image can be made.
pub(super) fn in_bases(toolchains: &mut Toolchains, bases: &dyn Bases) {
    let known = bases.names();
    for it in toolchain::in_bases().into_iter().filter(|it| known.contains(&it.base)) {
        let toolchain = Toolchain {
            image: String::new(),
            name: it.name.clone(),
            version: format!("{} {} of base image {}", it.name, it.version, it.base),
            digest: bases.lock(&it.base).unwrap_or_default(),
            environment: it.environment.clone(),
            packages: it.packages.clone(),
            base: Some(it.base.clone()),
        };
        for name in it.names() {
            toolchains.entry(name).or_insert_with(|| toolchain.clone());
        }
    }
}

/// How a version may be called: `rust`, `rust@1.95`, `rust@1.95.0`.
fn names(version: &str) -> Vec<String> {
    let mut names = vec!["rust".to_owned(), format!("rust@{version}")];
    let plain = version.split('-').next().unwrap_or(version);
    let mut parts = plain.split('.');
    // A nightly or beta is not the release of its number.
    if let (true, Some(major), Some(minor)) = (plain == version, parts.next(), parts.next()) {
        names.push(format!("rust@{major}.{minor}"));
    }
    names
}

/// Caches in the Project's claim, and programs that need nothing of the system they run on: as `platform deploy` builds.
fn variables(host: &str) -> BTreeMap<String, String> {
    let mut variables = toolchain::rust(host, "/cache/target/{component}");
    variables.insert("CARGO_HOME".to_owned(), "/cache/cargo".to_owned());
    variables.insert("CARGO_TERM_COLOR".to_owned(), "never".to_owned());
    variables
}

#[cfg(test)]
mod tests;
