mod bench;
mod hostile;
mod streams;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench::{Backend, Bench, text};
use serde_json::json;

use super::*;

#[tokio::test]
async fn requests_spread_evenly_over_three_endpoints() {
    let (a, b, c) = (Backend::named("a").await, Backend::named("b").await, Backend::named("c").await);
    let bench = Bench::web(&[a.address, b.address, c.address]).await;
    let mut client = bench.client().await;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..99 {
        let (status, body) = client.ask("GET", "").await.unwrap();
        assert_eq!(status, 200);
        *seen.entry(String::from_utf8(body.to_vec()).unwrap()).or_default() += 1;
    }
    assert_eq!(seen, BTreeMap::from([("a".into(), 33), ("b".into(), 33), ("c".into(), 33)]));
    let metrics = bench.gateway.metrics();
    assert_eq!((metrics[0].route.as_str(), metrics[0].requests, metrics[0].by_class[1]), ("shop/web", 99, 99));
}

#[tokio::test]
async fn backends_get_their_weights() {
    let (stable, canary) = (Backend::named("stable").await, Backend::named("canary").await);
    let refs = json!([{ "name": "web", "port": 80, "weight": 9 }, { "name": "next", "port": 80, "weight": 1 }]);
    let mut bench = Bench::new(json!([{ "backendRefs": refs }])).await;
    bench.endpoints("web", &[stable.address]);
    bench.endpoints("next", &[canary.address]);
    let mut client = bench.client().await;
    for _ in 0..100 {
        assert_eq!(client.ask("GET", "").await.unwrap().0, 200);
    }
    assert_eq!((stable.hits(), canary.hits()), (90, 10));
}

#[tokio::test]
async fn connections_to_endpoints_are_kept_and_closed_when_the_endpoint_leaves() {
    let (old, new) = (Backend::named("old").await, Backend::named("new").await);
    let mut bench = Bench::web(&[old.address]).await;
    let mut client = bench.client().await;
    for _ in 0..50 {
        assert_eq!(client.ask("GET", "").await.unwrap().1, "old");
    }
    assert_eq!(old.connections(), 1, "fifty requests, one connection");
    bench.endpoints("web", &[new.address]);
    old.until_left().await;
    assert_eq!(client.ask("GET", "").await.unwrap().1, "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_request_is_dropped_while_endpoints_are_replaced_under_load() {
    let mut backends = [Backend::named("0").await, Backend::named("1").await];
    let mut bench = Bench::web(&[backends[0].address, backends[1].address]).await;
    let done = CancellationToken::new();
    let mut clients = JoinSet::new();
    for at in 0..4 {
        let (mut client, done) = (bench.client().await, done.clone());
        clients.spawn(async move {
            let method = if at % 2 == 0 { "GET" } else { "PUT" };
            let mut count = 0;
            while !done.is_cancelled() {
                let answer = client.ask(method, "").await;
                assert!(matches!(answer, Ok((200, _))), "request {count}: {answer:?}");
                count += 1;
            }
            count
        });
    }
    for _ in 0..15 {
        let new = Backend::named("n").await;
        let old = std::mem::replace(&mut backends[0], new);
        backends.swap(0, 1);
        // The program ends before the gateway hears of it: the worst order.
        old.drain().await;
        bench.endpoints("web", &[backends[0].address, backends[1].address]);
        let target = backends[1].hits() + 5;
        while backends[1].hits() < target {
            tokio::task::yield_now().await;
        }
    }
    done.cancel();
    let counts = clients.join_all().await;
    assert!(counts.iter().all(|it| *it > 0), "{counts:?}");
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_left_out_whatever_the_method() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = dead.local_addr().unwrap();
    drop(dead);
    let alive =
        Backend::start(|request| async { text(http_body_util::BodyExt::collect(request).await.unwrap().to_bytes()) })
            .await;
    let bench = Bench::web(&[gone, alive.address]).await;
    let mut client = bench.client().await;
    for _ in 0..10 {
        let (status, body) = client.ask("POST", "kept whole").await.unwrap();
        assert_eq!((status, &body[..]), (200, &b"kept whole"[..]));
    }
    let mut bench = bench;
    bench.endpoints("web", &[gone]);
    let (status, body) = bench.get("/").await;
    assert_eq!(status, 502);
    assert!(body.contains("no endpoint of shop/web:80 could be reached"), "{body}");
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_tried_again_only_where_that_is_safe() {
    // Takes every connection and hangs up as soon as the request has come.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rude = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let count = taken.clone();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.readable().await.unwrap();
            let _ = stream.try_read(&mut [0; 4096]);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let good = Backend::named("good").await;
    let bench = Bench::web(&[rude, good.address]).await;
    let mut client = bench.client().await;
    for method in ["GET", "PUT", "DELETE", "GET"] {
        assert_eq!(client.ask(method, "").await.unwrap().0, 200, "{method}");
    }
    for _ in 0..2 {
        let keyed = b"POST / HTTP/1.1\r\nHost: a.example\r\nIdempotency-Key: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(bench::split(&bench.raw(keyed).await).0, 200);
    }
    let before = (taken.load(Ordering::SeqCst), good.hits());
    let mut statuses = vec![client.ask("POST", "order").await.unwrap().0, client.ask("POST", "order").await.unwrap().0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 502], "an order that may have been taken is not sent twice");
    assert_eq!((taken.load(Ordering::SeqCst) - before.0, good.hits() - before.1), (1, 1));
}

#[tokio::test]
async fn leaving_endpoints_get_nothing_new_unless_nobody_else_is_left() {
    let (old, new) = (Backend::named("old").await, Backend::named("new").await);
    let mut bench = Bench::web(&[old.address]).await;
    let leaving = json!({ "ready": false, "serving": true, "terminating": true });
    bench.endpoints_as("web", &[(old.address, leaving.clone()), (new.address, json!({ "ready": true }))]);
    for _ in 0..4 {
        assert_eq!(bench.get("/").await, (200, "new".into()));
    }
    bench.endpoints_as("web", &[(old.address, leaving)]);
    assert_eq!(bench.get("/").await, (200, "old".into()));
    bench.endpoints("web", &[]);
    let answer = bench.raw(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
    assert!(answer.contains("no endpoint of shop/web:80 is ready"), "{answer}");
}

#[tokio::test]
async fn rules_bound_the_time_of_an_answer_and_of_its_body() {
    let slow = Backend::start(|request| async move {
        if request.uri().path() == "/head" {
            std::future::pending::<()>().await;
        }
        let stalls = futures::stream::once(async { Ok(hyper::body::Frame::data(bytes::Bytes::from_static(b"some"))) });
        let body = http_body_util::StreamBody::new(futures::StreamExt::chain(stalls, futures::stream::pending()));
        http::Response::new(http_body_util::BodyExt::boxed(body))
    })
    .await;
    let mut bench =
        Bench::new(json!([{ "timeouts": { "request": "100ms" }, "backendRefs": [{ "name": "web", "port": 80 }] }]))
            .await;
    bench.endpoints("web", &[slow.address]);
    let (status, body) = bench.get("/head").await;
    assert_eq!(status, 504);
    assert!(body.contains("did not answer in time"), "{body}");
    let cut = bench.raw(b"GET /body HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert!(cut.contains("some") && !cut.ends_with("0\r\n\r\n"), "a body cut off must not look complete: {cut}");
    assert_eq!(bench.gateway.metrics()[0].aborted, 1);
}

#[tokio::test]
async fn stopping_lets_requests_end_and_then_nothing_is_left() {
    let (arrived, release) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (here, go) = (arrived.clone(), release.clone());
    let backend = Backend::start(move |_| {
        let (here, go) = (here.clone(), go.clone());
        async move {
            here.notify_one();
            go.notified().await;
            text("late but whole")
        }
    })
    .await;
    let bench = Bench::web(&[backend.address]).await;
    let (mut client, mut idle) = (bench.client().await, bench.client().await);
    let address = bench.gateway.address();
    let mut asking = JoinSet::new();
    asking.spawn(async move { client.ask("GET", "").await });
    arrived.notified().await;
    let mut stopping = JoinSet::new();
    stopping.spawn(bench.gateway.stop(Duration::from_mins(1)));
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(idle.ask("GET", "").await.is_err(), "an idle connection is closed");
    release.notify_one();
    let (status, body) = asking.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!((status, &body[..]), (200, &b"late but whole"[..]));
    stopping.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_rule_may_redirect_and_change_headers() {
    let backend = Backend::start(|request| async move {
        let mut answer =
            text(request.headers().get("x-env").map_or_else(Default::default, |it| it.to_str().unwrap().to_owned()));
        answer.headers_mut().insert("server", "secret".parse().unwrap());
        answer
    })
    .await;
    let mut bench = Bench::new(json!([
        { "matches": [{ "path": { "value": "/old" } }], "filters": [{ "type": "RequestRedirect", "requestRedirect": { "hostname": "b.example", "statusCode": 308 } }] },
        { "filters": [
            { "type": "RequestHeaderModifier", "requestHeaderModifier": { "set": [{ "name": "x-env", "value": "staging" }] } },
            { "type": "ResponseHeaderModifier", "responseHeaderModifier": { "remove": ["server"] } },
        ], "backendRefs": [{ "name": "web", "port": 80 }] },
    ]))
    .await;
    bench.endpoints("web", &[backend.address]);
    let port = bench.gateway.address().port();
    let answer = bench.raw(b"GET /old/x?y=1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 308 ")
            && answer.contains(&format!("location: http://b.example:{port}/old/x?y=1\r\n")),
        "{answer}"
    );
    let answer =
        bench.raw(b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Env: production\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("staging") && !answer.contains("secret"), "{answer}");
}
