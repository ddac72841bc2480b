//! What is answered: one page, and two for the platform that ask how the service is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tracing::info;

use crate::settings::Settings;

/// The running service.
pub(crate) struct Service {
    settings: Settings,
    ready: AtomicBool,
}

impl Service {
    /// A service that is ready.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, ready: AtomicBool::new(true) }
    }

    /// It wants no new requests.
    pub(crate) fn leave(&self) {
        self.ready.store(false, Ordering::Release);
    }

    /// Whether it can do its work. What it cannot work without is asked here: a database, another service.
    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

/// All routes.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(greet))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .fallback(nothing_here)
        .layer(from_fn(log))
        .with_state(service)
}

/// The answer of `/`.
#[derive(Debug, Serialize)]
struct Welcome {
    service: &'static str,
    version: &'static str,
    greeting: String,
    instance: String,
}

/// The answer of `/healthz` and `/readyz`.
#[derive(Debug, Serialize)]
struct Health {
    ok: bool,
}

/// Every refusal has this form.
#[derive(Debug, Serialize)]
struct Problem {
    error: String,
}

async fn greet(State(service): State<Arc<Service>>) -> Json<Welcome> {
    Json(Welcome {
        service: env!("CARGO_BIN_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        greeting: service.settings.greeting.clone(),
        instance: service.settings.instance.clone(),
    })
}

/// It runs: only if this fails should it be started anew.
async fn alive() -> Json<Health> {
    Json(Health { ok: true })
}

/// It may get requests.
async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, Json<Health>) {
    let ok = service.is_ready();
    (if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(Health { ok }))
}

async fn nothing_here(request: Request) -> Response {
    let error = format!("there is nothing at {}; docs/API_GUIDE.md says what there is", request.uri().path());
    (StatusCode::NOT_FOUND, Json(Problem { error })).into_response()
}

/// One line of log a request; not for the checks, which come every few seconds.
async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let start = Instant::now();
    let response = next.run(request).await;
    if !matches!(path.as_str(), "/healthz" | "/readyz") {
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        info!(%method, path, status = response.status().as_u16(), duration_ms, "answered");
    }
    response
}

#[cfg(test)]
mod tests;
