//! How fast the whole platform is, as somebody outside sees it: the release binary in a folder of its own, asked over
//! HTTPS and through its gateway. `cargo xtask bench platform`.
//!
//! The folder stands in `TMPDIR`: on a real disk every write waits for it.
#![allow(clippy::print_stdout, reason = "the rows are what it is for")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot run may say so as it likes")]
#![allow(clippy::large_futures, reason = "each is made once")]

mod bases;
mod create;
mod deliver;
mod footprint;
mod gateway;
mod git;
mod home;
mod plain;
mod push;
mod report;
mod resources;
mod server;
mod service;
mod watching;
mod why;

use anyhow::Result;
use fairway_clock::SystemClock;

use home::Home;
use service::Service;

/// How many times the platform is started.
const STARTS: usize = 7;

/// What is measured, each by a name that may be given: `cargo bench --bench platform -- push`.
const PARTS: [&str; 9] = ["up", "bases", "deploy", "why", "resources", "create", "push", "plain", "server"];

#[tokio::main]
async fn main() -> Result<()> {
    let clock = SystemClock::new();
    let named: Vec<String> = std::env::args().skip(1).filter(|it| PARTS.contains(&&**it)).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|it| it == part);
    if wanted("up") {
        starts(&clock).await?;
    }
    if wanted("bases") {
        bases::all(&clock).await?;
    }
    if named == ["bases"] {
        return Ok(());
    }
    let mut home = Home::new()?;
    home.start(&clock).await?;
    let service = Service::build(&home)?;
    if wanted("deploy") {
        deliver::all(&home, &service, &clock).await?;
    }
    if wanted("why") {
        why::all(&home, &service, &clock).await?;
    }
    if wanted("resources") {
        resources::all(&home, &clock).await?;
    }
    if wanted("create") {
        create::all(&home, &clock).await?;
    }
    if wanted("push") {
        push::all(&home, &service, &clock).await?;
    }
    if wanted("plain") {
        plain::all(&home)?;
    }
    home.stop().await?;
    if wanted("server") {
        let mut home = Home::new()?;
        home.start(&clock).await?;
        server::all("HTTPS", &home.clients(8)?, &clock).await?;
        home.stop().await?;
    }
    Ok(())
}

/// How long it takes to be there, and what it takes then.
async fn starts(clock: &SystemClock) -> Result<()> {
    footprint::size(&home::program())?;
    let mut ups = Vec::new();
    for _ in 0..STARTS {
        let mut home = Home::new()?;
        ups.push(home.start(clock).await?);
        home.stop().await?;
    }
    report::times("platform up", "starting the program in an empty folder", "/readyz answers over HTTPS", ups);

    let mut home = Home::new()?;
    home.start(clock).await?;
    footprint::memory(&home).await?;
    let mut again = Vec::new();
    for _ in 0..STARTS {
        home.stop().await?;
        again.push(home.start(clock).await?);
    }
    report::times("platform up again", "starting the program over its folder", "/readyz answers over HTTPS", again);
    home.stop().await
}
