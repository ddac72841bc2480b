//! The steps of the tour, in order. Each does what a user does and proves it from outside.

mod hello;

mod orders;

mod my_api;

mod pushes;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_clock::Clock;

use super::Found;
use super::outside::{self, Browser, Holdings};
use super::scene::Scene;
use super::table::{self, Row};

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
    step!(tour, rows, "create-service", hello::create_service(&tour));
    step!(tour, rows, "deploy version 1", hello::deploy_first(&tour));
    step!(tour, rows, "deploy version 2", hello::deploy_second(&tour));
    step!(tour, rows, "scale to 3", hello::scale(&tour));
    step!(tour, rows, "promote", hello::promote(&tour));
    step!(tour, rows, "roll back", hello::roll_back(&tour));
    step!(tour, rows, "refuse version 3", hello::refuse_third(&tour));
    step!(tour, rows, "logs", hello::logs(&tour));
    step!(tour, rows, "history", hello::history(&tour));
    step!(tour, rows, "create orders", orders::create(&tour));
    step!(tour, rows, "first pipeline", orders::first_run(&tour));
    step!(tour, rows, "push version 2", orders::push_second(&tour));
    step!(tour, rows, "push a setting", orders::push_setting(&tour));
    step!(tour, rows, "push a mistake", orders::push_failing(&tour));
    step!(tour, rows, "promote, and back", orders::promote_and_back(&tour));
    step!(tour, rows, "base images", my_api::bases(&tour));
    step!(tour, rows, "create my-api", my_api::create(&tour));
    step!(tour, rows, "a database", my_api::first_run(&tour));
    step!(tour, rows, "push a migration", my_api::push_migration(&tour));
    step!(tour, rows, "back, data stays", my_api::back(&tour));
    step!(tour, rows, "refuse a migration", my_api::refuse_migration(&tour));
    step!(tour, rows, "a wrong password", my_api::wrong_password(&tour));
    step!(tour, rows, "kill -9, up again", survive(&mut tour));
    if !keep {
        step!(tour, rows, "remove orders", orders::remove(&mut tour));
        step!(tour, rows, "remove my-api", my_api::remove(&mut tour));
        step!(tour, rows, "down", down(&tour));
    }
    Ok(())
}

/// Does something while others ask a host all the time: none of them may go without an answer. Says how many there were.
async fn visited<T>(tour: &Tour<'_>, host: &str, work: impl Future<Output = Result<T>>) -> Result<(T, u64)> {
    let visitors = tour.browser.visit(host);
    let done = work.await;
    let answered = visitors.all_answered().await;
    Ok((done?, answered?))
}

async fn up(tour: &mut Tour<'_>) -> Result<Found> {
    tour.scene.platform(&["up", "--port=0", "--gateway-port=0", "--keep-packages"]).await?;
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

async fn survive(tour: &mut Tour<'_>) -> Result<Found> {
    let before = hello::processes(tour);
    ensure!(before.len() == 4, "{} containers run, not three in staging and one in production", before.len());
    tour.held.add(&before);
    let pid = i32::try_from(tour.scene.pid).ok().and_then(rustix::process::Pid::from_raw).context("a process id")?;
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).context("kill the platform")?;
    while outside::lives(tour.scene.pid) && !is_zombie(tour.scene.pid) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ensure!(hello::processes(tour) == before, "killing the platform ended a container");
    // The same addresses as before: clones and pages know them.
    let ports = [format!("--port={}", tour.scene.api_port), format!("--gateway-port={}", tour.scene.gateway_port)];
    let started = tour.scene.clock.monotonic();
    let up = async { tour.scene.platform(&["up", &ports[0], &ports[1], "--keep-packages"]).await };
    let answers = async {
        loop {
            if tour.browser.page(hello::STAGING).await.is_ok() {
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
    hello::is(&tour.browser.page(hello::STAGING).await?, "hello again", "second edition")?;
    hello::is(&tour.browser.page(hello::PRODUCTION).await?, "good day", "first edition")?;
    ensure!(hello::processes(tour) == before, "a container was restarted");
    my_api::goes_on(tour).await?;
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
    ensure!(hello::processes(tour).is_empty(), "containers still run");
    outside::nothing_left(tour.scene.root(), &tour.held)?;
    Ok(Found::new("no process, mount, cgroup, namespace or file is left"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
