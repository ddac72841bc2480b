//! A service in Python with a database of its own: the data outlives versions, and what is wrong is named.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fairway_clock::Clock;
use serde_json::Value;

use super::super::Found;
use super::super::outside;
use super::super::table;
use super::super::work::Work;
use super::pushes::{ENDED, becomes, clone, greets, push, succeeded, take_back};
use super::{NOT_HEALTHY, Tour, text, visited};

const STAGING: &str = "my-api.staging.sandbox.localhost";
/// What its container and its database's run.
const PROGRAMS: [&str; 2] = ["python3", "postgres"];
/// The images that it needs, each made of Debian packages.
const BASES: [&str; 3] = ["python-3.11-tools", "python-3.11", "postgres-15"];
/// How long a wrong password may take to be named.
const NAMED: Duration = Duration::from_secs(60);

fn work<'a>(tour: &'a Tour<'_>) -> Work<'a> {
    tour.scene.my_api()
}

/// Makes the images that come from nobody: their packages are fetched once for all platforms of this user.
pub(super) async fn bases(tour: &Tour<'_>) -> Result<Found> {
    let started = tour.scene.clock.monotonic();
    let (mut packages, mut size) = (0, 0);
    for name in BASES {
        let made = tour.scene.platform_json(&["base", "build", name]).await?;
        packages += made["packages"].as_u64().with_context(|| format!("{name} is made of nothing: {made}"))?;
        size += made["size"].as_u64().unwrap_or(0);
        let checked = tour.scene.platform_json(&["base", "verify", name]).await?;
        ensure!(
            checked["missing"].as_array().is_some_and(Vec::is_empty),
            "{name} is not what its lock says: {checked}"
        );
    }
    let build = tour.scene.clock.monotonic().saturating_sub(started);
    let text = format!("{} of {packages} Debian packages, {} MB; each is what its lock says", BASES.len(), size >> 20);
    Ok(Found { text, build })
}

/// One command makes the service, its repository, and the wish for a database.
pub(super) async fn create(tour: &Tour<'_>) -> Result<Found> {
    let words = ["create-service", "--name=my-api", "--language=python", "--database=postgres"];
    let files = ["app/routes.py", "migrations/0001_init.sql", "requirements.lock", "score.yaml"];
    clone(tour, &work(tour), &words, "../my-api", &files).await
}

/// The first commit is checked and built; its database is made; what it answers was read from there.
pub(super) async fn first_run(tour: &Tour<'_>) -> Result<Found> {
    let run = succeeded(tour, &work(tour)).await?;
    becomes(tour, STAGING, "hello", "0.1.0").await?;
    for program in PROGRAMS {
        ensure!(!processes(tour, program).is_empty(), "no process of {program} runs");
    }
    Ok(Found {
        text: format!("{}; http://{STAGING}:{} answers what its table holds", run.says, tour.scene.gateway_port),
        build: run.steps,
    })
}

/// A second version comes with a change of the data that the first one can live with.
pub(super) async fn push_migration(tour: &Tour<'_>) -> Result<Found> {
    work(tour).replace("app/__init__.py", "\"0.1.0\"", "\"second edition\"")?;
    let politer = "-- fairway: compatible\nUPDATE greetings SET text = 'good day';\n";
    work(tour).write("migrations/0002_politer.sql", politer)?;
    let pushed = async {
        let run = push(tour, &work(tour), "Greet politely").await?;
        becomes(tour, STAGING, "good day", "second edition").await?;
        anyhow::Ok(run)
    };
    let (run, answered) = visited(tour, STAGING, pushed).await?;
    Ok(Found { text: format!("{}; all {answered} requests meanwhile were answered", run.says), build: run.steps })
}

/// The first version comes back; the data stays.
pub(super) async fn back(tour: &Tour<'_>) -> Result<Found> {
    work(tour).platform(&["rollback", "my-api", "--env=staging", "--to-version=v0.1.0"]).await?;
    greets(&tour.browser.page(STAGING).await?, "good day", "0.1.0")?;
    Ok(Found::new("v0.1.0 answers again, with the data of the second edition"))
}

/// A migration that the version which serves could not live with is refused, and the way out is said.
pub(super) async fn refuse_migration(tour: &Tour<'_>) -> Result<Found> {
    let nameless = "-- fairway: breaking\nALTER TABLE greetings DROP COLUMN name;\n";
    work(tour).write("migrations/0003_nameless.sql", nameless)?;
    let refused = async {
        let refused = push(tour, &work(tour), "Greetings need no name").await?;
        let status = work(tour).try_platform(&["status", "--env=staging", "--wait"]).await?;
        let code = status.status.code();
        ensure!(code == Some(NOT_HEALTHY), "the status ended with {code:?}: {}", text(&status.stdout));
        let plan = work(tour).platform_json(&["db", "migrate", "--env=staging", "--plan"]).await?;
        greets(&tour.browser.page(STAGING).await?, "good day", "0.1.0")?;
        let mended = take_back(tour, &work(tour)).await?;
        becomes(tour, STAGING, "good day", "second edition").await?;
        anyhow::Ok((plan, refused.steps + mended.steps))
    };
    let ((plan, build), answered) = visited(tour, STAGING, refused).await?;
    let way_out = plan["nextStep"].as_str().unwrap_or_default();
    ensure!(way_out.contains("--allow-breaking=0003"), "the way out is not said: {plan}");
    let summary = plan["summary"].as_str().unwrap_or_default();
    Ok(Found { text: format!("{summary}; taken back ({answered} requests answered)"), build })
}

/// Somebody writes a password by hand, and a wrong one: it is named, and mended by taking it back.
pub(super) async fn wrong_password(tour: &Tour<'_>) -> Result<Found> {
    let guess = "postgresql://app_a:guess@${resources.db.host}:5432/${resources.db.name}";
    work(tour).replace("score.yaml", "${resources.db.url}", guess)?;
    let mended = async {
        let wrong = push(tour, &work(tour), "A password by hand").await?;
        let cause = named(tour).await?;
        greets(&tour.browser.page(STAGING).await?, "good day", "second edition")?;
        let mended = take_back(tour, &work(tour)).await?;
        work(tour).platform(&["status", "--env=staging", "--wait"]).await?;
        anyhow::Ok((cause, wrong.steps + mended.steps))
    };
    let ((cause, build), answered) = visited(tour, STAGING, mended).await?;
    let sentence = cause["sentence"].as_str().unwrap_or_default();
    Ok(Found { text: format!("{sentence}; taken back ({answered} requests answered)"), build })
}

/// Asks why until the cause is known: the new instances need a moment to try.
async fn named(tour: &Tour<'_>) -> Result<Value> {
    let started = tour.scene.clock.monotonic();
    loop {
        let why = work(tour).platform_json(&["why", "my-api", "--env=staging"]).await?;
        if why["kind"] == "WrongDatabasePassword" {
            let evidence = why["evidence"].to_string();
            ensure!(evidence.contains("password authentication failed"), "nothing shows it: {why}");
            ensure!(!why.to_string().contains("guess"), "the password itself is shown: {why}");
            return Ok(why);
        }
        if tour.scene.clock.monotonic().saturating_sub(started) > NAMED {
            bail!("the wrong password is not named after {}: {why}", table::shown(NAMED));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// It and its data outlived the platform's death.
pub(super) async fn goes_on(tour: &Tour<'_>) -> Result<()> {
    greets(&tour.browser.page(STAGING).await?, "good day", "second edition")
}

/// The service goes, then its database, which nobody wants to keep here.
pub(super) async fn remove(tour: &mut Tour<'_>) -> Result<Found> {
    for program in PROGRAMS {
        tour.held.add(&processes(tour, program));
    }
    tour.scene.platform(&["delete", "component", "my-api"]).await?;
    tour.scene.platform(&["resource", "remove", "my-api-db", "--env=staging", "--discard", "--yes"]).await?;
    // They are asked to end, and given the time to.
    let started = tour.scene.clock.monotonic();
    while PROGRAMS.iter().any(|it| !processes(tour, it).is_empty()) {
        let waited = tour.scene.clock.monotonic().saturating_sub(started);
        ensure!(waited < ENDED, "my-api or its database still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Found::new("my-api is gone, and then its database"))
}

fn processes(tour: &Tour<'_>, program: &str) -> BTreeSet<u32> {
    outside::containers(&tour.scene.home(), program)
}
