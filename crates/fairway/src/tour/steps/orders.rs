//! A service from a golden path: made with its repository, and from then on delivered by pushes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_clock::Clock;
use http::StatusCode;
use serde_json::Value;

use super::super::Found;
use super::super::outside;
use super::super::table;
use super::super::work::Work;
use super::{Tour, text};

const STAGING: &str = "orders.staging.sandbox.localhost";
const PRODUCTION: &str = "orders.production.sandbox.localhost";
/// What runs in its containers.
const PROGRAM: &str = "/app/orders";
/// The test that the third push breaks.
const TEST: &str = "what_is_not_there_is_told_as_json";
/// How long a push may take to become a run.
const NOTICED: Duration = Duration::from_secs(30);
/// How long what was removed may take to end.
const ENDED: Duration = Duration::from_secs(30);
/// How long what a run delivers may take to answer.
const DELIVERED: Duration = Duration::from_secs(60);

fn work<'a>(tour: &'a Tour<'_>) -> Work<'a> {
    tour.scene.orders()
}

/// One command makes the service and its repository, which is cloned with Git itself.
pub(super) async fn create(tour: &Tour<'_>) -> Result<Found> {
    let said = tour.scene.platform_json(&["create-service", "--name=orders", "--language=rust"]).await?;
    let url = said["repository"].as_str().with_context(|| format!("no repository is named: {said}"))?;
    tour.scene.user_work().git(&["clone", "--quiet", url, "../orders"]).await?;
    let files = work(tour).git(&["ls-files"]).await?;
    for file in ["src/main.rs", "score.yaml", ".fairway/pipeline.yaml", "Cargo.lock"] {
        ensure!(files.lines().any(|it| it == file), "the repository has no {file}: {files}");
    }
    Ok(Found::new(format!("{} files, cloned from {url}", files.lines().count())))
}

/// The first commit is tested, built, released and delivered without anybody asking.
pub(super) async fn first_run(tour: &Tour<'_>) -> Result<Found> {
    let run = succeeded(tour).await?;
    becomes(tour, STAGING, "hello", "0.1.0").await?;
    ensure!(!processes(tour).is_empty(), "no process of {PROGRAM} runs");
    Ok(Found {
        text: format!("{}; it answers at http://{STAGING}:{}", run.says, tour.scene.gateway_port),
        build: run.steps,
    })
}

/// Code and a setting are changed and pushed: that is all there is to do.
pub(super) async fn push_second(tour: &Tour<'_>) -> Result<Found> {
    work(tour).replace("src/http.rs", "version: env!(\"CARGO_PKG_VERSION\")", "version: \"second edition\"")?;
    work(tour).replace("config/default.yaml", "GREETING: hello", "GREETING: hello again")?;
    let visitors = tour.browser.visit(STAGING);
    let pushed = async {
        let run = push(tour, "Second edition").await?;
        becomes(tour, STAGING, "hello again", "second edition").await?;
        anyhow::Ok(run)
    };
    let run = pushed.await;
    let answered = visitors.all_answered().await;
    let (run, answered) = (run?, answered?);
    Ok(Found { text: format!("{}; all {answered} requests meanwhile were answered", run.says), build: run.steps })
}

async fn push(tour: &Tour<'_>, message: &str) -> Result<Run> {
    work(tour).commit(message).await?;
    work(tour).git(&["push", "--quiet"]).await?;
    succeeded(tour).await
}

/// A setting alone is pushed: what did not change is not tested and built again.
pub(super) async fn push_setting(tour: &Tour<'_>) -> Result<Found> {
    work(tour).replace("config/default.yaml", "GREETING: hello again", "GREETING: welcome")?;
    let run = push(tour, "Another greeting").await?;
    let printed = work(tour).platform(&["pipeline", "logs", &run.name]).await?;
    ensure!(printed.matches("(skipped").count() == 2, "the steps were run again: {printed:.500}");
    becomes(tour, STAGING, "welcome", "second edition").await?;
    Ok(Found { text: format!("{}; nothing was built", run.says), build: run.steps })
}

/// A push whose test fails stops there.
pub(super) async fn push_failing(tour: &Tour<'_>) -> Result<Found> {
    work(tour).replace("src/http.rs", "(StatusCode::NOT_FOUND, Json", "(StatusCode::OK, Json")?;
    work(tour).commit("A mistake").await?;
    let visitors = tour.browser.visit(STAGING);
    work(tour).git(&["push", "--quiet"]).await?;
    let run = ended(tour).await;
    let answered = visitors.all_answered().await;
    let (run, answered) = (run?, answered?);
    ensure!(run.state != "Succeeded", "the run of a failing test succeeded");
    ensure!(run.says.contains(TEST), "the run does not name the test {TEST}: {}", run.says);
    let log = work(tour).platform(&["pipeline", "logs", &run.name, "--step=test"]).await?;
    ensure!(log.contains("assertion `left == right` failed"), "the log does not show why: {log:.500}");
    greets(&tour.browser.page(STAGING).await?, "welcome", "second edition")?;
    Ok(Found { text: format!("{} ({answered} requests answered)", run.says), build: run.steps })
}

/// What staging proved goes to production, and back to the first version.
pub(super) async fn promote_and_back(tour: &Tour<'_>) -> Result<Found> {
    work(tour).platform(&["promote", "orders", "--from=staging", "--to=production"]).await?;
    greets(&tour.browser.page(PRODUCTION).await?, "good day", "second edition")?;
    work(tour).platform(&["rollback", "orders", "--env=staging", "--to-version=v0.1.0"]).await?;
    greets(&tour.browser.page(STAGING).await?, "hello", "0.1.0")?;
    Ok(Found::new("the second edition answers in production, v0.1.0 again in staging"))
}

/// The service goes with its repository, runs and everything that ran.
pub(super) async fn remove(tour: &mut Tour<'_>) -> Result<Found> {
    let ran = processes(tour);
    ensure!(ran.len() == 2, "{} processes of {PROGRAM} run, not one in each environment", ran.len());
    tour.held.add(&ran);
    let url = work(tour).git(&["remote", "get-url", "origin"]).await?;
    tour.scene.platform(&["delete", "component", "orders"]).await?;
    let refused = tour.scene.user_work().git(&["ls-remote", &url]).await;
    ensure!(refused.is_err(), "the repository is still there");
    // They are asked to end, and given the time to.
    let started = tour.scene.clock.monotonic();
    while !processes(tour).is_empty() || tour.browser.get(STAGING).await?.0 != StatusCode::NOT_FOUND {
        let waited = tour.scene.clock.monotonic().saturating_sub(started);
        ensure!(waited < ENDED, "orders still runs, or its URL still answers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Found::new("orders is gone: repository, runs, releases and both environments"))
}

fn processes(tour: &Tour<'_>) -> std::collections::BTreeSet<u32> {
    outside::containers(&tour.scene.home(), PROGRAM)
}

/// Asks until it answers so: a run is over when what it delivers is wished for, and that takes its time.
async fn becomes(tour: &Tour<'_>, host: &str, greeting: &str, version: &str) -> Result<()> {
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

fn greets(page: &Value, greeting: &str, version: &str) -> Result<()> {
    ensure!(page["greeting"] == greeting && page["version"] == version, "expected {greeting:?} of {version}: {page}");
    Ok(())
}

/// A run that is over.
struct Run {
    name: String,
    state: String,
    /// Its state in a sentence.
    says: String,
    /// How long its steps took: the build's time, not the platform's.
    steps: Duration,
}

/// The run of the commit that the clone stands on, which must succeed.
async fn succeeded(tour: &Tour<'_>) -> Result<Run> {
    let run = ended(tour).await?;
    if run.state != "Succeeded" {
        let log = work(tour).try_platform(&["pipeline", "logs", &run.name]).await?;
        let log = text(&log.stdout);
        let lines: Vec<&str> = log.lines().collect();
        anyhow::bail!(
            "the run ended with {}: {}\n{}",
            run.state,
            run.says,
            lines[lines.len().saturating_sub(30)..].join("\n")
        );
    }
    Ok(run)
}

/// The run of the commit that the clone stands on, when it is over.
async fn ended(tour: &Tour<'_>) -> Result<Run> {
    let commit = work(tour).git(&["rev-parse", "HEAD"]).await?;
    let started = tour.scene.clock.monotonic();
    let name = loop {
        if let Some(row) = row(tour, &commit).await? {
            break row["name"].as_str().unwrap_or_default().to_owned();
        }
        let waited = tour.scene.clock.monotonic().saturating_sub(started);
        ensure!(waited < NOTICED, "nothing runs for {commit}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // Its exit code is the run's; how the run ended is looked at after.
    let _ = work(tour).try_platform(&["pipeline", "logs", &name, "--follow"]).await?;
    let row = row(tour, &commit).await?.with_context(|| format!("run {name} is gone"))?;
    let run = tour.scene.platform_json(&["get", "pipelineruns", &name]).await?;
    let words = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Ok(Run { name, state: words("state"), says: words("summary"), steps: took(&run) })
}

async fn row(tour: &Tour<'_>, commit: &str) -> Result<Option<Value>> {
    let runs = work(tour).platform_json(&["pipeline", "runs"]).await?;
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
