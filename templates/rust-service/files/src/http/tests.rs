use std::time::Duration;

use axum::body::{Body, to_bytes};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;
use tracing::level_filters::LevelFilter;

use super::*;

fn service() -> Arc<Service> {
    Arc::new(Service::new(Settings {
        port: 0,
        greeting: "good day".to_owned(),
        log_level: LevelFilter::INFO,
        drain: Duration::ZERO,
        instance: "one".to_owned(),
    }))
}

/// Asks without a network.
async fn ask(service: &Arc<Service>, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let response = router(Arc::clone(service)).oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = to_bytes(response.into_body(), 64 * 1024).await.expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn the_first_page_greets_and_says_who_answers() {
    let (status, body) = ask(&service(), "/").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["greeting"], &body["instance"]), (&"good day".into(), &"one".into()));
}

#[tokio::test]
async fn a_service_that_leaves_is_alive_but_not_ready() {
    let service = service();
    assert_eq!(ask(&service, "/readyz").await.0, StatusCode::OK);
    service.leave();
    assert_eq!(ask(&service, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&service, "/healthz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_there_is_told_as_json() {
    let (status, body) = ask(&service(), "/nowhere").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body["error"].as_str().expect("a text").contains("/nowhere"));
}

#[tokio::test]
async fn it_answers_over_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let server = tokio::spawn(async move { axum::serve(listener, router(service())).await });
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    connection.write_all(request).await.expect("a request");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("an answer");
    server.abort();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/json") && answer.contains("good day"), "{answer}");
}
