//! Files stay small enough to be read at once. `xtask/tidy-allow.txt` lists those that are not yet, with their number
//! of lines: it may only shrink.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::House;

const MOST_LINES: usize = 600;
const MOST_TEST_LINES: usize = 1_000;
const ALLOWED: &str = "xtask/tidy-allow.txt";

pub(super) fn files_stay_small(house: &House) -> Result<Vec<String>> {
    let text = fs::read_to_string(house.root.join(ALLOWED)).with_context(|| format!("read {ALLOWED}"))?;
    let files = house.files.iter().map(|it| (it.path.as_str(), it.text.lines().count(), it.is_test()));
    Ok(check(files, &text))
}

/// Compares the sizes with the limits and the list of exceptions.
pub(super) fn check<'a>(files: impl Iterator<Item = (&'a str, usize, bool)>, allowed: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut exceptions: BTreeMap<&str, usize> = BTreeMap::new();
    for line in allowed.lines().filter(|it| !it.is_empty() && !it.starts_with('#')) {
        match line.split_once(' ').map(|(path, lines)| (path, lines.trim().parse())) {
            Some((path, Ok(lines))) => _ = exceptions.insert(path, lines),
            _ => wrong.push(format!("{ALLOWED}: {line:?} is not `path lines`")),
        }
    }
    for (path, lines, is_test) in files {
        let limit = if is_test { MOST_TEST_LINES } else { MOST_LINES };
        match exceptions.remove(path) {
            None if lines > limit => {
                wrong.push(format!("{path}: {lines} lines; split it, {limit} is the most"));
            }
            Some(_) if lines <= limit => {
                wrong.push(format!("{ALLOWED}: {path} is small enough now, remove its line"));
            }
            Some(before) if lines > before => {
                wrong.push(format!("{path}: {lines} lines; it had {before} and may only shrink"));
            }
            Some(before) if lines < before => {
                wrong.push(format!("{ALLOWED}: {path} has shrunk, write {lines} instead of {before}"));
            }
            _ => {}
        }
    }
    wrong.extend(exceptions.keys().map(|it| format!("{ALLOWED}: {it} does not exist")));
    wrong
}
