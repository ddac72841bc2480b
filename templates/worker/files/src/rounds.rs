//! The work: a round every interval, none of which is cut short.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

/// Does rounds until it is told to stop; says how many.
pub(crate) async fn until_stopped(every: Duration, mut stopped: watch::Receiver<bool>) -> u64 {
    let mut rounds = 0;
    let mut ticks = interval(every);
    // A round that took too long is not made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = stopped.wait_for(|it| *it) => return rounds,
            _ = ticks.tick() => {}
        }
        rounds += 1;
        round(rounds);
    }
}

/// One round: put here what is to be done.
fn round(number: u64) {
    info!(round = number, "worked");
}

#[cfg(test)]
mod tests;
