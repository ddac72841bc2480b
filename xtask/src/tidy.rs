//! `cargo xtask tidy`: the house rules that no compiler checks. Each rule is a function from the workspace to what is
//! wrong with it; all are tried, so that one run shows everything.

mod dependencies;
mod layers;
mod modules;
mod size;
mod stories;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace;

/// What the rules look at.
struct House {
    root: PathBuf,
    /// `cargo metadata` of the members.
    metadata: Value,
    /// Every Rust file of the members, by its path below the root.
    files: Vec<RustFile>,
}

struct RustFile {
    /// Below the root, with `/`.
    path: String,
    text: String,
}

impl RustFile {
    /// Whether it holds tests only.
    fn is_test(&self) -> bool {
        let path = &self.path;
        path.ends_with("/tests.rs") || path.contains("/tests/") || path.contains("/benches/")
    }
}

/// A rule: what is wrong, a line each.
type Rule = fn(&House) -> Result<Vec<String>>;

const RULES: &[Rule] = &[
    size::files_stay_small,
    |it| Ok(modules::every_file_is_a_module(it)),
    |it| Ok(modules::modules_with_children_say_what_they_are(it)),
    |it| Ok(modules::no_test_is_ignored_and_nothing_is_left_to_do(it)),
    |it| Ok(layers::dependencies_point_down(it)),
    |it| Ok(layers::generic_crates_know_no_product(it)),
    |it| Ok(dependencies::members_say_their_licence(it)),
    dependencies::crates_stay_few,
    dependencies::banned_crates_stay_out,
    dependencies::the_command_line_builds_everywhere,
    stories::pages_show_the_lines_of_their_stories,
];

pub(crate) fn run() -> Result<ExitCode> {
    let house = survey()?;
    let mut wrong = Vec::new();
    for rule in RULES {
        wrong.extend(rule(&house)?);
    }
    for it in &wrong {
        eprintln!("tidy: {it}");
    }
    println!("tidy: {} files, {} rules, {} findings", house.files.len(), RULES.len(), wrong.len());
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn survey() -> Result<House> {
    let root = workspace::root();
    let metadata = workspace::metadata()?;
    let mut files = Vec::new();
    for package in packages(&metadata) {
        let folder =
            Path::new(package["manifest_path"].as_str().unwrap_or_default()).parent().unwrap_or(&root).to_owned();
        collect(&root, &folder, &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(House { root, metadata, files })
}

/// The members of the workspace, in the metadata.
fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().map_or(&[], Vec::as_slice)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<RustFile>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
        if path.is_dir() {
            // A folder with a manifest is another package (a fixture, an example).
            let skipped = path.file_name().is_some_and(|it| it == "target") || path.join("Cargo.toml").is_file();
            if !skipped {
                collect(root, &path, files)?;
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let below = path.strip_prefix(root).unwrap_or(&path);
            files.push(RustFile { path: below.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
