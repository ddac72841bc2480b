//! A service from a golden path: made with its repository, and from then on delivered by pushes.

use std::time::Duration;

use anyhow::{Result, ensure};
use fairway_clock::Clock;
use http::StatusCode;

use super::super::Found;
use super::super::outside;
use super::super::work::Work;
use super::pushes::{ENDED, becomes, clone, ended, greets, push, succeeded};
use super::{Tour, visited};

const STAGING: &str = "orders.staging.sandbox.localhost";
const PRODUCTION: &str = "orders.production.sandbox.localhost";
/// What runs in its containers.
const PROGRAM: &str = "/app/orders";
/// The test that the third push breaks.
const TEST: &str = "what_is_not_there_is_told_as_json";

fn work<'a>(tour: &'a Tour<'_>) -> Work<'a> {
    tour.scene.orders()
}

/// One command makes the service and its repository, which is cloned with Git itself.
pub(super) async fn create(tour: &Tour<'_>) -> Result<Found> {
    let words = ["create-service", "--name=orders", "--language=rust"];
    let files = ["src/main.rs", "score.yaml", ".fairway/pipeline.yaml", "Cargo.lock"];
    clone(tour, &work(tour), &words, "../orders", &files).await
}

/// The first commit is tested, built, released and delivered without anybody asking.
pub(super) async fn first_run(tour: &Tour<'_>) -> Result<Found> {
    let run = succeeded(tour, &work(tour)).await?;
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
    let pushed = async {
        let run = push(tour, &work(tour), "Second edition").await?;
        becomes(tour, STAGING, "hello again", "second edition").await?;
        anyhow::Ok(run)
    };
    let (run, answered) = visited(tour, STAGING, pushed).await?;
    Ok(Found { text: format!("{}; all {answered} requests meanwhile were answered", run.says), build: run.steps })
}

/// A setting alone is pushed: what did not change is not tested and built again.
pub(super) async fn push_setting(tour: &Tour<'_>) -> Result<Found> {
    work(tour).replace("config/default.yaml", "GREETING: hello again", "GREETING: welcome")?;
    let run = push(tour, &work(tour), "Another greeting").await?;
    let printed = work(tour).platform(&["pipeline", "logs", &run.name]).await?;
    ensure!(printed.matches("(skipped").count() == 2, "the steps were run again: {printed:.500}");
    becomes(tour, STAGING, "welcome", "second edition").await?;
    Ok(Found { text: format!("{}; nothing was built", run.says), build: run.steps })
}

/// A push whose test fails stops there.
pub(super) async fn push_failing(tour: &Tour<'_>) -> Result<Found> {
    work(tour).replace("src/http.rs", "(StatusCode::NOT_FOUND, Json", "(StatusCode::OK, Json")?;
    work(tour).commit("A mistake").await?;
    let pushed = async {
        work(tour).git(&["push", "--quiet"]).await?;
        ended(tour, &work(tour)).await
    };
    let (run, answered) = visited(tour, STAGING, pushed).await?;
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
