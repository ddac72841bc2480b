//! Starts the service, and stops it without dropping a request.

mod http;
mod settings;

use std::io;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

use http::Service;
use settings::Settings;

#[tokio::main]
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
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(%error, "the service cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> io::Result<()> {
    // Before anything listens: whoever sends it once requests are answered is heard.
    let terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, settings.port)).await?;
    let drain = settings.drain;
    let service = Arc::new(Service::new(settings));
    info!(port = listener.local_addr()?.port(), "listening");
    axum::serve(listener, http::router(Arc::clone(&service)))
        .with_graceful_shutdown(told_to_stop(terminate, service, drain))
        .await?;
    info!("stopped");
    Ok(())
}

/// Waits for SIGTERM. The service says that it is not ready and goes on answering for a moment, until nobody sends it
/// new requests; what was begun is finished after that.
async fn told_to_stop(mut terminate: Signal, service: Arc<Service>, drain: Duration) {
    terminate.recv().await;
    info!("stopping");
    service.leave();
    tokio::time::sleep(drain).await;
}
