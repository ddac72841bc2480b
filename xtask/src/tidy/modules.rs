//! Every Rust file is a module of something, named the one way; modules with children say what they are; nothing is
//! left half done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{House, packages};

/// Follows `mod` from the root of every target; what is not reached is never compiled.
pub(super) fn every_file_is_a_module(house: &House) -> Vec<String> {
    let known: BTreeMap<&str, &str> = house.files.iter().map(|it| (it.path.as_str(), it.text.as_str())).collect();
    let mut roots = Vec::new();
    for package in packages(&house.metadata) {
        for target in package["targets"].as_array().into_iter().flatten() {
            let path = Path::new(target["src_path"].as_str().unwrap_or_default());
            let below = path.strip_prefix(&house.root).unwrap_or(path);
            roots.push(below.to_string_lossy().replace('\\', "/"));
        }
    }
    unreached(&known, &roots)
}

/// The files that no root leads to, and those named `mod.rs`.
pub(super) fn unreached(known: &BTreeMap<&str, &str>, roots: &[String]) -> Vec<String> {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<(String, bool)> = roots.iter().map(|it| (it.clone(), true)).collect();
    while let Some((path, is_root)) = open.pop() {
        if !reached.insert(path.clone()) {
            continue;
        }
        let Some(text) = known.get(path.as_str()) else { continue };
        for child in children(&path, is_root, text) {
            open.extend(child.into_iter().find(|it| known.contains_key(it.as_str())).map(|it| (it, false)));
        }
    }
    let mut wrong = Vec::new();
    for path in known.keys() {
        if path.ends_with("/mod.rs") {
            wrong.push(format!("{path}: write foo.rs beside foo/, not foo/mod.rs"));
        } else if !reached.contains(*path) {
            wrong.push(format!("{path}: no `mod` line leads here, so it is never compiled"));
        }
    }
    wrong
}

/// For each `mod` line, the files it may mean.
fn children(path: &str, is_root: bool, text: &str) -> Vec<Vec<String>> {
    let path = Path::new(path);
    let folder = path.parent().unwrap_or(Path::new(""));
    let own = if is_root { folder.to_owned() } else { folder.join(path.file_stem().unwrap_or_default()) };
    let mut found = Vec::new();
    let mut given: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            given = rest.split('"').next().map(str::to_owned);
        } else if let Some(name) = module_name(line) {
            found.push(match given.take() {
                Some(it) => vec![shown(&folder.join(it))],
                None => vec![shown(&own.join(format!("{name}.rs"))), shown(&own.join(name).join("mod.rs"))],
            });
        } else if !line.starts_with("#[") {
            given = None;
        }
    }
    found
}

/// The name in `mod name;`, with whatever visibility.
fn module_name(line: &str) -> Option<&str> {
    let line = line.split("//").next()?.trim();
    let rest = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let name = rest.strip_prefix("mod ")?.strip_suffix(';')?.trim();
    name.chars().all(|it| it.is_alphanumeric() || it == '_').then_some(name)
}

fn shown(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." { _ = clean.pop() } else { clean.push(part) }
    }
    clean.to_string_lossy().replace('\\', "/")
}

/// A module that others live in starts with `//!`.
pub(super) fn modules_with_children_say_what_they_are(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in house.files.iter().filter(|it| !it.is_test()) {
        let parent = file.text.lines().map(str::trim).filter_map(module_name).any(|it| it != "tests");
        let first = file.text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
        if parent && !first.starts_with("//!") {
            wrong.push(format!("{}: has modules below it; say in a `//!` line what it is", file.path));
        }
    }
    wrong
}

/// Written in two parts, so that this file does not find itself.
const LEFT: &[(&str, &str)] = &[
    (concat!("#[ig", "nore"), "a test that is ignored tests nothing; repair it or remove it"),
    (concat!("to", "do!("), "finish it, or leave it out and say so in an issue"),
    (concat!("unimple", "mented!("), "finish it, or leave it out and say so in an issue"),
    (concat!("FIX", "ME"), "repair it, or say in a comment why it is so"),
];

pub(super) fn no_test_is_ignored_and_nothing_is_left_to_do(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in &house.files {
        for (number, line) in file.text.lines().enumerate() {
            for (word, why) in LEFT.iter().filter(|it| line.contains(it.0)) {
                wrong.push(format!("{}:{}: {word} …: {why}", file.path, number + 1));
            }
        }
    }
    wrong
}
