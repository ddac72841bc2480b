//! What toolchains want to be told, wherever their steps run.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Every file in `toolchains/` of our repository; written by `build.rs`.
const IN_BASES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/toolchains.rs"));

/// A toolchain in a base image. Another language is another file, and no code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InBase {
    /// `python`.
    pub name: String,
    /// `3.11`.
    pub version: String,
    /// The base image: `python-3.11-tools`.
    pub base: String,
    /// Variables of every step; `{component}` in a value is the Component's name.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Folders below `/cache` that hold packages as they were fetched.
    #[serde(default)]
    pub packages: Vec<String>,
}

/// Where cargo keeps packages below its own folder, and what it knows of them.
pub const CRATES: [&str; 2] = ["registry/cache", "registry/index"];

impl InBase {
    /// How it may be called in a pipeline file: `python@3.11`, and `python` as long as no other version has that name.
    pub fn names(&self) -> [String; 2] {
        [format!("{}@{}", self.name, self.version), self.name.clone()]
    }
}

/// The toolchains that come with the platform in base images. Of several versions the first has the name alone.
pub fn in_bases() -> Vec<InBase> {
    IN_BASES.iter().filter_map(|(_, text)| serde_saphyr::from_str(text).ok()).collect()
}

/// Rust: where it builds to, and programs that need nothing of the system they run on, as `platform deploy` builds.
pub fn rust(host: &str, target: &str) -> BTreeMap<String, String> {
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", host.to_uppercase().replace('-', "_"));
    [
        ("CARGO_TARGET_DIR".to_owned(), target.to_owned()),
        ("CARGO_BUILD_TARGET".to_owned(), host.to_owned()),
        (flags, "-C target-feature=+crt-static".to_owned()),
    ]
    .into()
}

#[cfg(test)]
mod tests;
