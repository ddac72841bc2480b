//! The steps of the tour, in order. Each does what a user does and proves it from outside.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_clock::Clock;
use serde_json::Value;

use super::Found;
use super::outside::{self, Browser, Holdings};
use super::scene::Scene;
use super::table::{self, Row};

const STAGING: &str = "hello.staging.sandbox.localhost";
const PRODUCTION: &str = "hello.production.sandbox.localhost";
/// What runs in the containers of the example.
const PROGRAM: &str = "/app/hello";
/// The exit code of a command whose wish did not become healthy.
const NOT_HEALTHY: i32 = 5;

/// What a step needs to know of those before it.
struct Tour<'a> {
    scene: &'a mut Scene,
    browser: Browser,
    /// What the containers held, for the end.
    held: Holdings,
}

/// Runs one step, says how it went, and notes it.
macro_rules! step {
    ($tour:ident, $rows:ident, $name:literal, $work:expr) => {{
        let started = $tour.scene.clock.monotonic();
        let found: Found = $work.await.with_context(|| format!("step {}", $name))?;
        let total = $tour.scene.clock.monotonic().saturating_sub(started);
        let row = Row::of($name, total, &found);
        $tour.scene.say(&format!("✓ {:<20} {:>8}  {}", $name, table::shown(total), found.text));
        $rows.push(row);
    }};
}

/// The whole tour.
pub(super) async fn all(scene: &mut Scene, rows: &mut Vec<Row>, keep: bool) -> Result<()> {
    let mut tour = Tour { scene, browser: Browser::new(0), held: Holdings::default() };
    step!(tour, rows, "up", up(&mut tour));
    step!(tour, rows, "whoami", whoami(&tour));
    step!(tour, rows, "create-service", create_service(&tour));
    step!(tour, rows, "deploy version 1", deploy_first(&tour));
    step!(tour, rows, "deploy version 2", deploy_second(&tour));
    step!(tour, rows, "scale to 3", scale(&tour));
    step!(tour, rows, "promote", promote(&tour));
    step!(tour, rows, "roll back", roll_back(&tour));
    step!(tour, rows, "refuse version 3", refuse_third(&tour));
    step!(tour, rows, "logs", logs(&tour));
    step!(tour, rows, "history", history(&tour));
    step!(tour, rows, "kill -9, up again", survive(&mut tour));
    if !keep {
        step!(tour, rows, "down", down(&tour));
    }
    Ok(())
}

async fn up(tour: &mut Tour<'_>) -> Result<Found> {
    tour.scene.platform(&["up", "--port=0", "--gateway-port=0"]).await?;
    tour.scene.find()?;
    tour.browser = Browser::new(tour.scene.gateway_port);
    ensure!(outside::lives(tour.scene.pid), "process {} is not there", tour.scene.pid);
    let (status, _) = tour.browser.get("nothing.here.localhost").await.context("ask the gateway")?;
    ensure!(status.as_u16() == 404, "the gateway answered {status} for a host that nobody has");
    for part in ["admin.token", "store/platform.db"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(tour.scene.home().join(part))?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{part} has mode {mode:o}");
    }
    Ok(Found::new(format!("store, API server, controllers, node and gateway are one process, {}", tour.scene.pid)))
}

async fn whoami(tour: &Tour<'_>) -> Result<Found> {
    let answer = tour.scene.platform(&["whoami"]).await?;
    let user = crate::platform::local_user();
    ensure!(answer.contains(&user), "whoami does not name {user}: {answer}");
    Ok(Found::new(user))
}

async fn create_service(tour: &Tour<'_>) -> Result<Found> {
    tour.scene.commit("First edition").await?;
    tour.scene.platform(&["create-service", "--name=hello"]).await?;
    let again = tour.scene.try_platform(&["create-service", "--name=hello"]).await?;
    ensure!(!again.status.success(), "creating it twice was not refused");
    Ok(Found::new("hello is registered in project sandbox; a second one is refused"))
}

/// Deploys to staging and takes the build's time out of what the command says.
async fn deploy(tour: &Tour<'_>) -> Result<(String, Duration)> {
    let said = tour.scene.platform_json(&["deploy", "--env=staging"]).await?;
    let version = said["version"].as_str().with_context(|| format!("deploy names no version: {said}"))?.to_owned();
    Ok((version, Duration::from_millis(said["buildMs"].as_u64().unwrap_or(0))))
}

fn is(page: &Value, greeting: &str, edition: &str) -> Result<()> {
    ensure!(
        page["greeting"] == greeting && page["edition"] == edition,
        "expected {greeting:?} of the {edition}: {page}"
    );
    Ok(())
}

async fn deploy_first(tour: &Tour<'_>) -> Result<Found> {
    let (version, build) = deploy(tour).await?;
    is(&tour.browser.page(STAGING).await?, "hello", "first edition")?;
    Ok(Found { text: format!("{version} answers at http://{STAGING}:{}", tour.scene.gateway_port), build })
}

async fn deploy_second(tour: &Tour<'_>) -> Result<Found> {
    tour.scene.replace("src/main.rs", "first edition", "second edition")?;
    tour.scene.replace("config/default.yaml", "GREETING: hello", "GREETING: hello again")?;
    tour.scene.replace("config/production.yaml", "GREETING: good day", "GREETING: good evening")?;
    tour.scene.commit("Second edition").await?;
    let visitors = tour.browser.visit(STAGING);
    let deployed = deploy(tour).await;
    let answered = visitors.all_answered().await;
    let (version, build) = deployed?;
    let answered = answered?;
    is(&tour.browser.page(STAGING).await?, "hello again", "second edition")?;
    Ok(Found { text: format!("{version} is live; all {answered} requests meanwhile were answered"), build })
}

async fn scale(tour: &Tour<'_>) -> Result<Found> {
    tour.scene.platform(&["scale", "hello", "--replicas=3", "--env=staging"]).await?;
    let running = own_processes(tour);
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

fn own_processes(tour: &Tour<'_>) -> BTreeSet<u32> {
    outside::containers(&tour.scene.home(), PROGRAM)
}

async fn promote(tour: &Tour<'_>) -> Result<Found> {
    tour.scene.platform(&["deploy", "--service=hello", "--env=production"]).await?;
    is(&tour.browser.page(PRODUCTION).await?, "good evening", "second edition")?;
    Ok(Found::new("what staging proved answers in production, with production's settings"))
}

async fn roll_back(tour: &Tour<'_>) -> Result<Found> {
    tour.scene.platform(&["rollback", "hello", "--env=production", "--to-version=v0.1.0"]).await?;
    is(&tour.browser.page(PRODUCTION).await?, "good day", "first edition")?;
    Ok(Found::new("v0.1.0 is back in production, image and configuration"))
}

async fn refuse_third(tour: &Tour<'_>) -> Result<Found> {
    let ready = "fn is_ready() -> bool {\n    true";
    tour.scene.replace("src/main.rs", ready, "fn is_ready() -> bool {\n    false")?;
    tour.scene.commit("Third edition, which never becomes ready").await?;
    let visitors = tour.browser.visit(STAGING);
    let refused = tour.scene.try_platform(&["deploy", "--env=staging", "-o", "json"]).await;
    let answered = visitors.all_answered().await?;
    let refused = refused?;
    let code = refused.status.code();
    ensure!(
        code == Some(NOT_HEALTHY),
        "the deploy ended with {:?}, not {NOT_HEALTHY}: {}",
        code,
        text(&refused.stderr)
    );
    is(&tour.browser.page(STAGING).await?, "hello again", "second edition")?;
    let status = tour.scene.try_platform(&["status", "hello", "--env=staging"]).await?;
    let said = text(&status.stdout);
    let sentence = said.lines().find(|it| it.contains("refused by its health check"));
    let Some(sentence) = sentence else { bail!("the status does not say why: {said}") };
    ensure!(sentence.contains("503") && sentence.contains("v0.1.1 goes on serving"), "the sentence is {sentence:?}");
    let build = serde_json::from_slice::<Value>(&refused.stdout).ok().and_then(|it| it["buildMs"].as_u64());
    let build = Duration::from_millis(build.unwrap_or(0));
    Ok(Found { text: format!("{} ({answered} requests answered)", sentence.trim()), build })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn logs(tour: &Tour<'_>) -> Result<Found> {
    let said = tour.scene.platform(&["logs", "hello", "--env=staging"]).await?;
    ensure!(said.contains("\"message\":\"listening\""), "the logs do not show the start: {said:.300}");
    let requests = said.lines().filter(|it| it.contains("\"path\":\"/\"")).count();
    ensure!(requests > 0, "the logs show no request");
    Ok(Found::new(format!("{} lines, {requests} of them requests", said.lines().count())))
}

async fn history(tour: &Tour<'_>) -> Result<Found> {
    let said = tour.scene.platform(&["history", "hello"]).await?;
    let user = crate::platform::local_user();
    for part in ["v0.1.0", "v0.1.1", "refused by its health check", &user] {
        ensure!(said.contains(part), "the history does not tell of {part:?}: {said}");
    }
    tour.scene.platform(&["ledger", "verify"]).await?;
    Ok(Found::new(format!("{} lines; the ledger verifies", said.lines().count())))
}

async fn survive(tour: &mut Tour<'_>) -> Result<Found> {
    let before = own_processes(tour);
    ensure!(before.len() == 4, "{} containers run, not three in staging and one in production", before.len());
    tour.held.add(&before);
    let pid = i32::try_from(tour.scene.pid).ok().and_then(rustix::process::Pid::from_raw).context("a process id")?;
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).context("kill the platform")?;
    while outside::lives(tour.scene.pid) && !is_zombie(tour.scene.pid) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ensure!(own_processes(tour) == before, "killing the platform ended a container");
    let port = format!("--gateway-port={}", tour.scene.gateway_port);
    let started = tour.scene.clock.monotonic();
    let up = async { tour.scene.platform(&["up", "--port=0", &port]).await };
    let answers = async {
        loop {
            if tour.browser.page(STAGING).await.is_ok() {
                return tour.scene.clock.monotonic().saturating_sub(started);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let answers = tokio::time::timeout(Duration::from_secs(30), answers);
    let (up, answers) = tokio::join!(up, answers);
    up?;
    let answers = answers.context("the URL does not answer again")?;
    ensure!(answers < Duration::from_secs(1), "the URL answered only {} after the start", table::shown(answers));
    tour.scene.find()?;
    is(&tour.browser.page(STAGING).await?, "hello again", "second edition")?;
    is(&tour.browser.page(PRODUCTION).await?, "good day", "first edition")?;
    ensure!(own_processes(tour) == before, "a container was restarted");
    Ok(Found::new(format!("the URL answered {} after the start; no container was restarted", table::shown(answers))))
}

fn is_zombie(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|it| it.1.starts_with('Z'))
}

async fn down(tour: &Tour<'_>) -> Result<Found> {
    tour.scene.platform(&["delete", "component", "hello"]).await?;
    tour.scene.platform(&["down", "--purge", "--yes"]).await?;
    ensure!(!tour.scene.home().exists(), "{} is still there", tour.scene.home().display());
    ensure!(own_processes(tour).is_empty(), "containers still run");
    outside::nothing_left(tour.scene.root(), &tour.held)?;
    Ok(Found::new("no process, mount, cgroup, namespace or file is left"))
}
