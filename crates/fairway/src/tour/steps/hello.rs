//! A service in a folder: built by the command line, delivered, scaled, promoted, rolled back, refused.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::super::Found;
use super::super::outside;
use super::super::work::Work;
use super::{NOT_HEALTHY, Tour, text, visited};

pub(super) const STAGING: &str = "hello.staging.sandbox.localhost";
pub(super) const PRODUCTION: &str = "hello.production.sandbox.localhost";
/// What runs in its containers.
const PROGRAM: &str = "/app/hello";

fn work<'a>(tour: &'a Tour<'_>) -> Work<'a> {
    tour.scene.hello()
}

/// Its processes, seen from outside.
pub(super) fn processes(tour: &Tour<'_>) -> BTreeSet<u32> {
    outside::containers(&tour.scene.home(), PROGRAM)
}

pub(super) async fn create_service(tour: &Tour<'_>) -> Result<Found> {
    work(tour).commit("First edition").await?;
    work(tour).platform(&["create-service", "--name=hello"]).await?;
    let again = work(tour).try_platform(&["create-service", "--name=hello"]).await?;
    ensure!(!again.status.success(), "creating it twice was not refused");
    Ok(Found::new("hello is registered in project sandbox; a second one is refused"))
}

/// Deploys to staging and takes the build's time out of what the command says.
async fn deploy(tour: &Tour<'_>) -> Result<(String, Duration)> {
    let said = work(tour).platform_json(&["deploy", "--env=staging"]).await?;
    let version = said["version"].as_str().with_context(|| format!("deploy names no version: {said}"))?.to_owned();
    Ok((version, Duration::from_millis(said["buildMs"].as_u64().unwrap_or(0))))
}

pub(super) fn is(page: &Value, greeting: &str, edition: &str) -> Result<()> {
    ensure!(
        page["greeting"] == greeting && page["edition"] == edition,
        "expected {greeting:?} of the {edition}: {page}"
    );
    Ok(())
}

pub(super) async fn deploy_first(tour: &Tour<'_>) -> Result<Found> {
    let (version, build) = deploy(tour).await?;
    is(&tour.browser.page(STAGING).await?, "hello", "first edition")?;
    Ok(Found { text: format!("{version} answers at http://{STAGING}:{}", tour.scene.gateway_port), build })
}

pub(super) async fn deploy_second(tour: &Tour<'_>) -> Result<Found> {
    work(tour).replace("src/main.rs", "first edition", "second edition")?;
    work(tour).replace("config/default.yaml", "GREETING: hello", "GREETING: hello again")?;
    work(tour).replace("config/production.yaml", "GREETING: good day", "GREETING: good evening")?;
    work(tour).commit("Second edition").await?;
    let ((version, build), answered) = visited(tour, STAGING, deploy(tour)).await?;
    is(&tour.browser.page(STAGING).await?, "hello again", "second edition")?;
    Ok(Found { text: format!("{version} is live; all {answered} requests meanwhile were answered"), build })
}

pub(super) async fn scale(tour: &Tour<'_>) -> Result<Found> {
    work(tour).platform(&["scale", "hello", "--replicas=3", "--env=staging"]).await?;
    let running = processes(tour);
    ensure!(running.len() == 3, "{} processes of {PROGRAM} run, not 3", running.len());
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..60 {
        let page = tour.browser.page(STAGING).await?;
        *counts.entry(page["instance"].to_string()).or_insert(0u32) += 1;
    }
    ensure!(counts.len() == 3, "60 requests reached {} instances, not 3", counts.len());
    let spread: Vec<String> = counts.values().map(ToString::to_string).collect();
    Ok(Found::new(format!("60 requests reached 3 instances: {}", spread.join(" + "))))
}

pub(super) async fn promote(tour: &Tour<'_>) -> Result<Found> {
    work(tour).platform(&["deploy", "--service=hello", "--env=production"]).await?;
    is(&tour.browser.page(PRODUCTION).await?, "good evening", "second edition")?;
    Ok(Found::new("what staging proved answers in production, with production's settings"))
}

pub(super) async fn roll_back(tour: &Tour<'_>) -> Result<Found> {
    work(tour).platform(&["rollback", "hello", "--env=production", "--to-version=v0.1.0"]).await?;
    is(&tour.browser.page(PRODUCTION).await?, "good day", "first edition")?;
    Ok(Found::new("v0.1.0 is back in production, image and configuration"))
}

pub(super) async fn refuse_third(tour: &Tour<'_>) -> Result<Found> {
    let ready = "fn is_ready() -> bool {\n    true";
    work(tour).replace("src/main.rs", ready, "fn is_ready() -> bool {\n    false")?;
    work(tour).commit("Third edition, which never becomes ready").await?;
    let here = work(tour);
    let refused = here.try_platform(&["deploy", "--env=staging", "-o", "json"]);
    let (refused, answered) = visited(tour, STAGING, refused).await?;
    let code = refused.status.code();
    ensure!(
        code == Some(NOT_HEALTHY),
        "the deploy ended with {:?}, not {NOT_HEALTHY}: {}",
        code,
        text(&refused.stderr)
    );
    is(&tour.browser.page(STAGING).await?, "hello again", "second edition")?;
    let status = work(tour).try_platform(&["status", "hello", "--env=staging"]).await?;
    let said = text(&status.stdout);
    let sentence = said.lines().find(|it| it.contains("refused by its health check"));
    let Some(sentence) = sentence else { bail!("the status does not say why: {said}") };
    ensure!(sentence.contains("503") && sentence.contains("v0.1.1 goes on serving"), "the sentence is {sentence:?}");
    let build = serde_json::from_slice::<Value>(&refused.stdout).ok().and_then(|it| it["buildMs"].as_u64());
    let build = Duration::from_millis(build.unwrap_or(0));
    Ok(Found { text: format!("{} ({answered} requests answered)", sentence.trim()), build })
}

pub(super) async fn logs(tour: &Tour<'_>) -> Result<Found> {
    let said = work(tour).platform(&["logs", "hello", "--env=staging"]).await?;
    ensure!(said.contains("\"message\":\"listening\""), "the logs do not show the start: {said:.300}");
    let requests = said.lines().filter(|it| it.contains("\"path\":\"/\"")).count();
    ensure!(requests > 0, "the logs show no request");
    Ok(Found::new(format!("{} lines, {requests} of them requests", said.lines().count())))
}

pub(super) async fn history(tour: &Tour<'_>) -> Result<Found> {
    let said = work(tour).platform(&["history", "hello"]).await?;
    let user = crate::platform::local_user();
    for part in ["v0.1.0", "v0.1.1", "refused by its health check", &user] {
        ensure!(said.contains(part), "the history does not tell of {part:?}: {said}");
    }
    work(tour).platform(&["ledger", "verify"]).await?;
    Ok(Found::new(format!("{} lines; the ledger verifies", said.lines().count())))
}
