//! What every service that lives by pushes has: a push, the run of its commit, the page that follows.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_clock::Clock;
use http::StatusCode;
use serde_json::Value;

use super::super::Found;
use super::super::table;
use super::super::work::Work;
use super::{Tour, text};

/// How long a push may take to become a run.
const NOTICED: Duration = Duration::from_secs(30);
/// How long what was removed may take to end.
pub(super) const ENDED: Duration = Duration::from_secs(30);
/// How long what a run delivers may take to answer.
const DELIVERED: Duration = Duration::from_secs(60);

/// One command makes a service and its repository, which is cloned with Git itself: these files must be in it.
pub(super) async fn clone(
    tour: &Tour<'_>,
    work: &Work<'_>,
    words: &[&str],
    folder: &str,
    files: &[&str],
) -> Result<Found> {
    let said = tour.scene.platform_json(words).await?;
    let url = said["repository"].as_str().with_context(|| format!("no repository is named: {said}"))?;
    tour.scene.user_work().git(&["clone", "--quiet", url, folder]).await?;
    let there = work.git(&["ls-files"]).await?;
    for file in files {
        ensure!(there.lines().any(|it| it == *file), "the repository has no {file}: {there}");
    }
    Ok(Found::new(format!("{} files, cloned from {url}", there.lines().count())))
}

/// Commits everything and pushes it: its run must succeed.
pub(super) async fn push(tour: &Tour<'_>, work: &Work<'_>, message: &str) -> Result<Run> {
    work.commit(message).await?;
    work.git(&["push", "--quiet"]).await?;
    succeeded(tour, work).await
}

/// Takes the last push back by another one.
pub(super) async fn take_back(tour: &Tour<'_>, work: &Work<'_>) -> Result<Run> {
    work.take_back().await?;
    work.git(&["push", "--quiet"]).await?;
    succeeded(tour, work).await
}

/// Asks until it answers so: a run is over when what it delivers is wished for, and that takes its time.
pub(super) async fn becomes(tour: &Tour<'_>, host: &str, greeting: &str, version: &str) -> Result<()> {
    let started = tour.scene.clock.monotonic();
    loop {
        let page = match tour.browser.get(host).await? {
            (StatusCode::OK, page) => page,
            _ => Value::Null,
        };
        let seen = greets(&page, greeting, version);
        if seen.is_ok() || tour.scene.clock.monotonic().saturating_sub(started) > DELIVERED {
            return seen.with_context(|| format!("{host} after {}", table::shown(DELIVERED)));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(super) fn greets(page: &Value, greeting: &str, version: &str) -> Result<()> {
    ensure!(page["greeting"] == greeting && page["version"] == version, "expected {greeting:?} of {version}: {page}");
    Ok(())
}

/// A run that is over.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) state: String,
    /// Its state in a sentence.
    pub(super) says: String,
    /// How long its steps took: the build's time, not the platform's.
    pub(super) steps: Duration,
}

/// The run of the commit that the clone stands on, which must succeed.
pub(super) async fn succeeded(tour: &Tour<'_>, work: &Work<'_>) -> Result<Run> {
    let run = ended(tour, work).await?;
    if run.state != "Succeeded" {
        let log = work.try_platform(&["pipeline", "logs", &run.name]).await?;
        let log = text(&log.stdout);
        let lines: Vec<&str> = log.lines().collect();
        bail!("the run ended with {}: {}\n{}", run.state, run.says, lines[lines.len().saturating_sub(30)..].join("\n"));
    }
    Ok(run)
}

/// The run of the commit that the clone stands on, when it is over.
pub(super) async fn ended(tour: &Tour<'_>, work: &Work<'_>) -> Result<Run> {
    let commit = work.git(&["rev-parse", "HEAD"]).await?;
    let started = tour.scene.clock.monotonic();
    let name = loop {
        if let Some(row) = row(work, &commit).await? {
            break row["name"].as_str().unwrap_or_default().to_owned();
        }
        let waited = tour.scene.clock.monotonic().saturating_sub(started);
        ensure!(waited < NOTICED, "nothing runs for {commit}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // Its exit code is the run's; how the run ended is looked at after.
    let _ = work.try_platform(&["pipeline", "logs", &name, "--follow"]).await?;
    let row = row(work, &commit).await?.with_context(|| format!("run {name} is gone"))?;
    let run = tour.scene.platform_json(&["get", "pipelineruns", &name]).await?;
    let words = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Ok(Run { name, state: words("state"), says: words("summary"), steps: took(&run) })
}

async fn row(work: &Work<'_>, commit: &str) -> Result<Option<Value>> {
    let runs = work.platform_json(&["pipeline", "runs"]).await?;
    Ok(runs["items"].as_array().into_iter().flatten().find(|it| it["commit"] == commit).cloned())
}

/// What the commands of a run's steps took together.
fn took(run: &Value) -> Duration {
    let steps = run["status"]["steps"].as_array().or_else(|| run["items"][0]["status"]["steps"].as_array());
    let at = |step: &Value, key: &str| step[key].as_str()?.parse::<jiff::Timestamp>().ok();
    let took = |step: &Value| -> Option<Duration> {
        at(step, "completionTime")?.duration_since(at(step, "startTime")?).try_into().ok()
    };
    steps.into_iter().flatten().filter_map(took).sum()
}
