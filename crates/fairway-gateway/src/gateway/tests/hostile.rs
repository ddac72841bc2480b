//! Requests that nobody should send.

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::*;
use super::bench::{Backend, Bench, split, text};

/// A server that tells how the request looked to it.
async fn mirror() -> Backend {
    Backend::start(|request| async move {
        let (parts, body) = request.into_parts();
        let mut lines: Vec<String> = vec![format!("{} {}", parts.method, parts.uri)];
        lines.extend(parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))));
        lines.push(format!("[{}]", body.collect().await.map_or(0, |it| it.to_bytes().len())));
        text(lines.join("\n"))
    })
    .await
}

#[tokio::test]
async fn messages_that_can_be_read_in_two_ways_reach_an_endpoint_in_one_way_or_not_at_all() {
    let mirror = mirror().await;
    let bench = Bench::web(&[mirror.address]).await;
    let refused: &[(&str, &str, u16)] = &[
        ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", 400),
        ("the same host twice", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n", 400),
        ("strange host", "GET / HTTP/1.1\r\nHost: a.example/evil\r\n\r\n", 400),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            400,
        ),
        ("signed length", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: +3\r\n\r\nabc", 400),
        (
            "chunked is not last",
            "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("unknown coding", "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("folded header", "GET / HTTP/1.1\r\nHost: a.example\r\nX-A: 1\r\n 2\r\n\r\n", 400),
        ("space before colon", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length : 3\r\n\r\nabc", 400),
        ("bare CR in a value", "GET / HTTP/1.1\r\nHost: a.example\r\nX-A: 1\r2\r\n\r\n", 400),
        ("NUL in a value", "GET / HTTP/1.1\r\nHost: a.example\r\nX-A: 1\x002\r\n\r\n", 400),
        ("CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 405),
        ("unknown host", "GET / HTTP/1.1\r\nHost: nobody.example\r\nConnection: close\r\n\r\n", 404),
    ];
    for (case, request, status) in refused {
        let answer = bench.raw(request.as_bytes()).await;
        assert_eq!(split(&answer).0, *status, "{case}: {answer}");
        assert_eq!(mirror.hits(), 0, "{case} reached an endpoint");
    }
}

#[tokio::test]
async fn a_smuggled_request_is_body_or_nothing() {
    let mirror = mirror().await;
    let bench = Bench::web(&[mirror.address]).await;
    let smuggle = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 44\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let answer = bench.raw(smuggle.as_bytes()).await;
    assert!(!answer.contains("/admin"), "{answer}");
    assert!(mirror.hits() <= 1);
    assert!(!answer.contains("content-length: 44"), "the endpoint sees one framing: {answer}");
}

#[tokio::test]
async fn an_absolute_target_decides_the_host() {
    let mirror = mirror().await;
    let bench = Bench::web(&[mirror.address]).await;
    let answer =
        bench.raw(b"GET http://A.example/x?y HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n").await;
    let (status, body) = split(&answer);
    assert_eq!(status, 200, "{answer}");
    assert!(body.starts_with("GET /x?y\nhost: A.example"), "{body}");
    assert!(body.contains("x-forwarded-host: A.example\n"), "{body}");
}

#[tokio::test]
async fn http2_is_not_smuggled_in_by_an_upgrade() {
    let mirror = mirror().await;
    let bench = Bench::web(&[mirror.address]).await;
    let request = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    let (status, body) = split(&bench.raw(request.as_bytes()).await);
    assert_eq!(status, 200);
    assert!(!body.contains("upgrade") && !body.contains("http2-settings"), "{body}");
}

#[tokio::test]
async fn a_huge_header_is_refused_and_the_gateway_goes_on() {
    let mirror = mirror().await;
    let bench = Bench::web(&[mirror.address]).await;
    let huge = format!("GET / HTTP/1.1\r\nHost: a.example\r\nX-Big: {}\r\n\r\n", "a".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{}\r\n", "X-A: 1\r\n".repeat(5000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a.example\r\n\r\n", "a".repeat(1 << 20));
    for request in [huge, many, long] {
        let answer = bench.raw(request.as_bytes()).await;
        // The rest of a request that is not read may reset the connection before the answer is seen.
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 414 "),
            "{answer}"
        );
    }
    assert_eq!(mirror.hits(), 0);
    assert_eq!(bench.get("/").await.0, 200);
}

#[tokio::test]
async fn a_client_that_dribbles_its_header_is_let_go() {
    let mirror = mirror().await;
    let limits = Limits { header_time: Duration::from_millis(200), connections: 2, ..Limits::default() };
    let mut bench =
        Bench::with_limits(serde_json::json!([{ "backendRefs": [{ "name": "web", "port": 80 }] }]), limits).await;
    bench.endpoints("web", &[mirror.address]);
    // They fill every place; the request below waits until one is free.
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = tokio::net::TcpStream::connect(bench.gateway.address()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a.exam").await.unwrap();
        slow.push(stream);
    }
    assert_eq!(bench.get("/").await.0, 200);
    for mut stream in slow {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    assert_eq!(mirror.hits(), 1);
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_of_its_body_is_told_so() {
    let mirror = mirror().await;
    let limits = Limits { body_idle: Duration::from_millis(100), ..Limits::default() };
    let mut bench =
        Bench::with_limits(serde_json::json!([{ "backendRefs": [{ "name": "web", "port": 80 }] }]), limits).await;
    bench.endpoints("web", &[mirror.address]);
    let answer = bench.raw(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\nabc").await;
    assert_eq!(split(&answer).0, 408, "{answer}");
}

#[tokio::test]
async fn refusals_say_who_and_why_and_nothing_of_others() {
    let mirror = mirror().await;
    let bench = Bench::web(&[mirror.address]).await;
    let answer = bench
        .raw(b"GET / HTTP/1.1\r\nHost: nobody.example\r\nAccept: application/json\r\nConnection: close\r\n\r\n")
        .await;
    let (status, body) = split(&answer);
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &problem["detail"]), (404, &"no route serves the host nobody.example".into()));
    assert!(!answer.contains("a.example"), "{answer}");
}
