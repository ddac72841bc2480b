//! A greeting over HTTP: one page, one health check, one log line a request, and a clean way to stop.

use std::convert::Infallible;
use std::env;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the page says about this build.
const EDITION: &str = "first edition";

/// Settings, all from the environment.
struct Settings {
    greeting: String,
    instance: String,
}

/// Whether this instance may get requests.
fn is_ready() -> bool {
    true
}

fn answer(request: &Request<Incoming>, settings: &Settings) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/" => (
            StatusCode::OK,
            json!({ "greeting": settings.greeting, "edition": EDITION, "instance": settings.instance }),
        ),
        "/healthz" if is_ready() => (StatusCode::OK, json!({ "ready": true })),
        "/healthz" => (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false })),
        _ => (StatusCode::NOT_FOUND, json!({ "error": "there is only / and /healthz" })),
    };
    if request.uri().path() != "/healthz" {
        println!("{}", json!({ "level": "info", "path": request.uri().path(), "status": status.as_u16() }));
    }
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}

/// Serves until told to stop, then finishes what was begun.
async fn serve(listener: TcpListener, settings: Arc<Settings>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = stop.changed() => break,
        };
        let settings = Arc::clone(&settings);
        let mut stop = stop.clone();
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let settings = Arc::clone(&settings);
                async move { Ok::<_, Infallible>(answer(&request, &settings)) }
            });
            let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = stop.changed() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(Duration::from_secs(10), finish).await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = env::var("PORT").unwrap_or_else(|_| "8080".to_owned()).parse()?;
    let settings = Settings {
        greeting: env::var("GREETING").unwrap_or_else(|_| "hello".to_owned()),
        instance: env::var("HOSTNAME").unwrap_or_else(|_| "unnamed".to_owned()),
    };
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    println!("{}", json!({ "level": "info", "message": "listening", "port": port, "edition": EDITION }));
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let waiting = async move {
        terminate.recv().await;
        let _ = stop.send(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = serve(listener, Arc::new(settings), stopped) => {}
        () = waiting => {}
    }
    println!("{}", json!({ "level": "info", "message": "stopped" }));
    Ok(())
}
