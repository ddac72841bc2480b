//! How fast the whole platform is, as somebody outside sees it: the release binary in a folder of its own, asked over
//! HTTPS and through its gateway. `cargo xtask bench platform`.
//!
//! The folder stands in `TMPDIR`: on a real disk every write waits for it.
#![allow(clippy::print_stdout, reason = "the rows are what it is for")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot run may say so as it likes")]
#![allow(clippy::large_futures, reason = "each is made once")]

mod deliver;
mod footprint;
mod home;
mod report;
mod server;
mod service;

use anyhow::Result;
use fairway_clock::SystemClock;

use home::Home;

/// How many times the platform is started.
const STARTS: usize = 7;

#[tokio::main]
async fn main() -> Result<()> {
    let clock = SystemClock::new();
    footprint::size(&home::program())?;
    let mut ups = Vec::new();
    for _ in 0..STARTS {
        let mut home = Home::new()?;
        ups.push(home.start(&clock).await?);
        home.stop().await?;
    }
    report::times("platform up", "starting the program in an empty folder", "/readyz answers over HTTPS", ups);

    let mut home = Home::new()?;
    home.start(&clock).await?;
    footprint::memory(&home).await?;
    let mut again = Vec::new();
    for _ in 0..STARTS {
        home.stop().await?;
        again.push(home.start(&clock).await?);
    }
    report::times("platform up again", "starting the program over its folder", "/readyz answers over HTTPS", again);
    deliver::all(&home, &clock).await?;
    home.stop().await?;

    let mut home = Home::new()?;
    home.start(&clock).await?;
    server::all("HTTPS", &home.clients(8)?, &clock).await?;
    home.stop().await
}
