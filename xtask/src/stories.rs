//! `cargo xtask e2e`: the stories in `tests/e2e/stories/*.sh`, one after the other, against the real binary.
//!
//! A story is a bash script that runs with `-eu -o pipefail` in an empty folder of its own, as a user of its own (home,
//! data folder, ports, a name for Git), with `platform` first on its PATH; `REPOSITORY` is where this one is. Its curl
//! finds the gateway at the usual port. What cargo builds for one story the next finds again. It succeeds with 0; with 77
//! it says that something it needs is not there (its last line says what). The platform is stopped at its end; another
//! process or mount that is left fails it.

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

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
    let scene = Scene::set(story, binary, place)?;
    let text = fs::read_to_string(story).context("read the story")?;
    if let Some(why) = scene.missing(&text) {
        println!("{why}");
        return Ok(SKIPPED);
    }
    let told = scene.command("bash").args(["-eu", "-o", "pipefail"]).arg(story).status().context("start bash")?;
    // Whatever it started, however it ended. Most have nothing left to stop, and that is no failure.
    let _ = scene.command("platform").args(["down", "--purge", "--yes"]).output().context("stop the platform")?;
    fs::remove_dir_all(&scene.folder).context("remove the story's folder")?;
    Ok(told.code().unwrap_or(1))
}

/// Where a story takes place: a user of its own, and ports that no other platform has.
struct Scene {
    folder: PathBuf,
    path: OsString,
    target: PathBuf,
    gateway: u16,
}

impl Scene {
    fn set(story: &Path, binary: &Path, place: &Path) -> Result<Self> {
        let folder = place.join(story.file_stem().unwrap_or_default());
        fs::create_dir_all(folder.join("work")).context("make the story's folder")?;
        fs::create_dir_all(folder.join("home")).context("make the story's home")?;
        let gateway = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).context("find a port")?.port();
        // Stories and their pages speak of the usual port.
        let curl = format!("connect-to = 127.0.0.1:7080:127.0.0.1:{gateway}\n");
        fs::write(folder.join("home/.curlrc"), curl).context("tell curl where the gateway is")?;
        let old = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([binary.to_owned()].into_iter().chain(std::env::split_paths(&old)));
        let path = path.context("put the binary on the PATH")?;
        Ok(Self { path, target: place.join("target"), gateway, folder })
    }

    /// Why the story cannot be told here.
    fn missing(&self, text: &str) -> Option<String> {
        let calls = |it: &str| text.lines().any(|line| line.split(' ').any(|word| word == it));
        if let Some(tool) = ["curl", "cargo"].into_iter().find(|it| calls(it) && !workspace::has(it)) {
            return Some(format!("{tool} is not installed"));
        }
        let starts = text.lines().any(|it| it == "platform up");
        let said = self.command("platform").arg("doctor").output().ok().filter(|_| starts)?.stdout;
        let said = String::from_utf8_lossy(&said).into_owned();
        said.lines().find(|it| it.contains("containers cannot run")).map(str::to_owned)
    }

    fn command(&self, program: &str) -> Command {
        let home = self.folder.join("home");
        let mut command = workspace::command(program);
        command
            .current_dir(self.folder.join("work"))
            .env("PATH", &self.path)
            .env("HOME", &home)
            .env("CURL_HOME", &home)
            .env("CARGO_HOME", tool_folder("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", tool_folder("RUSTUP_HOME", ".rustup"))
            .env("CARGO_TARGET_DIR", &self.target)
            .env("FAIRWAY_HOME", home.join("fairway"))
            .env("FAIRWAY_PORT", "0")
            .env("FAIRWAY_GATEWAY_PORT", self.gateway.to_string())
            .env("REPOSITORY", workspace::root())
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            // These would win over what `platform up` tells Git about the platform's own authority.
            .env_remove("GIT_SSL_CAINFO")
            .env_remove("GIT_SSL_CAPATH")
            .stdin(Stdio::null());
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A developer");
            command.env(format!("GIT_{who}_EMAIL"), "developer@example.org");
        }
        command
    }
}

/// A story builds with the cargo and the toolchain that are there, whatever its own home is.
fn tool_folder(variable: &str, below_home: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(below_home);
    std::env::var_os(variable).map_or_else(home, PathBuf::from)
}
