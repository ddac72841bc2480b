//! `cargo xtask test`: everything that must hold before a change lands, on a machine that has nothing but Rust.
//! Nothing is installed; what is not there is skipped, and said to be.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::left_behind::Place;
use crate::{generate, stories, tidy, workspace};

/// A step, and how to run it.
struct Step {
    name: &'static str,
    run: fn() -> Result<Outcome>,
}

enum Outcome {
    Passed,
    /// The exit code of what failed.
    Failed(u8),
    Skipped(&'static str),
}

/// In the order of what fails fastest.
const STEPS: &[Step] = &[
    Step { name: "formatting (cargo fmt --check)", run: formatting },
    Step { name: "house rules (cargo xtask tidy)", run: || ours(tidy::run()) },
    Step { name: "generated files (cargo xtask gen --check)", run: || ours(generate::run(true)) },
    Step { name: "lints (cargo clippy, warnings are errors)", run: lints },
    Step { name: "licences and advisories (cargo deny)", run: deny },
    Step { name: "unused dependencies (cargo machete)", run: machete },
    Step { name: "spelling (typos)", run: typos },
    Step { name: "tests are built (cargo test --no-run)", run: built },
    Step { name: "every test (cargo test --workspace)", run: tests },
    Step { name: "stories (cargo xtask e2e)", run: || ours(stories::tell_all(None)) },
];

pub(crate) fn run() -> ExitCode {
    let mut results = Vec::new();
    for step in STEPS {
        println!("\n=== {}", step.name);
        let started = now();
        // A step that cannot be tried has failed; the others are still worth knowing about.
        let outcome = (step.run)().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Outcome::Failed(1)
        });
        if let Outcome::Skipped(why) = &outcome {
            println!("skipped: {why}");
        }
        results.push((step.name, outcome, now().saturating_duration_since(started)));
    }
    summary(&results)
}

#[expect(clippy::disallowed_methods, reason = "the gate tells how long it really took")]
fn now() -> Instant {
    Instant::now()
}

fn summary(results: &[(&str, Outcome, Duration)]) -> ExitCode {
    println!("\n=== summary");
    for (name, outcome, took) in results {
        let took = took.as_secs();
        match outcome {
            Outcome::Passed => println!("passed   {name}, {took} s"),
            Outcome::Failed(code) => println!("FAILED   {name} (exit code {code}), {took} s"),
            Outcome::Skipped(why) => println!("skipped  {name}: {why}"),
        }
    }
    if !workspace::has("kubectl") {
        println!("skipped  the lines of tests that need kubectl: it is not installed");
    }
    let failed = results.iter().find_map(|it| match it.1 {
        Outcome::Failed(code) => Some(code),
        _ => None,
    });
    match failed {
        None => {
            println!("\nThe gate is open: everything that ran has passed.");
            ExitCode::SUCCESS
        }
        Some(code) => {
            println!("\nThe gate is closed: see the steps marked FAILED above.");
            ExitCode::from(code)
        }
    }
}

fn formatting() -> Result<Outcome> {
    cargo(&["fmt", "--all", "--check"])
}

fn lints() -> Result<Outcome> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"])
}

fn built() -> Result<Outcome> {
    cargo(&["test", "--workspace", "--locked", "--no-run", "--quiet"])
}

fn tests() -> Result<Outcome> {
    let place = Place::make("gate")?;
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]).env("TMPDIR", place.path());
    let outcome = done(command)?;
    let left = place.left()?;
    for it in &left {
        eprintln!("left behind by a test: {it}");
    }
    Ok(if left.is_empty() || matches!(outcome, Outcome::Failed(_)) { outcome } else { Outcome::Failed(1) })
}

fn deny() -> Result<Outcome> {
    if !workspace::has("cargo-deny") {
        return Ok(Outcome::Skipped("cargo-deny is not installed (cargo install cargo-deny)"));
    }
    cargo(&["deny", "--all-features", "check"])
}

fn machete() -> Result<Outcome> {
    if !workspace::has("cargo-machete") {
        return Ok(Outcome::Skipped("cargo-machete is not installed (cargo install cargo-machete)"));
    }
    cargo(&["machete"])
}

fn typos() -> Result<Outcome> {
    if !workspace::has("typos") {
        return Ok(Outcome::Skipped("typos is not installed (cargo install typos-cli)"));
    }
    done(workspace::command("typos"))
}

fn cargo(arguments: &[&str]) -> Result<Outcome> {
    let mut command = workspace::cargo();
    command.args(arguments);
    done(command)
}

/// Runs to the end, in full view.
fn done(mut command: Command) -> Result<Outcome> {
    let status = command.status().with_context(|| format!("start {command:?}"))?;
    Ok(match status.code() {
        Some(0) => Outcome::Passed,
        code => Outcome::Failed(code.and_then(|it| u8::try_from(it).ok()).unwrap_or(1)),
    })
}

/// A command of our own.
fn ours(result: Result<ExitCode>) -> Result<Outcome> {
    Ok(if result? == ExitCode::SUCCESS { Outcome::Passed } else { Outcome::Failed(1) })
}
