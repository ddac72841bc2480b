//! `cargo xtask e2e`: the stories in `tests/e2e/stories/*.sh`, one after the other, against the real binary.
//!
//! A story is a bash script that runs with `-eu -o pipefail` in an empty folder of its own, with a home and a data
//! folder (`FAIRWAY_HOME`) of its own, and `platform` first on its PATH; `REPOSITORY` is where this one is. What cargo
//! builds for one story the next finds again. It succeeds with 0; with 77 it says that something it needs is not there
//! (its last line says what). Whatever it starts it stops again: a process or mount that is left fails it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

use crate::left_behind::Place;
use crate::workspace;

const STORIES: &str = "tests/e2e/stories";
const SKIPPED: i32 = 77;

/// Builds the binary, and tells the stories that fit.
pub(crate) fn run(filter: Option<&str>) -> Result<ExitCode> {
    let status =
        workspace::cargo().args(["build", "--package", "fairway", "--locked"]).status().context("start cargo")?;
    ensure!(status.success(), "the binary does not build");
    tell_all(filter)
}

/// Tells the stories that fit, with the binary as it was built.
pub(crate) fn tell_all(filter: Option<&str>) -> Result<ExitCode> {
    let stories = find(filter)?;
    if stories.is_empty() {
        println!("no story in {STORIES} fits");
        return Ok(ExitCode::SUCCESS);
    }
    let binary = binary()?;
    let place = Place::make("stories")?;
    let mut results = Vec::new();
    for story in &stories {
        let name = story.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        println!("\n=== {name}");
        let told = tell(story, &binary, place.path())?;
        let left = place.held();
        for it in &left {
            eprintln!("left behind: {it}");
        }
        results.push((name, if left.is_empty() { told } else { told.max(1) }));
    }
    println!("\n=== summary");
    for (name, code) in &results {
        match code {
            0 => println!("passed   {name}"),
            &SKIPPED => println!("skipped  {name}"),
            code => println!("FAILED   {name} (exit code {code})"),
        }
    }
    let bad = results.iter().any(|it| it.1 != 0 && it.1 != SKIPPED);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn find(filter: Option<&str>) -> Result<Vec<PathBuf>> {
    let folder = workspace::root().join(STORIES);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("list {STORIES}"))? {
        let path = entry.with_context(|| format!("list {STORIES}"))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|it| it == "sh") && filter.is_none_or(|it| name.contains(it)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The folder of the binary.
fn binary() -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace::root().join("target"), PathBuf::from);
    let folder = target.join("debug");
    ensure!(
        folder.join("platform").is_file(),
        "{} is not there: cargo xtask e2e builds it",
        folder.join("platform").display()
    );
    Ok(folder)
}

fn tell(story: &Path, binary: &Path, place: &Path) -> Result<i32> {
    let folder = place.join(story.file_stem().unwrap_or_default());
    fs::create_dir_all(folder.join("work")).context("make the story's folder")?;
    fs::create_dir_all(folder.join("home")).context("make the story's home")?;
    let old = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binary.to_owned()].into_iter().chain(std::env::split_paths(&old)));
    let status = workspace::command("bash")
        .args(["-eu", "-o", "pipefail"])
        .arg(story)
        .current_dir(folder.join("work"))
        .env("PATH", path.context("put the binary on the PATH")?)
        .env("HOME", folder.join("home"))
        .env("CARGO_HOME", tool_folder("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", tool_folder("RUSTUP_HOME", ".rustup"))
        .env("CARGO_TARGET_DIR", place.join("target"))
        .env("FAIRWAY_HOME", folder.join("home/fairway"))
        .env("REPOSITORY", workspace::root())
        .stdin(Stdio::null())
        .status()
        .context("start bash")?;
    fs::remove_dir_all(&folder).context("remove the story's folder")?;
    Ok(status.code().unwrap_or(1))
}

/// A story builds with the cargo and the toolchain that are there, whatever its own home is.
fn tool_folder(variable: &str, below_home: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(below_home);
    std::env::var_os(variable).map_or_else(home, PathBuf::from)
}
