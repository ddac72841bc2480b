//! What toolchains want to be told, wherever their steps run.

use std::collections::BTreeMap;

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
