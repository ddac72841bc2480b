//! How long a base image takes: choosing its packages, and building it when the cache has them. The only rows that need a
//! network; where there is none, that is said.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_clock::{Clock, SystemClock};

use super::home::{self, Home};
use super::report;

/// What is built: what a Component with a database needs.
const BASES: [&str; 2] = ["python-3.11", "postgres-15"];
/// How many times each.
const ROUNDS: usize = 5;

pub(crate) async fn all(clock: &SystemClock) -> Result<()> {
    let home = Home::new()?;
    for name in BASES {
        // The first of each fills the cache and does not count.
        if let Err(why) = both(&home, name, clock).await {
            println!("not measured: base {name}: {why:#}");
            continue;
        }
        let (mut resolved, mut built) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (resolve, build) = both(&home, name, clock).await?;
            resolved.push(resolve);
            built.push(build);
        }
        let of = |what: &str| format!("base {what} {name}, warm cache");
        let from = |what: &str| format!("starting `platform base {what}`");
        report::times(&of("resolve"), &from("resolve"), "a lock for two architectures", resolved);
        report::times(&of("build"), &from("build"), "an image with a name in the store", built);
    }
    Ok(())
}

/// Chooses and builds it, once.
async fn both(home: &Home, name: &str, clock: &SystemClock) -> Result<(Duration, Duration)> {
    Ok((command(home, "resolve", name, clock).await?, command(home, "build", name, clock).await?))
}

/// Runs `platform base`, and says how long it took.
pub(crate) async fn command(home: &Home, what: &str, name: &str, clock: &SystemClock) -> Result<Duration> {
    let mut command = Command::new(home::program());
    command.args(["base", what, name]).env("FAIRWAY_HOME", home.path("home")).stdin(Stdio::null());
    let started = clock.monotonic();
    let output = tokio::process::Command::from(command).output().await.context("start the command")?;
    ensure!(output.status.success(), "base {what}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(clock.monotonic().saturating_sub(started))
}
