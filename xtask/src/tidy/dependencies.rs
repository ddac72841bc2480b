//! Other people's crates: few, known, and none that we decided against.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};

use super::{House, packages};
use crate::workspace;

const MOST_CRATES: usize = 400;
const LICENCE: &str = "Apache-2.0";

/// Why each of them stays out.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs is the one crypto provider"),
    ("openssl-sys", "rustls and aws-lc-rs; no system library"),
    ("native-tls", "rustls; no system library"),
    ("sqlx", "rusqlite, with one writer thread of our own"),
];

/// What the command line must not need, because it runs on macOS and Windows too.
const LINUX_ONLY: &[&str] = &[
    "seccompiler",
    "landlock",
    "linux-raw-sys",
    "caps",
    "procfs",
    "fairway-node",
    "fairway-apiserver",
    "fairway-store",
];

pub(super) fn members_say_their_licence(house: &House) -> Vec<String> {
    let unlicensed = packages(&house.metadata).iter().filter(|it| it["license"] != LICENCE);
    unlicensed.map(|it| format!("{}: write license.workspace = true ({LICENCE})", it["name"])).collect()
}

/// Counted in the lock file: what anyone may have to fetch and trust.
pub(super) fn crates_stay_few(house: &House) -> Result<Vec<String>> {
    let lock = fs::read_to_string(house.root.join("Cargo.lock")).context("read Cargo.lock")?;
    let count = lock.lines().filter(|it| *it == "[[package]]").count();
    if count < MOST_CRATES {
        return Ok(Vec::new());
    }
    Ok(vec![format!("Cargo.lock: {count} crates; it must stay below {MOST_CRATES}")])
}

/// Looks at what is built on any system, not at what the lock file names for features that nobody turned on.
pub(super) fn banned_crates_stay_out(_: &House) -> Result<Vec<String>> {
    let names = tree(&["--workspace", "--target", "all", "--edges", "normal,build,dev"])?;
    let found = BANNED.iter().filter(|it| names.contains(it.0));
    Ok(found.map(|(name, why)| format!("{name} is built: {why}; `cargo tree -i {name}` shows who wants it")).collect())
}

pub(super) fn the_command_line_builds_everywhere(_: &House) -> Result<Vec<String>> {
    let names = tree(&["--package", "fairway-cli", "--target", "aarch64-apple-darwin", "--edges", "normal"])?;
    let found = LINUX_ONLY.iter().filter(|it| names.contains(**it));
    Ok(found
        .map(|it| format!("fairway-cli needs {it} on macOS; it must build without what is only for Linux"))
        .collect())
}

/// The names in `cargo tree`.
fn tree(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let mut command = workspace::cargo();
    command.args(["tree", "--locked", "--prefix", "none", "--format", "{p}"]).args(arguments);
    let printed = workspace::output(command)?;
    Ok(printed.lines().filter_map(|it| it.split(' ').next()).map(str::to_owned).collect())
}
