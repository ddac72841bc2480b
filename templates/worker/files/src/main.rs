//! Starts the work, and ends it after the round that is under way.

mod rounds;
mod settings;

use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info};

use settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(mistake) => {
            eprintln!("error: {mistake}");
            return ExitCode::FAILURE;
        }
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(settings.log_level)
        .init();
    match run(&settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(%error, "the worker cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Settings) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let (stop, stopped) = watch::channel(false);
    info!(interval_s = settings.interval.as_secs(), "working");
    let told = async {
        terminate.recv().await;
        info!("stopping");
        let _ = stop.send(true);
    };
    let ((), rounds) = tokio::join!(told, rounds::until_stopped(settings.interval, stopped));
    info!(rounds, "stopped");
    Ok(())
}
