//! Which kubectl there is, for tests that show what people see.

use std::path::{Path, PathBuf};

/// The oldest minor version of kubectl that is tried.
const OLDEST: u32 = 30;

/// Every kubectl at hand, the newest last: the one that the path finds, or those that some packages keep beside it
/// under their version (`kubectl.1.33`). None where there is no kubectl: such a test says that it is skipped.
pub fn programs() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|it| it.join("kubectl")).find_map(|it| it.canonicalize().ok());
    let Some(found) = found.filter(|it| it.is_file()) else { return Vec::new() };
    let mut versions = beside(&found);
    versions.sort();
    if versions.is_empty() { vec![found] } else { versions.into_iter().map(|it| it.1).collect() }
}

fn beside(program: &Path) -> Vec<(u32, PathBuf)> {
    let entries = program.parent().and_then(|it| it.read_dir().ok());
    let paths = entries.into_iter().flatten().filter_map(|it| Some(it.ok()?.path()));
    paths.filter_map(|it| Some((minor(&it)?, it))).filter(|it| it.0 >= OLDEST).collect()
}

fn minor(program: &Path) -> Option<u32> {
    program.file_name()?.to_str()?.strip_prefix("kubectl.1.")?.parse().ok()
}

/// Says that a test shows nothing, past the harness, which keeps to itself what passing tests print.
pub fn say_skipped(what: &str) {
    let said = format!("skipped: {what}: there is no kubectl on this machine\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
}
